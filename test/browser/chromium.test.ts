import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backends } from "./harness/backend.ts";
import { findChromium } from "./harness/find.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { type Site, serve } from "./harness/pages.ts";

const nowhere = { env: { PATH: "" }, unpack: async () => null, downloaded: "" };

describe("looking for a Chromium", () => {
  it("fails with the command that brings one when there is none", async () => {
    await expect(findChromium(nowhere)).rejects.toThrow(/npm ci.*npx playwright-core install chromium/s);
  });

  it("fails when CHROMIUM names nothing that can be run", async () => {
    const places = { ...nowhere, env: { CHROMIUM: import.meta.filename } };
    await expect(findChromium(places)).rejects.toThrow(/CHROMIUM names .*chromium\.test\.ts/);
  });

  it("takes the one that CHROMIUM names before all others", async () => {
    const { executablePath } = await findChromium();
    const places = {
      ...nowhere,
      env: { CHROMIUM: executablePath },
      unpack: () => Promise.reject(new Error()),
    };
    expect(await findChromium(places)).toEqual({ executablePath });
  });

  it("falls back to the system's", async () => {
    const system = { ...nowhere, env: { PATH: "/nowhere:/usr/bin" } };
    const { executablePath } = await findChromium({ ...system, downloaded: process.execPath });
    expect(executablePath).toBe(process.execPath);
  });
});

describe.each(backends)("Chromium asked for IndexedDB on %s", (backend) => {
  let browser: TestBrowser;
  let site: Site;

  beforeAll(async () => {
    site = await serve({ blank: { folder: "test/browser/blank" } });
    browser = await launchChromium({ backend });
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  it("runs on it, by its files, and keeps what was written over a restart", async () => {
    const first = await browser.open(`${site.origin}/blank/`);
    expect(await browser.backend(site.origin)).toBeNull();
    expect(await first.evaluate(visits)).toBe(1);
    expect(await browser.backend(site.origin)).toBe(backend);
    await browser.restart();
    const second = await browser.open(`${site.origin}/blank/`);
    expect(await second.evaluate(visits)).toBe(2);
    expect(await browser.backend(site.origin)).toBe(backend);
    expect(browser.problems()).toEqual([]);
  });
});

/** Counts up in a database, as text: it runs in the page. */
const visits = `new Promise((resolve, reject) => {
  const opening = indexedDB.open("visits", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("counts");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const tx = opening.result.transaction("counts", "readwrite", { durability: "strict" });
    const counts = tx.objectStore("counts");
    const reading = counts.get("visits");
    reading.onsuccess = () => counts.put((reading.result ?? 0) + 1, "visits");
    tx.oncomplete = () => resolve((reading.result ?? 0) + 1);
    tx.onabort = () => reject(tx.error);
  };
})`;
