/** Bad input in a real browser: a clear typed error, nothing half-written, and the page stays usable. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { backends } from "./harness/backend.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { type Site, serve } from "./harness/pages.ts";
import { codes, completed, type Desk, eventually, type OpenTab, openDesk } from "./harness/tabs.ts";

const STEPS = ["first", "second", "third"];

describe.each(backends)("on %s", (backend) => {
  let site: Site;
  let browser: TestBrowser;
  let desk: Desk;

  beforeAll(async () => {
    site = await serve({
      app: { folder: "test/browser/app", define: { BUILD: 1 } },
      control: { folder: "test/browser/control" },
    });
    browser = await launchChromium({ backend });
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  beforeEach(async () => {
    desk = await openDesk(browser, site.origin);
  });

  afterEach(() => desk.close());

  /** What every test ends with: whatever went wrong before, the next run completes. */
  async function stillUsable(tab: OpenTab): Promise<void> {
    const id = await tab.start({ workflow: "steps", key: "afterwards", input: { n: 1 } });
    expect((await completed(tab, id, STEPS)).output).toEqual({ n: 4 });
  }

  it("input that doesn't fit its schema", async () => {
    const tab = await desk.tab("A");
    for (const byId of [undefined, true] as const) {
      const start = { workflow: "steps", key: "bad", input: { n: "one" }, ...(byId && { byId }) };
      await expect(tab.start(start)).rejects.toMatchObject({ code: "INVALID_WORKFLOW_INPUT" });
    }
    expect(await tab.counts()).toEqual({});
    await stillUsable(tab);
  });

  it("input that can't be cloned", async () => {
    const tab = await desk.tab("A");
    const start = { workflow: "anything", key: "function", input: { n: 1 }, unclonable: true } as const;
    await expect(tab.start(start)).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    expect(await tab.counts()).toEqual({});
    await stillUsable(tab);
  });

  it("output that can't be cloned fails its run without a retry", async () => {
    const tab = await desk.tab("A");
    const id = await tab.start({ workflow: "anything", key: "out", input: { n: 1 } });
    expect(await tab.end(id)).toMatchObject({ status: "FAILED", error: { code: "INVALID_PAYLOAD" } });
    expect((await tab.events(id)).map(({ type }) => type)).not.toContain("stage:retrying");
    await stillUsable(tab);
  });

  it("the same key with another input", async () => {
    const tab = await desk.tab("A");
    const id = await tab.start({ workflow: "steps", key: "same", input: { n: 1 } });
    expect(await tab.start({ workflow: "steps", key: "same", input: { n: 1 } })).toBe(id);
    const other = tab.start({ workflow: "steps", key: "same", input: { n: 2 } });
    await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
    await stillUsable(tab);
  });

  it("a body that never gives way is ended at its timeout, and its neighbours are not failed", async () => {
    const tab = await desk.tab("A", { workers: 1 });
    await desk.control.shut("second");
    const neighbour = await tab.start({ workflow: "steps", key: "neighbour", input: { n: 0 } });
    await desk.begun("second");
    const looping = await tab.start({ workflow: "loop", key: "looping", input: { n: 0 } });
    expect((await completed(tab, looping, ["blocks"])).output).toEqual({ n: 2 });
    await desk.begun("second", 2);
    await desk.control.open("second");
    await completed(tab, neighbour, STEPS);
    const types = (await tab.events(neighbour)).map(({ type }) => type);
    expect(types).not.toContain("stage:retrying");
    expect(types).not.toContain("lease:reaped");
    await stillUsable(tab);
  });

  it("a file of 100 MB goes through a stage and comes out whole", async () => {
    const tab = await desk.tab("A");
    const file = { name: "large.bin", content: 100_000_001 };
    const id = await tab.start({ workflow: "weigh", key: "large", file });
    const { output } = await completed(tab, id, ["receive", "weigh"]);
    expect(output).toEqual({ bytes: 100_000_001, last: 7 });
    await stillUsable(tab);
  });

  it("a document that is too large, empty, or of no known type fails with a code", async () => {
    const tab = await desk.tab("A");
    const cases = [
      { name: "large.txt", content: 100_000_000, code: "DOCUMENT_TOO_LARGE" },
      { name: "empty.txt", content: "", code: "DOCUMENT_EMPTY" },
      { name: "tool.exe", content: "MZ\0\u0001\u0002\0\0\0\u0003\0", code: "DOCUMENT_BINARY" },
    ];
    for (const { code, ...file } of cases) {
      await tab.start({ workflow: "documents", key: code, file });
      expect(await tab.end(code)).toMatchObject({ status: "FAILED", error: { code } });
    }
    await stillUsable(tab);
  });

  it("a message of an older tab, and messages that are none", async () => {
    const tab = await desk.tab("A");
    const follower = await desk.tab("B");
    const channel = `sluice:${desk.database}:leader`;
    const messages = [
      { protocol: 0, tab: "tab-ancient", epoch: 0, kind: "hello", name: "tab-ancient" },
      { protocol: 0, tab: "tab-ancient", epoch: 1, kind: "call", id: 1, method: "destroy", args: [] },
      { protocol: "1", tab: 7, kind: "hello" },
      "hello",
      null,
    ];
    for (const message of messages) await desk.control.say(channel, message);
    const id = await follower.start({ workflow: "steps", key: "beside", input: { n: 5 } });
    expect((await completed(follower, id, STEPS)).output).toEqual({ n: 8 });
    await stillUsable(tab);
  });

  it("a database of a newer build", async () => {
    await desk.control.plant(desk.database, 9990);
    await expect(desk.tab("A")).rejects.toMatchObject({ code: "SCHEMA_NEWER", message: /reload/ });
    await stillUsable(await desk.tab("B", { database: `${desk.database}-other` }));
  });

  it("a database that holds what isn't ours", async () => {
    const first = await desk.tab("A");
    await stillUsable(first);
    await first.destroy();
    await desk.control.spoil(desk.database);
    await expect(desk.tab("B")).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await stillUsable(await desk.tab("C", { database: `${desk.database}-other` }));
  });

  it("storage that is refused", async () => {
    const refused = desk.tab("A", { kernel: "denied" });
    await expect(refused).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await stillUsable(await desk.tab("B", { kernel: "denied", storage: "memory" }));
    await stillUsable(await desk.tab("C"));
  });

  it("erasing at a log-out stops every tab and leaves no database", async () => {
    const leader = await desk.tab("A");
    const follower = await desk.tab("B");
    await stillUsable(follower);
    await follower.destroy(true);
    await eventually(async () => (await leader.status()).role).toBe("stopped");
    await expect(leader.start({ workflow: "steps", key: "late", input: { n: 1 } })).rejects.toMatchObject({
      code: "STOPPED",
    });
    expect(await desk.control.databases()).not.toContain(desk.database);
  });

  it("a full quota in the middle of a run, and room again", async () => {
    // An origin of its own, under another name of the same server: Chromium remembers for a while how much room an origin has left.
    const origin = site.origin.replace("127.0.0.1", "localhost");
    const small = await openDesk(browser, origin);
    const devtools = await browser.context.newCDPSession(small.page);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 10_000_000 });
    const tab = await small.tab("A");
    const file = { name: "large.bin", content: 40_000_000 };
    const refused = tab.start({ workflow: "weigh", key: "large", file });
    await expect(refused).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await tab.counts()).toEqual({});

    const id = await tab.start({ workflow: "hoard", key: "hoard", input: { bytes: 40_000_000 } });
    await eventually(() => codes(tab)).toContain("STORAGE_FULL");
    expect(await tab.counts()).toEqual({ RUNNING: 1 });

    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    await completed(tab, id, ["grow"]);
    await completed(tab, await tab.start({ workflow: "weigh", key: "large", file }), ["receive", "weigh"]);
    await small.close();
  });

  it("a stage module that throws on load, or that isn't there", async () => {
    for (const stages of ["broken", "missing"] as const) {
      const tab = await desk.tab(stages, { stages });
      await eventually(() => codes(tab)).toContain("STAGE_MODULE");
      await tab.destroy();
      await tab.connect({ database: desk.database, tab: "mended" });
      const id = await tab.start({ workflow: "steps", key: stages, input: { n: 0 } });
      await completed(tab, id, STEPS);
      await tab.destroy();
    }
  });

  it("a stage module that is lost when a worker has to be replaced", async () => {
    const tab = await desk.tab("A", { workers: 1 });
    await desk.control.shut("second");
    const id = await tab.start({ workflow: "steps", key: "lost", input: { n: 0 } });
    await desk.begun("second");
    const found = site.lose("stages");
    const [worker] = (await tab.status()).workers;
    await tab.terminateWorker(worker?.id ?? "");
    await eventually(() => codes(tab)).toContain("STAGE_MODULE");
    found();
    await desk.begun("second", 2);
    await desk.control.open("second");
    await completed(tab, id, STEPS);
  });
});
