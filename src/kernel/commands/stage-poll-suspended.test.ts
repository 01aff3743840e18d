import { describe, expect, it } from "vitest";
import type { CheckOutcome } from "../../ports/executor.ts";
import {
  begin,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  settle,
  standing,
  suspends,
  typesOf,
  type Bench,
} from "../kernel.test-helper.ts";
import { snapshot } from "../watch.test-helper.ts";

const poll = { type: "stage.pollSuspended" } as const;
const nothing = { checked: 0, resumed: 0, failed: 0, resumedWorkflowRunIds: [] };
const ready = (value: unknown): CheckOutcome => ({
  kind: "ready",
  output: { payload: { kind: "value", value }, blobs: [] },
});

/** A run whose first stage has suspended and wants to be asked in a second. */
async function asked(
  check: () => CheckOutcome | Promise<CheckOutcome>,
  options: Parameters<typeof suspends>[0] = {},
): Promise<{ bench: Bench; runId: string }> {
  const bench = kernelOf([graphOf(["a", "b"], { a: { checks: true } })]);
  bench.executor.bodies.set("a", (task) =>
    task.resume === null ? suspends({ dueIn: 1000, state: "asked", ...options }) : { resumed: task.resume },
  );
  bench.executor.checks.set("a", check);
  const runId = await begin(bench);
  await execute(bench, runId, "a");
  return { bench, runId };
}

describe("stage.pollSuspended", () => {
  it("asks nobody before the time, and nobody twice", async () => {
    let checks = 0;
    const { bench } = await asked(() => {
      checks += 1;
      return { kind: "waiting", checkIn: 5000 };
    });
    expect(await bench.kernel.dispatch(poll)).toEqual(nothing);
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toEqual({ ...nothing, checked: 1 });
    expect(await bench.kernel.dispatch(poll)).toEqual(nothing);
    await bench.clock.advance(4999);
    expect(await bench.kernel.dispatch(poll)).toEqual(nothing);
    await bench.clock.advance(1);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1 });
    expect(checks).toBe(2);
  });

  it("says when the next stage wants to be asked, without leasing it", async () => {
    const { bench, runId } = await asked(() => ({ kind: "waiting", checkIn: 5000 }));
    expect(await bench.kernel.host.nextCheckAt()).toBe(bench.clock.now() + 1000);
    expect((await jobOf(bench, runId, "a")).worker).toBeNull();
  });

  it("asks as many as it may, each in its own lease", async () => {
    const bench = kernelOf([
      graphOf([["a", "b", "c"]], { a: { checks: true }, b: { checks: true }, c: { checks: true } }),
    ]);
    for (const stageId of ["a", "b", "c"])
      bench.executor.bodies.set(stageId, () => suspends({ dueIn: 1000 }));
    const runId = await begin(bench);
    for (const stageId of ["a", "b", "c"]) await execute(bench, runId, stageId);
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch({ ...poll, maxChecks: 2 })).toMatchObject({ checked: 2 });
    expect(await bench.kernel.dispatch({ ...poll, maxChecks: 2 })).toMatchObject({ checked: 1 });
  });

  it("completes a stage that is ready with an output, and moves its run on", async () => {
    const { bench, runId } = await asked(() => ready({ text: "done" }));
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toEqual({
      checked: 1,
      resumed: 1,
      failed: 0,
      resumedWorkflowRunIds: [runId],
    });
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "COMPLETED" });
    expect(await headOf(bench, runId)).toMatchObject({ group: 1, remaining: 1, active: 1 });
    const [record] = (await bench.store.run(runId))?.stages ?? [];
    expect(record).toMatchObject({ output: { value: { text: "done" } }, attempt: 1 });
    expect((await typesOf(bench, runId)).slice(-2)).toEqual(["workflow:suspended", "stage:completed"]);
    expect(await execute(bench, runId, "b")).toMatchObject({ outcome: "completed" });
    expect(bench.executor.started.at(-1)?.outputs.get("a")).toEqual({
      kind: "value",
      value: { text: "done" },
    });
  });

  it("stores the Blobs of an output before it completes the stage with it", async () => {
    const key = { runId: "", epoch: 1, stageId: "a", attempt: 1, name: "0" };
    const { bench, runId } = await asked(() => ({
      kind: "ready",
      output: {
        payload: { kind: "value", value: null, blobs: [{ path: [], key, size: 4, type: "" }] },
        blobs: [{ key, data: new Blob(["text"]) }],
      },
    }));
    Object.assign(key, { runId });
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(poll);
    expect(await bench.store.blobs.list(runId)).toEqual([key]);
  });

  it("resumes the body of a stage that is ready without one, with its state and what woke it", async () => {
    const { bench, runId } = await asked(() => ({ kind: "ready", output: null }));
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ resumed: 1, resumedWorkflowRunIds: [runId] });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      kind: "execute",
      dueAt: bench.clock.now(),
      worker: null,
    });
    expect(await execute(bench, runId, "a")).toEqual({
      outcome: "completed",
      output: { resumed: { state: { kind: "value", value: "asked" }, wake: { kind: "check" } } },
    });
  });

  it("tries a check that throws again with growing delays, and then fails the stage", async () => {
    const { bench, runId } = await asked(() => {
      throw new Error("no answer");
    });
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toEqual({ ...nothing, checked: 1 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      kind: "check",
      failures: 0,
      checkFailures: 1,
      dueAt: bench.clock.now() + 1000,
    });
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(poll);
    await bench.clock.advance(2000);
    expect(await bench.kernel.dispatch(poll)).toEqual({ ...nothing, checked: 1, failed: 1 });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED" });
    expect((await headOf(bench, runId)).error).toMatchObject({ message: "no answer", stageId: "a" });
    expect((await typesOf(bench, runId)).slice(-4)).toEqual([
      "stage:retrying",
      "stage:retrying",
      "stage:failed",
      "workflow:failed",
    ]);
  });

  it("counts a check's failures in a row, and apart from the body's", async () => {
    const answers = ["no", "no", "not yet", "no", "no", "done"];
    const { bench, runId } = await asked(() => {
      const answer = answers.shift();
      if (answer === "no") throw new Error("no answer");
      return answer === "done" ? ready(answer) : { kind: "waiting", checkIn: 1000 };
    });
    while (answers.length > 0) {
      await bench.clock.advance(5000);
      await bench.kernel.dispatch(poll);
    }
    expect((await bench.store.run(runId))?.stages[0]).toMatchObject({ status: "COMPLETED", failures: 0 });
  });

  it("fails at once what says that asking again is useless", async () => {
    const error = { name: "Error", code: "GONE", message: "gone" };
    const { bench, runId } = await asked(() => ({ kind: "failed", error, retryable: false }));
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ failed: 1 });
    expect((await headOf(bench, runId)).error).toMatchObject({ code: "GONE" });
  });

  it("fails the stage with an answer that can't be stored", async () => {
    const { bench, runId } = await asked(() => ready(() => 1));
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ failed: 1 });
    expect((await headOf(bench, runId)).error).toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  it("cancels the siblings of a stage whose check fails, and lets those that run finish", async () => {
    const bench = kernelOf([graphOf([["a", "b", "c"]], { a: { checks: true } })]);
    const slow = gate();
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    bench.executor.bodies.set("b", slow.body);
    bench.executor.checks.set("a", () => ({
      kind: "failed",
      error: { name: "Error", code: "X", message: "no" },
      retryable: false,
    }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const running = execute(bench, runId, "b");
    await settle();
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(poll);
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "FAILED", c: "CANCELLED" });
    slow.open("done");
    await running;
    expect(await standing(bench, runId)).toEqual({
      run: "FAILED",
      a: "FAILED",
      b: "COMPLETED",
      c: "CANCELLED",
    });
  });
});

describe("maxWaitTime", () => {
  it("ends the wait of a stage that keeps saying that it isn't complete", async () => {
    const { bench, runId } = await asked(() => ({ kind: "waiting", checkIn: 4000 }), { maxWaitIn: 10_000 });
    const seen: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const at = await bench.kernel.host.nextCheckAt();
      seen.push(at === null ? -1 : at - bench.clock.now());
      await bench.clock.advance(seen.at(-1) ?? 0);
      await bench.kernel.dispatch(poll);
    }
    // The last time is the deadline itself, not the next round of checks.
    expect(seen).toEqual([1000, 4000, 4000]);
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(poll)).toEqual({ ...nothing, checked: 1, failed: 1 });
    expect(await headOf(bench, runId)).toMatchObject({
      status: "FAILED",
      error: { code: "WAIT_TIMEOUT", stageId: "a" },
    });
  });

  it("takes an answer that is ready at the deadline itself", async () => {
    const { bench, runId } = await asked(() => ready("just in time"), { dueIn: 60_000, maxWaitIn: 10_000 });
    await bench.clock.advance(10_000);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1, resumed: 1 });
    expect(await standing(bench, runId)).toMatchObject({ a: "COMPLETED" });
  });

  it("ends the wait for a signal that never comes", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", () => suspends({ signal: "go", maxWaitIn: 5000 }));
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({
      outcome: "suspended",
      nextPollAt: bench.clock.now() + 5000,
    });
    await bench.clock.advance(4999);
    expect(await bench.kernel.dispatch(poll)).toEqual(nothing);
    await bench.clock.advance(1);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1, failed: 1 });
    expect((await headOf(bench, runId)).error).toMatchObject({ code: "WAIT_TIMEOUT" });
  });

  it("is over once the stage goes on: a resumed body has no deadline", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go", maxWaitIn: 5000 }) : "late but fine",
    );
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "go", payload: 1 });
    await bench.clock.advance(60_000);
    expect(await bench.kernel.dispatch(poll)).toEqual(nothing);
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "completed" });
  });
});

describe("a check under way", () => {
  it("keeps its lease by heartbeats, however long it takes", async () => {
    const slow = gate();
    const { bench, runId } = await asked(() => slow.body() as Promise<CheckOutcome>);
    await bench.clock.advance(1000);
    const polling = bench.kernel.dispatch(poll);
    await settle();
    for (let beat = 0; beat < 10; beat += 1) await bench.clock.advance(10_000);
    expect(await bench.kernel.dispatch({ type: "lease.reapStale", staleThresholdMs: 30_000 })).toEqual({
      released: 0,
    });
    slow.open(ready("at last"));
    expect(await polling).toMatchObject({ resumed: 1 });
    expect(await standing(bench, runId)).toMatchObject({ a: "COMPLETED" });
  });

  it("writes nothing about a run that was cancelled meanwhile, and hears of it at once", async () => {
    const slow = gate();
    const { bench, runId } = await asked(() => slow.body() as Promise<CheckOutcome>);
    await bench.clock.advance(1000);
    const polling = bench.kernel.dispatch(poll);
    await settle();
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    expect(await polling).toEqual({ ...nothing, checked: 1 });
    const before = await snapshot(bench.store);
    slow.open(ready("late"));
    await settle();
    expect(await snapshot(bench.store)).toEqual(before);
  });

  it("writes nothing once its lease is another's, whatever it answers", async () => {
    for (const answer of [
      { kind: "waiting", checkIn: 5 },
      { kind: "ready", output: null },
      ready("late"),
    ] as const) {
      const slow = gate();
      const { bench, runId } = await asked(() => slow.body() as Promise<CheckOutcome>);
      await bench.clock.advance(1000);
      const polling = bench.kernel.dispatch(poll);
      await settle();
      await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
      const other = kernelOf([graphOf(["a", "b"])], { store: bench.store, clock: bench.clock });
      other.executor.checks.set("a", () => new Promise<CheckOutcome>(() => undefined));
      void other.kernel.dispatch(poll);
      await settle();
      const before = await snapshot(bench.store);
      slow.open(answer);
      expect(await polling).toEqual({ ...nothing, checked: 1 });
      expect(await snapshot(bench.store)).toEqual(before);
    }
  });

  it("counts as a crash where it takes its worker down, and is quarantined in the end", async () => {
    const graph = graphOf(["a"], { a: { checks: true, policy: { maxCrashes: 2 } } });
    const bench = kernelOf([graph]);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    bench.executor.checks.set("a", () => new Promise<CheckOutcome>(() => undefined));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    for (let crash = 1; crash <= 2; crash += 1) {
      await bench.clock.advance(1000);
      void bench.kernel.dispatch(poll);
      await settle();
      bench.kernel.host.abort("nobody");
      bench.watch.beats = false;
      await bench.clock.advance(30_000);
      expect(await bench.kernel.dispatch({ type: "lease.reapStale", staleThresholdMs: 30_000 })).toEqual({
        released: 1,
      });
    }
    expect(await headOf(bench, runId)).toMatchObject({ status: "FAILED", error: { code: "QUARANTINED" } });
  });

  it("gives its lease back uncounted when the host drains", async () => {
    const slow = gate();
    const { bench, runId } = await asked(() => slow.body() as Promise<CheckOutcome>);
    await bench.clock.advance(1000);
    const polling = bench.kernel.dispatch(poll);
    await settle();
    bench.kernel.host.abort(bench.kernel.ports.name);
    expect(await polling).toEqual({ ...nothing, checked: 1 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      worker: null,
      crashes: 0,
      failures: 0,
      kind: "check",
    });
  });

  it("isn't asked of stages that this kernel has no code for", async () => {
    const { bench } = await asked(() => ready("done"));
    const other = kernelOf([graphOf(["a"], {}, "other")], { store: bench.store, clock: bench.clock });
    await bench.clock.advance(1000);
    expect(await other.kernel.dispatch(poll)).toEqual(nothing);
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1 });
  });
});
