/** The conformance suite on the IndexedDB of real browsers: each case runs in a worker of a page, on a database of its own. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storeConformance } from "sluice/testing";
import type { ConformancePage } from "./conformance/api.ts";
import { backends } from "./harness/backend.ts";
import { findFirefox } from "./harness/find.ts";
import { openInFirefox } from "./harness/firefox.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { type Site, serve } from "./harness/pages.ts";
import { remote } from "./harness/remote.ts";

/** By name, to register them before any page is open; the bodies are the page's. */
const names = storeConformance({
  create: () => Promise.reject(new Error("only their names are wanted")),
}).map(({ name }) => name);
const firefox = await findFirefox();
const page = { folder: "test/browser/conformance" };

describe.each(backends)("IndexedDB in Chromium on %s", (backend) => {
  let site: Site;
  let browser: TestBrowser;
  let suite: ConformancePage;

  beforeAll(async () => {
    site = await serve({ conformance: page });
    browser = await launchChromium({ backend });
    suite = remote<ConformancePage>(await browser.open(`${site.origin}/conformance/`));
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  it.each(names)("%s", (name) => suite.run(name));

  it("was what all of it ran on, by the files in the profile, and no case was left out", async () => {
    expect(await suite.names()).toEqual(names);
    await suite.stay();
    expect(await browser.backend(site.origin)).toBe(backend);
    expect(browser.problems()).toEqual([]);
  });
});

// Chromium is demanded, any other browser is welcome: what isn't there isn't listed, so nothing is skipped.
describe.each(firefox === null ? [] : [firefox])("IndexedDB in Firefox", (installed) => {
  let site: Site;
  let suite: ConformancePage;
  let close = async (): Promise<void> => undefined;

  beforeAll(async () => {
    site = await serve({ conformance: page });
    const opened = await openInFirefox<ConformancePage>(installed, site, "/conformance/#pull");
    suite = opened.offered;
    close = opened.close;
  });

  afterAll(async () => {
    await close();
    await site?.close();
  });

  it.each(names)("%s", (name) => suite.run(name));

  it("no case was left out", async () => {
    expect(await suite.names()).toEqual(names);
  });
});
