import { afterEach, describe, expect, it } from "vitest";
import { StageAbortedError, StorageFullError } from "../../../errors.ts";
import { deferred, Memo } from "../../../runner/runner.test-helper.ts";
import { flow, poolRig, type PoolRig, stage, taskOf } from "./pool.test-helper.ts";

let rig: PoolRig = poolRig();
afterEach(() => rig.pool.close());

/** A fresh pool; it is closed after the test. */
function fresh(): PoolRig {
  rig = poolRig();
  return rig;
}

describe("StagePool", () => {
  it("executes in its workers, the least loaded first, and gives what they gave", async () => {
    const { pool, start } = fresh();
    const gate = deferred();
    const work = (worker: string) =>
      flow(
        "w",
        stage("a", async (ctx) => {
          await gate.promise;
          return { output: { worker, input: ctx.input } };
        }),
      );
    const workflow = work("1");
    await start("1", [workflow]);
    await start("2", [work("2")]);
    const tasks = Array.from({ length: 6 }, () => taskOf(workflow, "a"));
    const outcomes = tasks.map((task) => pool.execute(task, new Memo()).outcome);
    expect(pool.list().map(({ running }) => running.length)).toEqual([3, 3]);
    expect(pool.list()[0]?.running[0]).toEqual({
      kind: "execute",
      runId: tasks[0]?.runId,
      stageId: "a",
      attempt: 1,
    });
    gate.resolve();
    const given = await Promise.all(outcomes);
    expect(given.map((outcome) => outcome.kind)).toEqual(tasks.map(() => "completed"));
    expect(given[0]).toEqual({
      kind: "completed",
      output: { kind: "value", value: { worker: "1", input: (tasks[0]?.input as { value: unknown }).value } },
      events: [],
      blobs: [],
    });
    expect(pool.list().map(({ running }) => running)).toEqual([[], []]);
  });

  it("passes on what a body asks for and says meanwhile", async () => {
    const { pool, start } = fresh();
    const workflow = flow(
      "w",
      stage("a", async (ctx) => {
        ctx.log("INFO", "begun", { n: 1 });
        ctx.onProgress({ progress: 0.5, message: "half" });
        ctx.annotate("note", 7);
        await ctx.storage.put("page", new Blob(["one"]));
        const text = await (await ctx.storage.get("page"))?.text();
        return { output: { text, names: await ctx.storage.list() } };
      }),
    );
    await start("1", [workflow]);
    const observer = new Memo();
    const outcome = await pool.execute(taskOf(workflow, "a"), observer).outcome;
    expect(outcome).toMatchObject({ output: { value: { text: "one", names: ["page"] } } });
    expect(outcome).toMatchObject({ events: [{ type: "stage:progress" }, { type: "annotation:created" }] });
    expect(observer.lines).toMatchObject([{ level: "INFO", message: "begun", meta: { n: 1 } }]);
    expect(observer.reports).toEqual([{ progress: 0.5, message: "half" }]);
  });

  it("gives a Blob in an output back as one", async () => {
    const { pool, start } = fresh();
    const workflow = flow(
      "w",
      stage("a", () => ({ output: { file: new Blob(["content"]) } })),
    );
    await start("1", [workflow]);
    const outcome = await pool.execute(taskOf(workflow, "a"), new Memo()).outcome;
    expect(outcome.kind === "completed" && (await outcome.blobs[0]?.data.text())).toBe("content");
  });

  it("keeps an error's class and code, both ways", async () => {
    const { pool, start } = fresh();
    let met: unknown;
    const workflow = flow(
      "w",
      stage("a", async (ctx) => {
        met = await ctx.storage.put("x", "data").catch((error: unknown) => error);
        throw Object.assign(new RangeError("too far"), { code: "FAR" });
      }),
    );
    await start("1", [workflow]);
    const observer = new Memo();
    observer.writeBlob = () => Promise.reject(new StorageFullError("test"));
    const outcome = await pool.execute(taskOf(workflow, "a"), observer).outcome;
    expect(met).toBeInstanceOf(StorageFullError);
    expect(met).toMatchObject({ code: "STORAGE_FULL", name: "StorageFullError" });
    expect(outcome).toMatchObject({ kind: "failed", retryable: true });
    expect(outcome).toMatchObject({ error: { name: "RangeError", code: "FAR", message: "too far" } });
  });

  it("rejects where what the body is given can't be read, with the store's own error", async () => {
    const { pool, start } = fresh();
    const workflow = flow(
      "w",
      stage("a", () => ({ output: 1 })),
    );
    await start("1", [workflow]);
    const observer = new Memo();
    observer.readBlob = () => Promise.reject(new StorageFullError("test"));
    const key = { runId: "r", epoch: 0, stageId: "$run", attempt: 0, name: "input.value" };
    const task = taskOf(workflow, "a", { input: { kind: "blob", codec: "devalue@6", key, size: 9 } });
    await expect(pool.execute(task, observer).outcome).rejects.toBeInstanceOf(StorageFullError);
    expect(pool.list()[0]?.running).toEqual([]);
  });

  it("tells a body to stop, and doesn't wait for it", async () => {
    const { pool, start, clock } = fresh();
    let signal: AbortSignal | undefined;
    const body = deferred<{ output: number }>();
    const workflow = flow(
      "w",
      stage("a", (ctx) => {
        signal = ctx.signal;
        ctx.log("INFO", "last words", undefined);
        return body.promise;
      }),
    );
    await start("1", [workflow]);
    const observer = new Memo();
    const execution = pool.execute(taskOf(workflow, "a"), observer);
    await clock.settle();
    execution.abort("cancelled");
    expect(await execution.outcome).toMatchObject({ kind: "aborted", reason: "cancelled" });
    await clock.settle();
    expect(signal?.reason).toBeInstanceOf(StageAbortedError);
    expect(signal?.reason).toMatchObject({ reason: "cancelled" });
    expect(observer.lines).toHaveLength(1);
    let isOver = false;
    void execution.over?.then(() => (isOver = true));
    expect(pool.list()[0]?.running).toHaveLength(1);
    body.resolve({ output: 1 });
    await clock.settle();
    expect(isOver).toBe(true);
    expect(pool.list()[0]?.running).toEqual([]);
  });

  it("gives back what nobody has code for any more", async () => {
    const { pool } = fresh();
    const workflow = flow(
      "w",
      stage("a", () => ({ output: 1 })),
    );
    const { outcome } = pool.execute(taskOf(workflow, "a"), new Memo());
    expect(await outcome).toMatchObject({ kind: "aborted", reason: "draining" });
  });

  it("fails a task that can't be posted, and only that", async () => {
    const { pool, start } = fresh();
    const workflow = flow(
      "w",
      stage("a", () => ({ output: 1 })),
    );
    await start("1", [workflow]);
    const bad = pool.execute(taskOf(workflow, "a", { ownConfig: { value: { call: () => 1 } } }), new Memo());
    const good = pool.execute(taskOf(workflow, "a"), new Memo());
    expect(await bad.outcome).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_PAYLOAD" },
    });
    expect(await good.outcome).toMatchObject({ kind: "completed" });
  });

  it("lets go of everything when it is closed", async () => {
    const { pool, start } = fresh();
    const workflow = flow(
      "w",
      stage("a", () => new Promise<never>(() => undefined)),
    );
    await start("1", [workflow]);
    const { outcome } = pool.execute(taskOf(workflow, "a"), new Memo());
    const parsed = pool.parse("w", { n: 1 }, {});
    pool.close();
    expect(await outcome).toMatchObject({ kind: "aborted", reason: "draining" });
    await expect(parsed).rejects.toMatchObject({ code: "STOPPED" });
    expect([...pool.handlers]).toEqual([]);
  });
});

describe("a pool's offer", () => {
  it("is what its workers have code for, two builds side by side, and each gets what is its", async () => {
    const { pool, start } = fresh();
    const old = flow(
      "w",
      stage("a", () => ({ output: "old a" })),
      stage("gone", () => ({ output: "old" })),
    );
    const young = flow(
      "w",
      stage("b", () => ({ output: "new b" })),
    );
    await start("1", [old], { build: "1.0" });
    const first = pool.offer;
    expect(first).toEqual({ build: "1.0", graphs: [old.graph], handlers: ["w/a", "w/gone"] });
    await start("2", [young], { build: "2.0" });
    expect(pool.offer).toEqual({
      build: "1.0 2.0",
      graphs: [old.graph, young.graph],
      handlers: ["w/a", "w/gone", "w/b"],
    });
    expect(await pool.execute(taskOf(old, "gone"), new Memo()).outcome).toMatchObject({
      output: { value: "old" },
    });
    expect(await pool.execute(taskOf(young, "b"), new Memo()).outcome).toMatchObject({
      output: { value: "new b" },
    });
    pool.detach("1", "draining");
    expect([...pool.handlers]).toEqual(["w/b"]);
  });
});

describe("parsing in a worker", () => {
  const workflow = flow(
    "w",
    stage("a", () => ({ output: 1 })),
  );

  it("gives what the schemas make of an input, and the graph", async () => {
    const { pool, start } = fresh();
    await start("1", [workflow]);
    expect(await pool.parse("w", { n: 1, extra: 2 }, {})).toEqual({
      graph: workflow.graph,
      input: { ok: true, value: { n: 1 } },
      config: { ok: true, value: null },
    });
    expect(await pool.parse("w", { n: "one" }, { b: {} })).toMatchObject({
      input: { ok: false, issues: [{ path: "n" }] },
      config: { ok: false, issues: [{ path: "b" }] },
    });
    await expect(pool.parse("other", {}, {})).rejects.toMatchObject({ code: "UNKNOWN_WORKFLOW" });
    await expect(pool.parse("w", { n: () => 1 }, {})).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  it("waits for the first worker, but not for ever", async () => {
    const { pool, start, clock } = fresh();
    const parsed = pool.parse("w", { n: 1 }, {});
    await start("1", [workflow]);
    expect(await parsed).toMatchObject({ input: { ok: true } });
    pool.detach("1");
    const refused = expect(pool.parse("w", { n: 1 }, {})).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await clock.advance(30_000);
    await refused;
  });

  it("is given up when its worker dies, or doesn't answer", async () => {
    const { pool, start, clock } = fresh();
    const thread = await start("1", [workflow]);
    thread.block();
    const late = expect(pool.parse("w", { n: 1 }, {})).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await clock.advance(30_000);
    await late;
    const lost = pool.parse("w", { n: 1 }, {});
    await clock.settle();
    pool.detach("1");
    await expect(lost).rejects.toMatchObject({ code: "STOPPED" });
  });
});
