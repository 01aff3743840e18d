import { afterEach, describe, expect, it } from "vitest";
import type { StageContext, Workflow } from "../../../define/index.ts";
import { deferred, Memo } from "../../../runner/runner.test-helper.ts";
import { flow, poolRig, type PoolRig, stage, taskOf } from "./pool.test-helper.ts";
import type { FakeThread } from "./threads.test-helper.ts";

let rig: PoolRig = poolRig();
afterEach(() => rig.pool.close());

interface Bodies {
  readonly rig: PoolRig;
  readonly workflow: Workflow;
  /** The contexts of bodies that have begun, by stage and worker. */
  readonly begun: { readonly stage: string; readonly worker: string; readonly ctx: StageContext }[];
  start(worker: string): Promise<FakeThread>;
}

/** Stages that wait until they are told to stop, that never stop, and that block their thread; some of them with a limit of a second. */
function bodies(): Bodies {
  rig = poolRig();
  const begun: Bodies["begun"] = [];
  const threads = new Map<string, FakeThread>();
  const make = (worker: string): Workflow => {
    const note = (id: string, ctx: StageContext): void => void begun.push({ stage: id, worker, ctx });
    const waits = (id: string, more = {}) =>
      stage(
        id,
        (ctx) => {
          note(id, ctx);
          return new Promise((_, reject) =>
            ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)),
          );
        },
        more,
      );
    const blocks = (id: string, more = {}) =>
      stage(
        id,
        (ctx) => {
          note(id, ctx);
          threads.get(worker)?.block();
          return new Promise(() => undefined);
        },
        more,
      );
    return flow(
      "w",
      waits("waits"),
      waits("waits-limited", { timeoutMs: 1000 }),
      blocks("blocks"),
      blocks("blocks-limited", { timeoutMs: 1000 }),
      { ...stage("asks", () => ({ output: 1 })), checkCompletion: () => new Promise<never>(() => undefined) },
      stage("ignores", (ctx) => {
        note("ignores", ctx);
        return new Promise(() => undefined);
      }),
    );
  };
  const current = rig;
  return {
    rig,
    workflow: make("?"),
    begun,
    async start(worker) {
      const thread = await current.start(worker, [make(worker)]);
      threads.set(worker, thread);
      return thread;
    },
  };
}

const DRAINED = { kind: "aborted", reason: "draining" };

describe("a stage worker that dies", () => {
  it("is heard of by its lock: what it executed has crashed, the page is told, and others go on", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, ended } = rig;
    const thread = await start("1");
    const one = pool.execute(taskOf(workflow, "waits"), new Memo());
    const check = pool.check(taskOf(workflow, "asks"), new Memo());
    await start("2");
    const other = pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    thread.die();
    await clock.settle();
    expect(await one.outcome).toEqual({ kind: "crashed", events: [], blobs: [] });
    expect(await check.outcome).toMatchObject({ kind: "crashed" });
    expect(ended).toEqual(["1"]);
    expect(pool.list().map(({ id, running }) => [id, running.length])).toEqual([["2", 1]]);
    other.abort("draining");
    expect(await other.outcome).toMatchObject(DRAINED);
  });

  it("is gone at once where the page ended it, though its thread is blocked and its lock is not free", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, locks } = rig;
    const thread = await start("1");
    const { outcome } = pool.execute(taskOf(workflow, "blocks"), new Memo());
    await clock.settle();
    thread.die();
    await clock.settle();
    expect(locks.holder("sluice:db:stage:1")).toBe("1");
    pool.detach("1");
    expect(await outcome).toMatchObject({ kind: "crashed" });
    expect([...pool.handlers]).toEqual([]);
  });

  it("can't be watched before it has its lock, and is given nothing before", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, locks } = rig;
    // Somebody else still holds it.
    let free: (value?: unknown) => void = () => undefined;
    void locks.of("else").request("sluice:db:stage:1", {}, () => new Promise((resolve) => (free = resolve)));
    await clock.settle();
    await start("1");
    expect([...pool.handlers]).toEqual([]);
    expect(await pool.execute(taskOf(workflow, "waits"), new Memo()).outcome).toMatchObject(DRAINED);
    free();
    await clock.settle();
    expect(pool.handlers.has("w/waits")).toBe(true);
  });

  it("leaves nobody waiting for what it was asked", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock } = rig;
    const thread = await start("1");
    thread.block();
    const executions = Array.from({ length: 3 }, () => pool.execute(taskOf(workflow, "waits"), new Memo()));
    await clock.settle();
    pool.detach("1");
    for (const { outcome } of executions) expect(await outcome).toMatchObject({ kind: "crashed" });
    thread.unblock();
    await clock.settle();
    expect(pool.list()).toEqual([]);
  });
});

describe("an attempt that overruns its limit", () => {
  it("in a blocked thread is fenced, its worker ended, and its neighbours given back", async () => {
    const { rig, workflow, start, begun } = bodies();
    const { pool, clock, ended } = rig;
    await start("1");
    const neighbour = pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    const { outcome } = pool.execute(taskOf(workflow, "blocks-limited"), new Memo());
    await clock.settle();
    expect(begun.map((one) => one.stage)).toEqual(["waits", "blocks-limited"]);
    await clock.advance(1000);
    expect(ended).toEqual([]);
    await clock.advance(1000);
    expect(await outcome).toMatchObject({
      kind: "failed",
      retryable: true,
      error: { code: "STAGE_TIMEOUT", name: "StageTimeoutError" },
    });
    expect(await neighbour.outcome).toMatchObject(DRAINED);
    expect(ended).toEqual(["1"]);
    expect(pool.list()).toEqual([]);
  });

  it("is not one that waits behind a busy thread, in the same message or a later one: its time has not begun", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, ended } = rig;
    const thread = await start("1");
    const busy = pool.execute(taskOf(workflow, "blocks"), new Memo());
    const together = pool.execute(taskOf(workflow, "waits-limited"), new Memo());
    await clock.settle();
    const later = pool.execute(taskOf(workflow, "waits-limited"), new Memo());
    let ends = 0;
    for (const { outcome } of [together, later]) void outcome.then(() => (ends += 1));
    await clock.advance(20_000);
    expect(ends).toBe(0);
    expect(ended).toEqual([]);
    expect(pool.list()[0]?.isStalled).toBe(true);
    thread.unblock();
    await clock.settle();
    await clock.advance(900);
    expect(pool.list()[0]?.isStalled).toBe(false);
    expect(ends).toBe(0);
    for (const execution of [busy, together, later]) execution.abort("draining");
  });
});

describe("a thread that doesn't take its tasks", () => {
  it("loses them to another that would, and gets no more", async () => {
    const { rig, workflow, start, begun } = bodies();
    const { pool, clock, ended } = rig;
    await start("1");
    void pool.execute(taskOf(workflow, "blocks"), new Memo());
    await clock.settle();
    const stuck = pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.advance(5000);
    await start("2");
    await clock.advance(1000);
    expect(await stuck.outcome).toMatchObject(DRAINED);
    void pool.execute(taskOf(workflow, "waits"), new Memo());
    void pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    expect(begun.map(({ stage, worker }) => [stage, worker])).toEqual([
      ["blocks", "1"],
      ["waits", "2"],
      ["waits", "2"],
    ]);
    // A body without a limit may compute for as long as it likes.
    expect(ended).toEqual([]);
  });
});

describe("code that was told to stop", () => {
  it("and blocks its thread costs its worker after a grace", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, ended } = rig;
    await start("1");
    const neighbour = pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    const blocked = pool.execute(taskOf(workflow, "blocks"), new Memo());
    await clock.settle();
    blocked.abort("cancelled");
    expect(await blocked.outcome).toMatchObject({ kind: "aborted", reason: "cancelled" });
    await clock.advance(4800);
    expect(ended).toEqual([]);
    await clock.advance(400);
    expect(ended).toEqual(["1"]);
    expect(await neighbour.outcome).toMatchObject(DRAINED);
  });

  it("and goes on costs its worker once its neighbours have ended; until then it gets no more", async () => {
    const { rig, workflow, start, begun } = bodies();
    const { pool, clock, ended } = rig;
    await start("1");
    const neighbour = pool.execute(taskOf(workflow, "waits"), new Memo());
    const deaf = pool.execute(taskOf(workflow, "ignores"), new Memo());
    await clock.settle();
    deaf.abort("cancelled");
    await start("2");
    await clock.advance(6000);
    expect(ended).toEqual([]);
    for (let n = 0; n < 3; n += 1) void pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    expect(begun.slice(2).map(({ worker }) => worker)).toEqual(["2", "2", "2"]);
    neighbour.abort("cancelled");
    await clock.advance(200);
    expect(ended).toEqual(["1"]);
    expect(await neighbour.outcome).toMatchObject({ kind: "aborted", reason: "cancelled" });
  });

  it("and ends in time costs nothing", async () => {
    const { rig, workflow, start } = bodies();
    const { pool, clock, ended } = rig;
    await start("1");
    const execution = pool.execute(taskOf(workflow, "waits"), new Memo());
    await clock.settle();
    execution.abort("cancelled");
    await clock.advance(20_000);
    expect(ended).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("is told of a timeout by its own thread, which lives on", async () => {
    rig = poolRig();
    const body = deferred<{ output: number }>();
    const workflow = flow(
      "w",
      stage("slow", () => body.promise, { timeoutMs: 5 }),
      stage("a", () => ({ output: 1 })),
    );
    const { pool, clock, ended, start } = rig;
    await start("1", [workflow]);
    const { outcome } = pool.execute(taskOf(workflow, "slow"), new Memo());
    expect(await outcome).toMatchObject({ kind: "failed", error: { code: "STAGE_TIMEOUT" } });
    expect(pool.list()[0]?.running).toHaveLength(1);
    body.resolve({ output: 1 });
    await clock.settle();
    expect(pool.list()[0]?.running).toEqual([]);
    expect(await pool.execute(taskOf(workflow, "a"), new Memo()).outcome).toMatchObject({
      kind: "completed",
    });
    expect(ended).toEqual([]);
  });
});
