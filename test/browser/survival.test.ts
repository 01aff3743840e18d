/** What a run survives: the page's reload, the death of workers, tabs, a renderer and the whole browser. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Start } from "./app/api.ts";
import { backends } from "./harness/backend.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { root, type Site, serve } from "./harness/pages.ts";
import { completed, type Desk, eventually, openDesk } from "./harness/tabs.ts";

const STAGES = ["extract-text", "sentiment-analysis", "keyword-extraction", "aggregate"];
const STEPS = ["first", "second", "third"];
const HELD = "sentiment-analysis";

describe.each(backends)("on %s", (backend) => {
  let site: Site;
  let browser: TestBrowser;
  let desk: Desk;
  let book: Omit<Start, "key">;
  let undisturbed: unknown;

  beforeAll(async () => {
    const file = path.join(root, "playground/document/fixtures/excerpt.html");
    const content = await readFile(file, "utf8");
    book = { workflow: "documents", file: { name: "book.html", type: "text/html", content } };
    const define = { BUILD: 1 };
    site = await serve({
      app: { folder: "test/browser/app", define },
      control: { folder: "test/browser/control", define },
    });
    browser = await launchChromium({ backend });
    const calm = await openDesk(browser, site.origin);
    const tab = await calm.tab("calm");
    undisturbed = (await completed(tab, await tab.start({ ...book, key: "calm" }), STAGES)).output;
    await calm.close();
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  beforeEach(async () => {
    desk = await openDesk(browser, site.origin);
  });

  afterEach(async () => {
    expect(await browser.backend(site.origin)).toBe(backend);
    await desk.close();
  });

  /** Tells how long the stage's second body was in coming; bench and people look at it, no test does. */
  async function leasedAgain(what: string, since: number): Promise<void> {
    const bodies = await desk.begun(HELD, 2);
    console.log(`${backend}: ${what}: leased again after ${(bodies.at(-1)?.at ?? Number.NaN) - since} ms`);
  }

  it("a reload during the second stage", async () => {
    const tab = await desk.tab("A");
    await desk.control.shut(HELD);
    const id = await tab.start({ ...book, key: "reloaded" });
    await desk.begun(HELD);
    const since = Date.now();
    await tab.page.reload();
    await tab.connect({ database: desk.database, tab: "A again" });
    await leasedAgain("reload", since);
    await desk.control.open(HELD);
    const ended = await completed(tab, "reloaded", STAGES);
    expect(ended).toMatchObject({ id, output: undisturbed });
    expect((await tab.events(id)).filter(({ type }) => type === "lease:reaped")).toEqual([]);
  });

  it("a stage worker that is killed", async () => {
    const tab = await desk.tab("A");
    await desk.control.shut(HELD);
    const id = await tab.start({ ...book, key: "killed" });
    await desk.begun(HELD);
    const { workers } = await tab.status();
    const since = Date.now();
    for (const worker of workers) await tab.terminateWorker(worker.id);
    await leasedAgain("killed worker", since);
    await desk.control.open(HELD);
    expect((await completed(tab, id, STAGES)).output).toEqual(undisturbed);
  });

  it("the leading tab closed in the middle of a stage that it executes", async () => {
    const leader = await desk.tab("leader");
    await desk.control.shut(HELD);
    const id = await leader.start({ ...book, key: "orphaned" });
    const [body] = await desk.begun(HELD);
    expect(body?.tab).toBe("leader");
    const follower = await desk.tab("follower");
    expect((await follower.status()).role).toBe("follower");
    const since = Date.now();
    await leader.page.close();
    await leasedAgain("closed leader", since);
    await desk.control.open(HELD);
    expect((await completed(follower, id, STAGES)).output).toEqual(undisturbed);
    expect((await follower.status()).role).toBe("leader");
  });

  it("the leading tab closed while a follower executes", async () => {
    const leader = await desk.tab("leader", { stages: "others" });
    const follower = await desk.tab("follower");
    await desk.control.shut(HELD);
    const id = await follower.start({ ...book, key: "bereft" });
    const [body] = await desk.begun(HELD);
    expect(body?.tab).toBe("follower");
    const since = Date.now();
    await leader.page.close();
    await leasedAgain("follower that becomes the leader", since);
    await desk.control.open(HELD);
    expect((await completed(follower, id, STAGES)).output).toEqual(undisturbed);
  });

  it("the follower closed whose pool was executing", async () => {
    const leader = await desk.tab("leader", { stages: "others" });
    const follower = await desk.tab("follower");
    await desk.control.shut(HELD);
    const id = await leader.start({ ...book, key: "dropped" });
    const [body] = await desk.begun(HELD);
    expect(body?.tab).toBe("follower");
    await desk.tab("heir");
    const since = Date.now();
    await follower.page.close();
    await leasedAgain("closed follower", since);
    await desk.control.open(HELD);
    expect((await completed(leader, id, STAGES)).output).toEqual(undisturbed);
    expect((await desk.begun(HELD)).at(-1)?.tab).toBe("heir");
  });

  it("the leader's renderer crashing", async () => {
    const leader = await desk.tab("leader");
    await desk.control.shut(HELD);
    const id = await leader.start({ ...book, key: "crashed" });
    await desk.begun(HELD);
    const follower = await desk.tab("follower");
    const crashed = leader.page.waitForEvent("crash");
    const since = Date.now();
    await Promise.all([crashed, leader.page.goto("chrome://crash").catch(() => undefined)]);
    await leasedAgain("crashed renderer", since);
    await desk.control.open(HELD);
    expect((await completed(follower, id, STAGES)).output).toEqual(undisturbed);
  });

  it("three of five tabs closed while a hundred runs are under way", async () => {
    const tabs = [];
    for (const name of ["A", "B", "C", "D", "E"]) tabs.push(await desk.tab(name));
    await desk.control.shut("second");
    const started = await Promise.all(tabs.map((tab) => tab.startMany(20, tab.name)));
    expect(started.flatMap(({ refused }) => refused)).toEqual([]);
    await desk.begun("second", 20);
    const [first, , third, fourth, last] = tabs;
    await Promise.all([first, third, fourth].map(async (tab) => tab?.page.close()));
    await desk.control.open("second");
    if (last === undefined) throw new Error("five tabs were opened");
    for (const id of started.flatMap(({ ids }) => ids)) await completed(last, id, STEPS);
    expect(await last.counts()).toEqual({ COMPLETED: 100 });
  });

  it("a frozen leader", async () => {
    const leader = await desk.tab("leader");
    const follower = await desk.tab("follower");
    await desk.control.shut(HELD);
    const id = await follower.start({ ...book, key: "frozen" });
    await desk.begun(HELD);
    const thaw = await browser.freeze(leader.page);
    try {
      await desk.control.open(HELD);
      expect((await completed(follower, id, STAGES)).output).toEqual(undisturbed);
      expect((await follower.status()).role).toBe("leader");
    } finally {
      thaw();
    }
    await eventually(async () => (await leader.status()).role).toBe("follower");
    expect((await completed(leader, id, STAGES)).output).toEqual(undisturbed);
  });

  it("the browser killed without warning", async () => {
    const tab = await desk.tab("A");
    await desk.control.shut(HELD);
    const id = await tab.start({ ...book, key: "cut off" });
    await desk.begun(HELD);
    await browser.kill();
    const after = await openDesk(browser, site.origin);
    const again = await after.tab("A again", { database: desk.database });
    expect((await completed(again, id, STAGES)).output).toEqual(undisturbed);
    expect((await again.end("cut off")).id).toBe(id);
    await after.close();
  });
});
