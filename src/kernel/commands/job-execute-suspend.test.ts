import { describe, expect, it } from "vitest";
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
} from "../kernel.test-helper.ts";
import { expectRefused } from "../watch.test-helper.ts";

const pipe = [graphOf(["a", "b"])];

describe("a stage that suspends until a time", () => {
  it("leaves its state, sleeps with its run, and is resumed with the state when it is due", async () => {
    const bench = kernelOf(pipe);
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ dueIn: 5000, state: { page: 2 } }) : { resumed: task.resume },
    );
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({
      outcome: "suspended",
      nextPollAt: bench.clock.now() + 5000,
    });
    expect(await standing(bench, runId)).toEqual({ run: "SUSPENDED", a: "SUSPENDED" });
    expect(await headOf(bench, runId)).toMatchObject({ remaining: 1, active: 0 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      kind: "execute",
      suspended: true,
      resumes: true,
      worker: null,
      started: false,
      dueAt: bench.clock.now() + 5000,
    });
    expect((await bench.kernel.host.claim({ workerId: "w", limit: 1 })).jobs).toEqual([]);
    await bench.clock.advance(5000);
    const { jobs } = await bench.kernel.host.claim({ workerId: "w", limit: 1 });
    expect(jobs).toHaveLength(1);
    const { result } = await bench.kernel.host.execute(jobs[0] as NonNullable<(typeof jobs)[0]>, 0);
    expect(result).toEqual({
      outcome: "completed",
      output: { resumed: { state: { kind: "value", value: { page: 2 } }, wake: { kind: "timer" } } },
    });
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "COMPLETED" });
    const events = await bench.store.events({ run: runId });
    expect(events.slice(2, 6).map(({ type, payload }) => ({ type, payload }))).toEqual([
      { type: "stage:started", payload: expect.objectContaining({ attempt: 1 }) },
      { type: "stage:suspended", payload: { stageId: "a", epoch: 1, attempt: 1, checkIn: 5000 } },
      { type: "workflow:suspended", payload: { epoch: 1 } },
      { type: "stage:started", payload: expect.objectContaining({ attempt: 2, resumed: true }) },
    ]);
  });

  it("counts no suspension as a failed attempt, and resumes from the same state after a failure", async () => {
    const bench = kernelOf(pipe);
    const resumed: unknown[] = [];
    bench.executor.bodies.set("a", (task) => {
      if (task.resume === null) return suspends({ dueIn: 1000, state: "here" });
      resumed.push(task.resume.state);
      if (resumed.length < 3) throw new Error("no");
      return "done";
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    for (let tries = 0; tries < 2; tries += 1) {
      await bench.clock.advance(10_000);
      expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "failed", retryable: true });
    }
    await bench.clock.advance(10_000);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "done" });
    expect(resumed).toEqual([1, 2, 3].map(() => ({ kind: "value", value: "here" })));
  });

  it("may suspend again and again, each time with a state of its own", async () => {
    const bench = kernelOf(pipe);
    bench.executor.bodies.set("a", (task) => {
      const state = task.resume?.state;
      const count = state?.kind === "value" ? (state.value as number) : 0;
      return count === 3 ? "done" : suspends({ dueIn: 1000, state: count + 1 });
    });
    const runId = await begin(bench);
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "suspended" });
      await bench.clock.advance(1000);
    }
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "done" });
    expect((await bench.store.run(runId))?.stages[0]).toMatchObject({ attempt: 4, failures: 0, state: null });
  });

  it("makes the run SUSPENDED only once none of its group is active", async () => {
    const bench = kernelOf([graphOf([["a", "b"], "c"])]);
    bench.executor.bodies.set("a", (task) => (task.resume === null ? suspends({ dueIn: 1000 }) : "done"));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await headOf(bench, runId)).toMatchObject({ status: "RUNNING", remaining: 2, active: 1 });
    await execute(bench, runId, "b");
    expect(await headOf(bench, runId)).toMatchObject({ status: "SUSPENDED", remaining: 1, active: 0 });
    await bench.clock.advance(1000);
    await execute(bench, runId, "a");
    expect(await headOf(bench, runId)).toMatchObject({
      status: "RUNNING",
      group: 1,
      remaining: 1,
      active: 1,
    });
    expect((await typesOf(bench, runId)).filter((type) => type === "workflow:suspended")).toHaveLength(1);
  });

  it.each([
    ["both for a time", suspends({ dueIn: 1000 }), suspends({ dueIn: 1000 })],
    ["both for a signal", suspends({ signal: "x" }), suspends({ signal: "y" })],
    ["one for a time, one for a signal", suspends({ dueIn: 1000 }), suspends({ signal: "y" })],
    ["one for a signal, one for a time", suspends({ signal: "x" }), suspends({ dueIn: 1000 })],
  ])(
    "makes it SUSPENDED also where the last two suspend at the same moment: %s",
    async (_, first, second) => {
      const bench = kernelOf([graphOf([["a", "b"]])]);
      const [one, two] = [gate(), gate()];
      bench.executor.bodies.set("a", one.body);
      bench.executor.bodies.set("b", two.body);
      const runId = await begin(bench);
      const executions = [execute(bench, runId, "a"), execute(bench, runId, "b")];
      await settle();
      one.open(first);
      two.open(second);
      await Promise.all(executions);
      expect(await headOf(bench, runId)).toMatchObject({ status: "SUSPENDED", remaining: 2, active: 0 });
      expect((await typesOf(bench, runId)).filter((type) => type === "workflow:suspended")).toHaveLength(1);
    },
  );
});

describe("the last active stage of a group", () => {
  it.each([
    ["suspends", suspends({ dueIn: 60_000 })],
    ["completes", "done"],
  ])("puts no run to sleep when it %s while a sibling is resumed", async (_, end) => {
    const graph = [graphOf([["a", "b"]])];
    const bench = kernelOf(graph);
    const other = kernelOf(graph, { store: bench.store, clock: bench.clock });
    const [resumption, last] = [gate(), gate()];
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    other.executor.bodies.set("a", resumption.body);
    bench.executor.bodies.set("b", last.body);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const b = execute(bench, runId, "b");
    await settle();
    await bench.clock.advance(1000);
    // `b` is decided by what this kernel remembers; the resumption gets in before it.
    let a: Promise<unknown> = Promise.resolve();
    bench.watch.onCommit = async (__, commit) => {
      bench.watch.onCommit = null;
      a = execute(other, runId, "a");
      await settle();
      return commit();
    };
    last.open(end);
    await b;
    expect(await headOf(bench, runId)).toMatchObject({ status: "RUNNING", active: 1 });
    expect(await typesOf(bench, runId)).not.toContain("workflow:suspended");
    resumption.open("done");
    await a;
  });
});

describe("a stage that suspends on a signal", () => {
  it("isn't due before the signal, however long that takes", async () => {
    const bench = kernelOf(pipe);
    bench.executor.bodies.set("a", () => suspends({ signal: "go" }));
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "suspended", nextPollAt: null });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ kind: "wait", dueAt: null, signal: "go" });
    await bench.clock.advance(365 * 86_400_000);
    expect((await bench.kernel.host.claim({ workerId: "w", limit: 1 })).jobs).toEqual([]);
    expect(await bench.kernel.dispatch({ type: "stage.pollSuspended" })).toMatchObject({ checked: 0 });
    expect((await headOf(bench, runId)).status).toBe("SUSPENDED");
  });

  it("goes on at once where the signal came early, without its run ever sleeping", async () => {
    const bench = kernelOf(pipe);
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go" }) : task.resume.wake,
    );
    const runId = await begin(bench);
    await bench.kernel.dispatch({
      type: "run.signal",
      workflowRunId: runId,
      name: "go",
      payload: { yes: true },
    });
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "suspended", nextPollAt: bench.clock.now() });
    expect(await headOf(bench, runId)).toMatchObject({ status: "RUNNING", remaining: 1, active: 1 });
    expect((await bench.store.run(runId))?.signals).toEqual([]);
    expect(await execute(bench, runId, "a")).toEqual({
      outcome: "completed",
      output: { kind: "signal", name: "go", payload: { kind: "value", value: { yes: true } } },
    });
    expect(await typesOf(bench, runId)).not.toContain("workflow:suspended");
    expect(await headOf(bench, runId)).toMatchObject({
      status: "RUNNING",
      group: 1,
      remaining: 1,
      active: 1,
    });
  });

  it("misses no signal that comes at the same moment as it suspends", async () => {
    for (const signalFirst of [true, false]) {
      const bench = kernelOf(pipe);
      const other = kernelOf(pipe, { store: bench.store, clock: bench.clock });
      const slow = gate();
      bench.executor.bodies.set("a", (task) => (task.resume === null ? slow.body() : "woken"));
      const runId = await begin(bench);
      const execution = execute(bench, runId, "a");
      await settle();
      // The other writer slips in between what one of them read and what it commits.
      const signal = () =>
        other.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "go", payload: 1 });
      if (signalFirst) {
        bench.watch.afterLoad = async () => {
          bench.watch.afterLoad = null;
          await signal();
        };
        slow.open(suspends({ signal: "go" }));
        await execution;
      } else {
        other.watch.afterLoad = async () => {
          other.watch.afterLoad = null;
          slow.open(suspends({ signal: "go" }));
          await execution;
        };
        await signal();
      }
      expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "woken" });
    }
  });

  it("is resumed by its timer where it names one too", async () => {
    const bench = kernelOf(pipe);
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go", dueIn: 1000 }) : task.resume.wake,
    );
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: { kind: "timer" } });
  });
});

describe("a suspended stage", () => {
  it("can't be executed by hand before it is due", async () => {
    const bench = kernelOf([graphOf([["a", "b"]], { b: { checks: true } })]);
    bench.executor.bodies.set("a", (task) => (task.resume === null ? suspends({ dueIn: 60_000 }) : "done"));
    bench.executor.bodies.set("b", () => suspends({ dueIn: 60_000 }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    await expectRefused(bench.store, "JOB_NOT_DUE", () => execute(bench, runId, "b"));
    await expectRefused(bench.store, "JOB_NOT_DUE", () => execute(bench, runId, "a"));
    await bench.clock.advance(60_000);
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "completed" });
  });

  it("fails at its first deadline, however often its timer resumes it", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000, maxWaitIn: 2500 }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const { deadlineAt } = await jobOf(bench, runId, "a");
    for (let round = 0; round < 2; round += 1) {
      await bench.clock.advance(1000);
      await execute(bench, runId, "a");
    }
    expect(await jobOf(bench, runId, "a")).toMatchObject({ kind: "wait", deadlineAt, dueAt: deadlineAt });
    await bench.clock.advance(500);
    await bench.kernel.dispatch({ type: "stage.pollSuspended" });
    expect((await standing(bench, runId)).run).toBe("FAILED");
  });
});
