import { describe, expect, it } from "vitest";
import { NonRetryableError } from "../../errors.ts";
import { givenOf, runOf, startedJob } from "../decide.test-helper.ts";
import {
  begin,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  outcome,
  settle,
  standing,
  suspends,
  typesOf,
} from "../kernel.test-helper.ts";
import { deepFreeze, entriesOf } from "../watch.test-helper.ts";
import { decideFinish, isFinal, type Recorded } from "./job-execute-finish.ts";

const graph = graphOf([["a", "b"], "c"]);
const node = (at: number) => {
  const found = graph.stages[at];
  if (found === undefined) throw new RangeError(`no stage ${at}`);
  return found;
};
const completed: Recorded = {
  kind: "completed",
  output: { kind: "value", value: 1 },
  value: 1,
  events: [],
  blobs: [],
};
const base = { graph, node: node(0), siblings: [], signals: [], key: null };

describe("decideFinish", () => {
  it("is a function of its arguments alone, and leaves them as they are", () => {
    const state = deepFreeze({ ...base, run: runOf({ remaining: 2 }), job: startedJob("a") });
    const decide = () => decideFinish(state, completed, true, givenOf()).entry;
    expect(decide()).toEqual(decide());
  });

  it("mistake 19: lets siblings finish under epoch and token alone, one off the counter as a delta", () => {
    const state = { ...base, run: runOf({ remaining: 2, active: 2 }), job: startedJob("a") };
    const { entry } = decideFinish(state, completed, true, givenOf());
    expect(entry?.guards).toEqual({ epoch: 1, jobs: [{ stageId: "a", token: 4 }] });
    expect(entry?.counters).toEqual({ add: { remaining: -1, active: -1 } });
    expect(entry).not.toHaveProperty("state");
  });

  it("guards the transition of whoever is last by the version and the counter", () => {
    const state = { ...base, run: runOf(), job: startedJob("a") };
    const { entry } = decideFinish(state, completed, true, givenOf({ lease: { workerId: "w", slots: 1 } }));
    expect(entry?.guards).toMatchObject({ version: 3, remaining: 1, epoch: 1 });
    expect(entry?.state).toMatchObject({ status: "RUNNING", group: 1 });
    expect(entry?.counters).toEqual({ set: { remaining: 1, active: 1 } });
    expect(entry?.jobs?.[0]).toMatchObject({ stageId: "c", worker: "w", started: true });
    expect(entry?.events.map(({ type }) => type)).toEqual(["stage:completed", "stage:started"]);
  });

  it("leaves the transition to `run.transition` where the caller doesn't fold it in", () => {
    const state = { ...base, run: runOf(), job: startedJob("a") };
    const { entry } = decideFinish(state, completed, false, givenOf());
    expect(entry?.guards).toEqual({ epoch: 1, jobs: [{ stageId: "a", token: 4 }] });
    expect(entry?.events.map(({ type }) => type)).toEqual(["stage:completed"]);
  });

  it("guards the end of a run by the list of subscribers that it relies on", () => {
    const last = startedJob("c", { group: 1 });
    const state = { ...base, node: node(2), run: runOf({ group: 1 }), job: last };
    const registry = { version: 8, subscribers: [{ name: "audit", since: 0 }] };
    const { entry } = decideFinish(state, completed, true, givenOf({ registry }));
    expect(entry?.guards.registry).toBe(8);
    expect(entry?.state).toMatchObject({ status: "COMPLETED", delivered: false });
    const alone = decideFinish(state, completed, true, givenOf());
    expect(alone.entry?.state).toMatchObject({ status: "COMPLETED", delivered: true });
  });
});

describe("isFinal", () => {
  const state = (failures: number) => ({ run: runOf(), job: startedJob("a", { failures }), node: node(0) });
  it("tries as often as the stage's policy says", () => {
    expect(isFinal(state(1), true)).toBe(false);
    expect(isFinal(state(2), true)).toBe(true);
  });
  it("tries nothing again that says so, nor anything in a run that is failing", () => {
    expect(isFinal(state(0), false)).toBe(true);
    const error = { name: "Error", code: "X", message: "" };
    expect(isFinal({ ...state(0), run: runOf({ error }) }, true)).toBe(true);
  });
});

describe("an execution that ends well", () => {
  it("leaves its record, its output, its events, and no job", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    const output = { n: 1, at: new Date(7) };
    const progress = {
      type: "stage:progress",
      payload: { stageId: "a", epoch: 1, attempt: 1, progress: 0.5, at: 1 },
    };
    bench.executor.bodies.set("a", () =>
      outcome({
        kind: "completed",
        output: { kind: "value", value: output },
        value: output,
        events: [progress],
      }),
    );
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output });
    const found = await bench.store.run(runId);
    expect(found?.jobs.map(({ stageId }) => stageId)).toEqual(["b"]);
    expect(found?.stages).toEqual([
      expect.objectContaining({
        stageId: "a",
        status: "COMPLETED",
        attempt: 1,
        epoch: 1,
        output: { kind: "value", value: output },
        endedAt: bench.clock.now(),
      }),
    ]);
    expect((await typesOf(bench, runId)).slice(2)).toEqual([
      "stage:started",
      "stage:progress",
      "stage:completed",
    ]);
  });

  it("may skip its stage, with a reason", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", () => outcome({ kind: "skipped", reason: "empty" }));
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "skipped" });
    expect((await bench.store.run(runId))?.stages[0]).toMatchObject({
      status: "SKIPPED",
      reason: "empty",
      output: null,
    });
    const skipped = (await bench.store.events({ run: runId })).find(({ type }) => type === "stage:skipped");
    expect(skipped?.payload).toEqual({ stageId: "a", epoch: 1, attempt: 1, reason: "empty" });
  });

  it("mistake 14: stores what its output points to under its attempt, before the commit, and leaves a ghost's to the purge", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    const key = { runId, epoch: 1, stageId: "a", attempt: 1, name: "0" };
    const output = { kind: "value", value: null, blobs: [{ path: [], key, size: 4, type: "" }] };
    bench.executor.bodies.set("a", async (task) => {
      if (task.attempt === 1) {
        await bench.store.jobs.release({ leases: [{ runId, stageId: "a", epoch: 1, token: task.token }] });
      }
      const own = { ...key, attempt: task.attempt };
      return outcome({
        kind: "completed",
        output,
        value: null,
        blobs: [{ key: own, data: new Blob(["text"]) }],
      });
    });
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", ghost: true });
    // Left until the run is purged: whether the entry is in may be known only later.
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
    await execute(bench, runId, "a");
    expect(await bench.store.blobs.list(runId)).toContainEqual({ ...key, attempt: 2 });
  });
});

describe("an execution that lost its lease", () => {
  it("mistake 1: can't complete its successor's job", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    const slow = gate();
    const fast = gate();
    bench.executor.bodies.set("a", (task) => (task.attempt === 1 ? slow.body() : fast.body()));
    const runId = await begin(bench);
    const first = execute(bench, runId, "a");
    await settle();
    await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    const second = execute(bench, runId, "a");
    await settle();
    const before = await bench.store.run(runId);
    slow.open("from the dead");
    expect(await first).toEqual({ outcome: "completed", ghost: true });
    expect(await bench.store.run(runId)).toEqual(before);
    fast.open("from the living");
    expect(await second).toEqual({ outcome: "completed", output: "from the living" });
    const [record] = (await bench.store.run(runId))?.stages ?? [];
    expect(record).toMatchObject({ attempt: 2, output: { value: "from the living" } });
  });

  it("mistake 7: writes nothing about a run that was cancelled after its body ended", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const other = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock });
    bench.executor.bodies.set("a", async (task) => {
      await other.kernel.dispatch({ type: "run.cancel", workflowRunId: task.runId });
      return "late";
    });
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", ghost: true });
    expect(await standing(bench, runId)).toEqual({ run: "CANCELLED", a: "CANCELLED" });
    expect((await bench.store.run(runId))?.stages[0]?.output).toBeNull();
  });

  it("is a ghost also where the run is gone altogether", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", async (task) => {
      const other = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock });
      await other.kernel.dispatch({ type: "run.cancel", workflowRunId: task.runId });
      await other.kernel.dispatch({ type: "run.purge" });
      return "late";
    });
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", ghost: true });
    expect(await bench.store.run(runId)).toBeNull();
  });
});

describe("a body that throws", () => {
  const failing = (shape: Parameters<typeof graphOf>[0], error: () => Error = () => new Error("no")) => {
    const bench = kernelOf([graphOf(shape)]);
    bench.executor.bodies.set("a", () => {
      throw error();
    });
    return bench;
  };

  it("is tried three times, with growing delays, and then fails its run", async () => {
    const bench = failing(["a", "b"]);
    const runId = await begin(bench);
    const result = { outcome: "failed", error: { name: "Error", code: "STAGE_ERROR", message: "no" } };
    expect(await execute(bench, runId, "a")).toEqual({ ...result, retryable: true });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      attempt: 1,
      failures: 1,
      crashes: 0,
      started: false,
      worker: null,
      dueAt: bench.clock.now() + 1000,
    });
    await bench.clock.advance(1000);
    expect(await execute(bench, runId, "a")).toEqual({ ...result, retryable: true });
    expect((await jobOf(bench, runId, "a")).dueAt).toBe(bench.clock.now() + 2000);
    await bench.clock.advance(2000);
    expect(await execute(bench, runId, "a")).toEqual({ ...result, retryable: false });
    const found = await bench.store.run(runId);
    expect(found?.run).toMatchObject({
      status: "FAILED",
      error: { message: "no", stageId: "a" },
      remaining: 0,
    });
    expect(found?.stages[0]).toMatchObject({
      status: "FAILED",
      attempt: 3,
      failures: 3,
      error: { message: "no" },
    });
    expect(found?.jobs).toEqual([]);
    expect((await typesOf(bench, runId)).slice(2)).toEqual([
      "stage:started",
      "stage:retrying",
      "stage:started",
      "stage:retrying",
      "stage:started",
      "stage:failed",
      "workflow:failed",
    ]);
    const retrying = (await bench.store.events({ run: runId })).filter(
      ({ type }) => type === "stage:retrying",
    );
    expect(retrying.map(({ payload }) => payload)).toEqual([
      expect.objectContaining({
        attempt: 1,
        delayMs: 1000,
        error: expect.objectContaining({ message: "no" }),
      }),
      expect.objectContaining({ attempt: 2, delayMs: 2000 }),
    ]);
  });

  it("isn't claimed before its delay is over", async () => {
    const bench = failing(["a"]);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect((await bench.kernel.host.claim({ workerId: "w", limit: 5 })).jobs).toEqual([]);
    await bench.clock.advance(1000);
    const { jobs } = await bench.kernel.host.claim({ workerId: "w", limit: 5 });
    expect(jobs.map(({ runId: id, stageId }) => ({ id, stageId }))).toEqual([{ id: runId, stageId: "a" }]);
  });

  it("isn't tried again where its error says that it is useless", async () => {
    const bench = failing(["a"], () => new NonRetryableError("never"));
    bench.executor.bodies.set("a", () =>
      outcome({
        kind: "failed",
        error: { name: "Error", code: "NON_RETRYABLE", message: "never" },
        retryable: false,
      }),
    );
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "failed", retryable: false });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED" });
  });

  it("fails its stage at once with what can't be stored", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const value = () => 1;
    bench.executor.bodies.set("a", () =>
      outcome({ kind: "completed", output: { kind: "value", value }, value }),
    );
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toMatchObject({
      outcome: "failed",
      retryable: false,
      error: { code: "INVALID_PAYLOAD" },
    });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED" });
  });

  it("waits for `run.transition` by hand before the run fails", async () => {
    const bench = failing(["a"], () => new TypeError("never"));
    const runId = await begin(bench);
    await execute(bench, runId, "a", { advance: false });
    expect(await headOf(bench, runId)).toMatchObject({
      status: "RUNNING",
      error: { message: "never" },
      remaining: 0,
    });
    expect(await bench.kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "failed",
    });
    expect((await headOf(bench, runId)).status).toBe("FAILED");
  });
});

describe("an execution told to stop", () => {
  it("gives its lease back uncounted when the host drains", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a", "w1");
    const execution = execute(bench, runId, "a", { token });
    await settle();
    bench.kernel.host.abort("another worker");
    await settle();
    expect((await jobOf(bench, runId, "a")).started).toBe(true);
    bench.kernel.host.abort("w1");
    expect(await execution).toEqual({ outcome: "failed", ghost: true });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      attempt: 1,
      failures: 0,
      crashes: 0,
      worker: null,
      started: false,
      dueAt: bench.clock.now(),
    });
    expect((await bench.kernel.host.claim({ workerId: "w2", limit: 1 })).jobs).toHaveLength(1);
  });

  it("suspends no run that is failing: its stage is cancelled", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    bench.executor.bodies.set("b", () => {
      throw new TypeError("no");
    });
    const runId = await begin(bench);
    const first = execute(bench, runId, "a");
    await settle();
    await execute(bench, runId, "b");
    slow.open(suspends({ signal: "never" }));
    expect(await first).toEqual({ outcome: "cancelled" });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "CANCELLED", b: "FAILED" });
    expect(entriesOf(bench.watch).filter(({ command }) => command === "job.execute")).toHaveLength(4);
  });
});
