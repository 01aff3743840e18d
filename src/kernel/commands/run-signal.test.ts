import { describe, expect, it } from "vitest";
import { givenOf, loadedOf, runOf } from "../decide.test-helper.ts";
import {
  begin,
  create,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  settle,
  suspends,
  type Bench,
} from "../kernel.test-helper.ts";
import { deepFreeze, expectRefused } from "../watch.test-helper.ts";
import { decideSignal } from "./run-signal.ts";

const graphs = [graphOf(["a", "b"])];

function waiting(): Bench {
  const bench = kernelOf(graphs);
  bench.executor.bodies.set("a", (task) =>
    task.resume === null ? suspends({ signal: "go" }) : task.resume.wake,
  );
  return bench;
}

const signal = (
  { kernel }: Bench,
  workflowRunId: string,
  more: { name?: string; payload?: unknown; idempotencyKey?: string } = {},
) => kernel.dispatch({ type: "run.signal", workflowRunId, name: "go", payload: 1, ...more });

describe("run.signal", () => {
  it("wakes the stage that suspended on it, with its payload", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await signal(bench, runId, { payload: new Map([["x", 1]]) })).toEqual({ delivered: true });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      kind: "execute",
      dueAt: bench.clock.now(),
      signal: null,
    });
    expect((await bench.kernel.host.claim({ workerId: "w", limit: 1 })).jobs).toHaveLength(1);
    await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    expect(await execute(bench, runId, "a")).toEqual({
      outcome: "completed",
      output: { kind: "signal", name: "go", payload: { kind: "value", value: new Map([["x", 1]]) } },
    });
  });

  it("keeps one that comes early, also for a run that hasn't begun", async () => {
    const bench = waiting();
    const runId = await create(bench);
    expect(await signal(bench, runId)).toEqual({ delivered: false });
    expect((await bench.store.run(runId))?.signals).toEqual([expect.objectContaining({ name: "go" })]);
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(bench, runId, "a");
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "completed" });
    expect((await bench.store.run(runId))?.signals).toEqual([]);
  });

  it("wakes a stage once: the second of two is kept for the next that waits for it", async () => {
    const bench = waiting();
    bench.executor.bodies.set("b", (task) =>
      task.resume === null ? suspends({ signal: "go" }) : task.resume.wake,
    );
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await signal(bench, runId, { payload: "first" })).toEqual({ delivered: true });
    expect(await signal(bench, runId, { payload: "second" })).toEqual({ delivered: false });
    expect(await execute(bench, runId, "a")).toMatchObject({ output: { payload: { value: "first" } } });
    await execute(bench, runId, "b");
    expect(await execute(bench, runId, "b")).toMatchObject({ output: { payload: { value: "second" } } });
  });

  it("uses early ones of a name in the order in which they came, each once", async () => {
    const bench = waiting();
    const seen: unknown[] = [];
    bench.executor.bodies.set("a", (task) => {
      if (task.resume?.wake.kind === "signal") seen.push(task.resume.wake.payload);
      return seen.length === 2 ? "done" : suspends({ signal: "go" });
    });
    const runId = await begin(bench);
    for (const payload of ["first", "second"]) await signal(bench, runId, { payload });
    for (let turn = 0; turn < 3; turn += 1) await execute(bench, runId, "a");
    expect(seen).toEqual([
      { kind: "value", value: "first" },
      { kind: "value", value: "second" },
    ]);
    expect((await headOf(bench, runId)).group).toBe(1);
  });

  it("doesn't wake a stage that waits for another name", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await signal(bench, runId, { name: "stop" })).toEqual({ delivered: false });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ kind: "wait", signal: "go" });
  });

  it("ends a wait that a completion check is being asked about: the check's late answer is a ghost", async () => {
    const bench = kernelOf([graphOf(["a"], { a: { checks: true } })]);
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go", dueIn: 1000 }) : task.resume.wake,
    );
    let answer: () => void = () => undefined;
    bench.executor.checks.set("a", async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { kind: "ready", output: { payload: { kind: "value", value: "from the check" }, blobs: [] } };
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    const poll = bench.kernel.dispatch({ type: "stage.pollSuspended" });
    await settle();
    expect(await signal(bench, runId)).toEqual({ delivered: true });
    answer();
    expect(await poll).toEqual({ checked: 1, resumed: 0, failed: 0, resumedWorkflowRunIds: [] });
    expect(await execute(bench, runId, "a")).toMatchObject({
      outcome: "completed",
      output: { kind: "signal" },
    });
  });

  it("is kept where the stage was resumed by its timer after it was read", async () => {
    const bench = waiting();
    bench.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go", dueIn: 1000 }) : task.resume.wake,
    );
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock, executor: bench.executor });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await lease(other, runId, "a");
    };
    // The claim alone moves no version: it is the token that tells.
    expect(await signal(bench, runId)).toEqual({ delivered: true });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, token: 4 });
  });

  it("is kept where the stage was started again after it was read, by a lease that it knew of", async () => {
    // A sibling keeps the run RUNNING: the start of `a` then moves no version.
    const graph = [graphOf([["a", "b"]])];
    const one = kernelOf(graph);
    const two = kernelOf(graph, { store: one.store, clock: one.clock, executor: one.executor });
    const slow = gate();
    one.executor.bodies.set("a", (task) =>
      task.resume === null ? suspends({ signal: "go", dueIn: 1000 }) : slow.body(),
    );
    const runId = await begin(one);
    await execute(one, runId, "a");
    await one.clock.advance(1000);
    const token = await lease(one, runId, "a");
    let resumed: Promise<unknown> = Promise.resolve();
    one.watch.afterLoad = async () => {
      one.watch.afterLoad = null;
      resumed = execute(two, runId, "a", { token });
      await settle();
    };
    expect(await signal(one, runId)).toEqual({ delivered: false });
    slow.open("by its timer");
    expect(await resumed).toEqual({ outcome: "completed", output: "by its timer" });
    expect((await one.store.run(runId))?.signals).toHaveLength(1);
  });

  it("grows the run's version, so that whoever suspends at the same time decides again", () => {
    const command = { type: "run.signal", workflowRunId: "run", name: "go", payload: 1 } as const;
    const loaded = deepFreeze(loadedOf({ run: runOf() }));
    const decide = () => decideSignal(command, { kind: "value", value: 1 }, "", loaded, givenOf()).entry;
    expect(decide()).toEqual(decide());
    expect(decide()).toMatchObject({ guards: { version: 3 }, state: { status: "RUNNING" } });
  });

  it("is refused for runs that don't exist or are settled, and changes nothing", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    const payload = { file: new Blob(["text"]) };
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => signal(bench, "nobody", { payload }));
    expect(await bench.store.blobs.list("nobody")).toEqual([]);
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    await expectRefused(bench.store, "RUN_SETTLED", () => signal(bench, runId, { payload }));
    const error = await expectRefused(bench.store, "INVALID_PAYLOAD", () =>
      signal(bench, runId, { payload: [() => 1] }),
    );
    expect(error).toMatchObject({ path: "payload[0]" });
  });

  it("carries Blobs", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    await signal(bench, runId, { payload: { file: new Blob(["text"]) } });
    const kept = (await bench.store.run(runId))?.signals[0]?.payload.blobs?.[0]?.key;
    expect(await (kept && (await bench.store.blobs.get(kept)))?.text()).toBe("text");
  });
});

describe("run.signal with a key", () => {
  it("is given once, however often it is sent, and replays its result", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const payload = { file: new Blob(["text"]) };
    expect(await signal(bench, runId, { idempotencyKey: "k", payload })).toEqual({ delivered: true });
    const blobs = await bench.store.blobs.list(runId);
    expect(await signal(bench, runId, { idempotencyKey: "k", payload })).toEqual({ delivered: true });
    expect((await bench.store.run(runId))?.signals).toEqual([]);
    expect(await bench.store.blobs.list(runId)).toEqual(blobs);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    expect(await signal(bench, runId, { idempotencyKey: "k", payload })).toEqual({ delivered: true });
  });

  it("is refused with another payload, and while the first is under way", async () => {
    const bench = waiting();
    const runId = await begin(bench);
    const first = signal(bench, runId, { idempotencyKey: "k" });
    await expect(signal(bench, runId, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_IN_PROGRESS",
    });
    await first;
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () =>
      signal(bench, runId, { idempotencyKey: "k", payload: 2 }),
    );
  });

  it("is given once where two kernels send it at the same time", async () => {
    const bench = waiting();
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    const results = await Promise.all(
      [bench, other].map((one) => signal(one, runId, { idempotencyKey: "k" })),
    );
    expect(results).toEqual([{ delivered: false }, { delivered: false }]);
    expect((await bench.store.run(runId))?.signals).toHaveLength(1);
  });
});
