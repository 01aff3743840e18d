import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { definePlugin, type Workflow } from "../define/index.ts";
import { SchemaNewerError } from "../errors.ts";
import { until } from "../hosts/browser/tabs.test-helper.ts";
import { FakeThread, FakeWorker } from "../hosts/browser/pool/threads.test-helper.ts";
import { flow, stage } from "../hosts/pump.test-helper.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { connectEngine } from "./connect.ts";
import { Browser } from "./connect.test-helper.ts";

let browser: Browser;
beforeEach(() => {
  browser = new Browser();
});
afterEach(() => browser.close());

const echo = flow(
  "echo",
  stage("a", ({ input }) => ({ output: input })),
);

/** A workflow whose first execution waits for ever. */
function once(): { readonly workflow: Workflow; readonly started: () => number } {
  let started = 0;
  const workflow = flow(
    "once",
    stage("a", async () => {
      started += 1;
      if (started === 1) await new Promise(() => undefined);
      return { output: started };
    }),
  );
  return { workflow, started: () => started };
}

describe("connectEngine", () => {
  it("runs workflows that the page knows by their code, or by their id alone", async () => {
    const engine = await browser.connect([echo]);
    expect(engine.status()).toMatchObject({ role: "leader", epoch: 1, error: null, storage: "indexeddb" });
    expect(await (await engine.start(echo, { n: 1 })).result()).toEqual({ n: 1 });
    expect(await (await engine.start("echo", { n: 2 })).result()).toEqual({ n: 2 });
    await expect(engine.start("other", {})).rejects.toMatchObject({ code: "UNKNOWN_WORKFLOW" });
    expect((await engine.workflows()).map(({ hash }) => hash)).toEqual([echo.graph.hash]);
    expect(await engine.workers()).toMatchObject([{ running: [], isStalled: false }]);
    expect(engine.status().workers).toMatchObject([{ state: "ready", error: null }]);
    await engine.stop();
    expect(engine.status().role).toBe("stopped");
    expect(browser.threads.every(({ isAlive }) => !isAlive)).toBe(true);
    expect(browser.listeners).toBe(0);
    await expect(engine.runs()).rejects.toMatchObject({ code: "STOPPED" });
    expect(browser.errors).toEqual([]);
  });

  it("counts a terminated worker as a crash, at once, and goes on in another", async () => {
    const { workflow, started } = once();
    const engine = await browser.connect([workflow]);
    const statuses: string[] = [];
    engine.onStatus(({ workers }) => statuses.push(workers.map(({ state }) => state).join()));
    const run = await engine.start(workflow, 1);
    await until(() => started() === 1);
    const [worker] = engine.status().workers;
    expect(await engine.workers()).toMatchObject([
      { running: [{ runId: run.id, stageId: "a", attempt: 1 }] },
    ]);
    engine.terminateWorker(worker?.id ?? "");
    expect(await run.result()).toBe(2);
    expect((await engine.inspect(run.id))?.stages).toMatchObject([{ crashes: 1, attempt: 2 }]);
    expect(statuses).toContain("starting");
    await engine.stop();
  });

  it("says why stages can't be executed, and stays usable", async () => {
    const engine = await browser.connect([], {
      stages: () => {
        const worker = new FakeWorker(new FakeThread("broken", browser.locks));
        queueMicrotask(() => worker.emit("error", { message: "SyntaxError: no" }));
        return worker;
      },
    });
    await expect(engine.workflows()).rejects.toMatchObject({ code: "STAGE_MODULE" });
    await expect(engine.start("echo", 1)).rejects.toMatchObject({ code: "STAGE_MODULE" });
    expect(browser.errors[0]).toMatchObject({
      error: { code: "STAGE_MODULE" },
      during: "starting a stage worker",
    });
    const run = await engine.start(echo, 1);
    expect(await run.status()).toBe("RUNNING");
    expect((await engine.inspect(run.id))?.jobs).toMatchObject([{ stageId: "a", worker: null }]);
    expect(await run.cancel()).toBe(true);
    await engine.stop();
  });

  it("rejects where the database can't be opened, and leaves nothing running", async () => {
    browser.refuses = () => new SchemaNewerError("db", 9, 1);
    await expect(browser.connect([echo])).rejects.toBeInstanceOf(SchemaNewerError);
    expect(browser.threads.every(({ isAlive }) => !isAlive)).toBe(true);
    expect(browser.listeners).toBe(0);
  });

  it("rejects where the kernel worker can't be loaded", async () => {
    const options = browser.options([echo]);
    const connecting = connectEngine({
      ...options,
      kernel: () => {
        const worker = new FakeWorker(new FakeThread("broken", browser.locks));
        queueMicrotask(() => worker.emit("error", {}));
        return worker;
      },
    });
    await expect(connecting).rejects.toMatchObject({
      code: "NOT_CONNECTED",
      message: expect.stringContaining("kernel") as string,
    });
  });

  it("rejects where the kernel worker can't even be made", async () => {
    const kernel = (): never => {
      throw new DOMException("forbidden", "SecurityError");
    };
    const connecting = browser.connect([echo], { kernel });
    await expect(connecting).rejects.toMatchObject({
      code: "NOT_CONNECTED",
      message: expect.stringContaining("forbidden") as string,
    });
  });

  it("stops where nobody leads any more", async () => {
    const engine = await browser.connect([echo]);
    browser.refuses = () => new Error("the disk is gone");
    browser.database("db").epoch += 1;
    await expect(engine.start(echo, 1)).rejects.toThrow("the disk is gone");
    expect(engine.status()).toMatchObject({ role: "connecting", error: { message: "the disk is gone" } });
    await engine.stop();
    expect(engine.status().role).toBe("stopped");
  });

  it("starts anew when its kernel worker dies, and calls under way are answered by the next", async () => {
    const { workflow, started } = once();
    const engine = await browser.connect([workflow, echo]);
    const run = await engine.start(workflow, 1);
    await until(() => started() === 1);
    const result = run.result();
    browser.kernels[0]?.terminate();
    const call = engine.start(echo, 5);
    expect(await (await call).result()).toBe(5);
    expect(await result).toBe(2);
    expect(engine.status()).toMatchObject({ role: "leader", epoch: 2 });
    await engine.stop();
  });

  it("leaves a note when its page is closed, and comes back with it", async () => {
    const { workflow, started } = once();
    const engine = await browser.connect([workflow]);
    const run = await engine.start(workflow, 1);
    await until(() => started() === 1);
    const { tabId } = engine.status();
    browser.fire("pagehide", { persisted: true });
    expect(browser.notes).toEqual([`sluice:db:closing:${tabId}`]);
    browser.fire("pageshow", { persisted: false });
    expect(engine.status().tabId).toBe(tabId);
    browser.fire("pageshow", { persisted: true });
    expect(engine.status().tabId).not.toBe(tabId);
    expect(await run.result()).toBe(2);
    expect((await engine.inspect(run.id))?.stages).toMatchObject([{ crashes: 0 }]);
    await until(() => browser.notes.length === 0);
    await engine.stop();
  });

  it("reads the notes of pages that closed before anybody could hear of it", async () => {
    const { workflow, started } = once();
    const first = await browser.connect([workflow]);
    const run = await first.start(workflow, 1);
    await until(() => started() === 1);
    localStorage.setItem(`sluice:db:closing:${first.status().tabId}`, "");
    localStorage.setItem("sluice:other:closing:tab-x", "");
    browser.crash();
    const second = await browser.connect([workflow]);
    expect(await (await second.get(run.id))?.result()).toBe(2);
    expect((await second.inspect(run.id))?.stages).toMatchObject([{ crashes: 0, attempt: 2 }]);
    await until(() => browser.notes.length === 1);
    expect(browser.notes).toEqual(["sluice:other:closing:tab-x"]);
  });

  it("hands events to a plugin of one of the pages, and to another's when that is gone", async () => {
    const got: [string, string][] = [];
    const plugin = (page: string) => [
      definePlugin({
        name: "mailer",
        handlers: { "workflow:completed": (event) => void got.push([page, event.workflowRunId]) },
      }),
    ];
    const first = await browser.connect([echo], { plugins: plugin("first") });
    const second = await browser.connect([echo], { plugins: plugin("second") });
    const one = await second.start(echo, 1);
    await one.result();
    await until(() => got.length === 1);
    expect(got).toEqual([["first", one.id]]);
    await first.stop();
    const two = await second.start(echo, 1);
    await two.result();
    await until(() => got.length === 2);
    expect(got[1]).toEqual(["second", two.id]);
    await second.stop();
  });

  it("tries a refused delivery again, and keeps it as a dead letter in the end", async () => {
    let tries = 0;
    const plugins = [
      definePlugin({
        name: "broken",
        handlers: {
          "workflow:completed": () => {
            tries += 1;
            throw new RangeError("not today");
          },
        },
      }),
    ];
    const engine = await browser.connect([echo], { plugins });
    const run = await engine.start(echo, 1);
    await run.result();
    await until(async () => (await engine.deadLetters()).length === 1);
    expect(tries).toBe(3);
    expect(await engine.deadLetters()).toMatchObject([
      { runId: run.id, subscriber: "broken", error: { name: "RangeError", message: "not today" } },
    ]);
    await engine.stop();
  }, 20_000);

  it("deletes the database at a log-out, for all pages", async () => {
    const first = await browser.connect([echo]);
    const second = await browser.connect([echo]);
    const other = await browser.connect([echo], { database: "other user" });
    await (await second.start(echo, 1)).result();
    await second.destroy({ erase: true });
    await until(() => first.status().role === "stopped");
    expect([...browser.databases.keys()]).toEqual(["other user"]);
    await expect(first.start(echo, 1)).rejects.toMatchObject({ code: "STOPPED" });
    expect(await (await other.start(echo, 1)).result()).toBe(1);
    await other.stop();
  });

  it("keeps a database in memory to one page", async () => {
    const first = await browser.connect([echo], { storage: "memory" });
    const second = await browser.connect([echo], { storage: "memory" });
    expect([first.status().role, second.status().role]).toEqual(["leader", "leader"]);
    await first.stop();
    await second.stop();
  });

  it("gives bodies time to come to their end", async () => {
    const gate = deferred();
    let started = 0;
    const slow = flow(
      "slow",
      stage("a", async () => {
        started += 1;
        await gate.promise;
      }),
    );
    const engine = await browser.connect([slow]);
    const run = await engine.start(slow, 1);
    await until(() => started === 1);
    const stopping = engine.stop({ graceMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    gate.resolve();
    await stopping;
    expect((await browser.database("db").store.run(run.id))?.run.status).toBe("COMPLETED");
  });
});

describe("connectEngine's refusals", () => {
  it.each([
    ["options", undefined],
    ["stages", { stages: 5 }],
    ["stages", { stages: undefined }],
    ["database", { database: "" }],
    ["database", { database: 7 }],
    ["workers", { workers: -1 }],
    ["workers", { workers: 1.5 }],
    ["slots", { slots: 0 }],
    ["storage", { storage: "disk" }],
    ["durability", { durability: "none" }],
    ["record", { record: true }],
    ["plugins", { plugins: {} }],
    ["kernel", { kernel: "x" }],
    ["onError", { onError: 1 }],
    ["stage", { stage: () => 1 }],
  ])("name the option %s", async (option, given) => {
    const options = given === undefined ? undefined : { ...browser.options([]), ...given };
    await expect(connectEngine(options as never)).rejects.toMatchObject({ code: "INVALID_OPTION", option });
    expect(browser.kernels).toHaveLength(0);
  });

  it("tell plugins of one name apart", async () => {
    const plugin = definePlugin({ name: "p", handlers: {} });
    await expect(browser.connect([], { plugins: [plugin, plugin] })).rejects.toMatchObject({
      code: "DUPLICATE_SUBSCRIBER",
    });
  });

  it("say what the page lacks", async () => {
    vi.stubGlobal("navigator", {});
    await expect(connectEngine(browser.options([]))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("https") as string,
    });
  });
});
