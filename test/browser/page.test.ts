/** The playground's page as people use it: built as it is shipped, driven by the keyboard, read by axe. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { build, createLogger, createServer } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { violations } from "./harness/axe.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { root, type Site, serveFolder } from "./harness/pages.ts";
import { eventually } from "./harness/tabs.ts";

const SAMPLE = "The night the river rose";

let folder: string;
let site: Site;
let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sluice-page-"));
  const outDir = path.join(folder, "site");
  const configFile = path.join(root, "vite.config.ts");
  await build({ root, configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  site = await serveFolder(outDir);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  page = await browser.open(`${site.origin}/`);
});

afterEach(async () => {
  await page.close();
  expect(browser.problems()).toEqual([]);
});

/** Presses Tab until the focus is there. */
async function tabTo(target: Locator): Promise<void> {
  await eventually(() => target.isEnabled()).toBe(true);
  for (let presses = 0; presses < 100; presses += 1) {
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key doesn't lead to ${String(target)}`);
}

/** Runs the HTML sample by the keyboard, and waits for its end. */
async function runSample(): Promise<void> {
  await tabTo(page.getByRole("button", { name: SAMPLE }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: SAMPLE }).waitFor();
  await page.getByRole("main").getByText("Completed", { exact: true }).waitFor();
}

const stage = (name: string): Locator => page.getByRole("button", { name: new RegExp(`^${name}`) });

it("the keyboard alone runs a document and opens a stage", async () => {
  await runSample();
  for (const name of ["Extract text", "Sentiment analysis", "Keyword extraction", "Aggregate"]) {
    await eventually(() => stage(name).textContent()).toContain("Succeeded");
  }
  await tabTo(stage("Sentiment analysis"));
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Sentiment analysis" }).waitFor();
});

it("a reload comes back to the run that was open", async () => {
  await runSample();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: SAMPLE }).waitFor();
  await page.getByRole("table", { name: "Sentiment by section" }).waitFor();
});

it("a worker that is killed while a stage is at work costs an attempt, and no result", async () => {
  const file = path.join(folder, "long.txt");
  // Long enough that the kill finds its stages at work, on any machine.
  await writeFile(file, "The gate held all night, and the keeper was glad of it.\n\n".repeat(20_000));
  await tabTo(page.getByRole("checkbox", { name: /Kill a worker as soon as/ }));
  await page.keyboard.press("Space");
  await page.locator('input[type="file"]').setInputFiles(file);
  await page.getByRole("heading", { level: 1, name: "long.txt" }).waitFor();
  await page.getByRole("main").getByText("Completed", { exact: true }).waitFor({ timeout: 90_000 });
  await page.getByRole("tab", { name: /^Events/ }).click();
  await page.getByText("Lease taken back").first().waitFor();
});

describe.each([
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
])("axe finds nothing at $width px", (viewport) => {
  it.each(["light", "dark"] as const)("in %s", async (colorScheme) => {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await eventually(() => page.getByRole("button", { name: SAMPLE }).isEnabled()).toBe(true);
    expect(await violations(page), "idle").toEqual([]);
    await runSample();
    expect(await violations(page), "completed").toEqual([]);
    await stage("Aggregate").click();
    await page.getByRole("region", { name: "Aggregate" }).waitFor();
    expect(await violations(page), "a stage open").toEqual([]);
  });
});

it("`npm start` serves it, too", async () => {
  const configFile = path.join(root, "vite.config.ts");
  const cacheDir = path.join(folder, "cache");
  const complaints: string[] = [];
  const complain = (message: string): void => void complaints.push(message);
  const customLogger = { ...createLogger("silent"), error: complain, warn: complain, warnOnce: complain };
  const server = await createServer({
    root,
    configFile,
    cacheDir,
    customLogger,
    server: { host: "127.0.0.1" },
  });
  try {
    await server.listen(0);
    const [address = ""] = server.resolvedUrls?.local ?? [];
    await page.goto(address);
    await runSample();
    expect(complaints).toEqual([]);
  } finally {
    await server.close();
  }
});

describe("a file that can't be read", () => {
  it.each([
    { name: "empty.txt", bytes: 0, says: /empty/i },
    { name: "archive.zip", bytes: 10_000, says: /zip|type|read/i },
    { name: "large.txt", bytes: 100_000_000, says: /50 MB/i },
  ])("$name is refused in words, and the page stays usable", async ({ name, bytes, says }) => {
    const file = path.join(folder, name);
    await writeFile(file, "");
    await truncate(file, bytes);
    await page.locator('input[type="file"]').setInputFiles(file);
    const alert = page.getByRole("alert").filter({ hasText: name });
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(says);
    await runSample();
  });
});
