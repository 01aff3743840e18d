import { describe, expect, it } from "vitest";
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
  standing,
  suspends,
  typesOf,
  type Bench,
} from "../kernel.test-helper.ts";
import { givenOf, loadedOf, runOf, startedJob } from "../decide.test-helper.ts";
import { expectRefused } from "../watch.test-helper.ts";
import { recordOf } from "./job-execute-finish.ts";
import { decideRerun } from "./run-rerun-from.ts";

const graphs = [graphOf(["a", ["b", "c"], "d"])];
const rerun = (
  workflowRunId: string,
  fromStageId: string,
  more: { force?: boolean; idempotencyKey?: string } = {},
) => ({ type: "run.rerunFrom", workflowRunId, fromStageId, ...more }) as const;

/** A run that went through, each output telling its epoch. */
async function completed(): Promise<{ bench: Bench; runId: string }> {
  const bench = kernelOf(graphs);
  for (const stageId of ["a", "b", "c", "d"]) {
    bench.executor.bodies.set(stageId, (task) => `${stageId} of epoch ${task.epoch}`);
  }
  const runId = await begin(bench);
  for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
  return { bench, runId };
}

describe("decideRerun", () => {
  it("drops records by the graph: a stage that suspended after the read has one that no guard tells of", () => {
    const graph = graphOf(["a", ["b", "c"], "d"]);
    const run = runOf({ status: "RUNNING", group: 1, remaining: 2, active: 2 });
    const job = startedJob("a");
    const a = { ...recordOf({ job }, { status: "COMPLETED" }), startedAt: 1, endedAt: 2 };
    const command = rerun(run.id, "b", { force: true });
    const { entry } = decideRerun(command, "", loadedOf({ run, graph, stages: [a] }), givenOf());
    expect(entry?.dropStages).toEqual(["b", "c", "d"]);
  });
});

describe("run.rerunFrom", () => {
  it("raises the epoch, deletes the records of the stage's group and later ones, keeps earlier outputs, re-queues", async () => {
    const { bench, runId } = await completed();
    expect(await bench.kernel.dispatch(rerun(runId, "c"))).toEqual({
      workflowRunId: runId,
      fromStageId: "c",
      deletedStages: ["b", "c", "d"],
    });
    expect(await standing(bench, runId)).toEqual({ run: "PENDING", a: "COMPLETED" });
    expect(await headOf(bench, runId)).toMatchObject({
      epoch: 2,
      group: 1,
      settledAt: null,
      delivered: false,
    });
    const { claimed } = await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    expect(claimed[0]?.jobIds).toEqual([`${runId}/b`, `${runId}/c`]);
    expect(await jobOf(bench, runId, "b")).toMatchObject({ epoch: 2, attempt: 0, failures: 0, crashes: 0 });
    for (const stageId of ["b", "c", "d"]) await execute(bench, runId, stageId);
    expect((await headOf(bench, runId)).status).toBe("COMPLETED");
    const outputs = (await bench.store.run(runId))?.stages.map(({ stageId, epoch, output }) => ({
      stageId,
      epoch,
      output,
    }));
    expect(outputs).toEqual([
      { stageId: "a", epoch: 1, output: { kind: "value", value: "a of epoch 1" } },
      { stageId: "b", epoch: 2, output: { kind: "value", value: "b of epoch 2" } },
      { stageId: "c", epoch: 2, output: { kind: "value", value: "c of epoch 2" } },
      { stageId: "d", epoch: 2, output: { kind: "value", value: "d of epoch 2" } },
    ]);
    const task = bench.executor.started.at(-1);
    expect(
      [...(task?.outputs.values() ?? [])].map((payload) => payload?.kind === "value" && payload.value),
    ).toEqual(["b of epoch 2", "c of epoch 2", "a of epoch 1"]);
    const started = (await bench.store.events({ run: runId })).filter(
      ({ type }) => type === "workflow:started",
    );
    expect(started.map(({ payload }) => payload)).toEqual([
      { epoch: 1, group: 0 },
      { epoch: 2, group: 1 },
    ]);
  });

  it("keeps old attempts readable under their epoch until the run is purged", async () => {
    const { bench, runId } = await completed();
    await bench.kernel.dispatch(rerun(runId, "d"));
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(bench, runId, "d");
    await bench.kernel.dispatch(rerun(runId, "a"));
    const past = await bench.store.past(runId);
    expect(past.map(({ stageId, epoch }) => `${stageId} ${epoch}`).sort()).toEqual([
      "a 1",
      "b 1",
      "c 1",
      "d 1",
      "d 2",
    ]);
    expect(past.find(({ stageId }) => stageId === "b")?.output).toEqual({
      kind: "value",
      value: "b of epoch 1",
    });
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    await bench.kernel.dispatch({ type: "run.purge" });
    expect(await bench.store.past(runId)).toEqual([]);
  });

  it("also takes a FAILED and a CANCELLED run, and forgets the error", async () => {
    const bench = kernelOf(graphs);
    let broken = true;
    bench.executor.bodies.set("a", () => {
      if (broken) throw new TypeError("no");
      return "mended";
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect((await headOf(bench, runId)).status).toBe("FAILED");
    broken = false;
    expect(await bench.kernel.dispatch(rerun(runId, "a"))).toMatchObject({ deletedStages: ["a"] });
    expect(await headOf(bench, runId)).toMatchObject({ status: "PENDING", error: null });
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    await bench.kernel.dispatch(rerun(runId, "a"));
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
    expect(await headOf(bench, runId)).toMatchObject({ status: "COMPLETED", epoch: 3 });
  });

  it("is refused for what isn't there or isn't settled, and changes nothing", async () => {
    const { bench, runId } = await completed();
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => bench.kernel.dispatch(rerun("nobody", "a")));
    await expectRefused(bench.store, "UNKNOWN_STAGE", () => bench.kernel.dispatch(rerun(runId, "z")));
    const live = await begin(bench);
    await expectRefused(bench.store, "RUN_NOT_SETTLED", () => bench.kernel.dispatch(rerun(live, "a")));
    const pending = await create(bench);
    await expectRefused(bench.store, "RUN_NOT_SETTLED", () => bench.kernel.dispatch(rerun(pending, "a")));
  });

  it("is refused from a stage whose earlier outputs aren't there, and names the missing one", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("b", () => {
      throw new TypeError("no");
    });
    const runId = await begin(bench);
    for (const stageId of ["a", "c", "b"]) await execute(bench, runId, stageId);
    const error = await expectRefused(bench.store, "MISSING_OUTPUT", () =>
      bench.kernel.dispatch(rerun(runId, "d", { force: true })),
    );
    expect(error.message).toContain('"b"');
  });

  it("voids what is under way where it is forced: the old body is aborted, its token worth nothing", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    const late = gate();
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    bench.executor.bodies.set("b", slow.body);
    other.executor.bodies.set("c", late.body);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const here = execute(bench, runId, "b");
    const there = execute(other, runId, "c");
    await settle();
    const token = (await jobOf(bench, runId, "c")).token;
    await bench.kernel.dispatch(rerun(runId, "b", { force: true }));
    expect(await here).toEqual({ outcome: "failed", ghost: true });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    // Tokens go on over epochs, so that the old one opens nothing, whoever shows it.
    const fresh = await lease(bench, runId, "c");
    expect(fresh).toBeGreaterThan(token);
    await expect(execute(bench, runId, "c", { token })).rejects.toMatchObject({ code: "JOB_LEASED" });
    late.open("from the old epoch");
    expect(await there).toEqual({ outcome: "completed", ghost: true });
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "COMPLETED" });
    expect(await execute(bench, runId, "c", { token: fresh })).toEqual({ outcome: "completed", output: "c" });
  });

  it("wakes nothing that slept in the old epoch", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", (task) =>
      task.epoch === 1 ? suspends({ dueIn: 1000, state: 1 }) : { resume: task.resume },
    );
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.kernel.dispatch(rerun(runId, "a", { force: true }));
    expect((await bench.store.run(runId))?.jobs).toEqual([]);
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: { resume: null } });
  });

  it("gives no outputs of the old epoch to a kernel that remembers them", async () => {
    const one = kernelOf(graphs);
    const two = kernelOf(graphs, { store: one.store, clock: one.clock, executor: one.executor });
    for (const stageId of ["a", "b", "c", "d"])
      one.executor.bodies.set(stageId, (task) => `${stageId} of epoch ${task.epoch}`);
    const runId = await begin(one);
    await execute(one, runId, "a");
    // From here on `one` remembers a run in its first epoch; all else happens elsewhere.
    for (const stageId of ["b", "c", "d"]) await execute(two, runId, stageId);
    await two.kernel.dispatch(rerun(runId, "a"));
    await two.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(two, runId, "a");
    await execute(one, runId, "b");
    expect(one.executor.started.at(-1)?.outputs.get("a")).toEqual({ kind: "value", value: "a of epoch 2" });
  });
});

describe("a rerun that others come before", () => {
  it("takes along a sibling's record that was completed after it was read", async () => {
    const bench = kernelOf(graphs);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await execute(other, runId, "c");
    };
    expect(await bench.kernel.dispatch(rerun(runId, "b", { force: true }))).toMatchObject({
      deletedStages: ["c"],
    });
    expect(await standing(bench, runId)).toEqual({ run: "PENDING", a: "COMPLETED" });
    expect((await bench.store.past(runId)).map(({ stageId }) => stageId)).toEqual(["c"]);
  });

  it("happens once where two kernels want it: the second finds a live run", async () => {
    const { bench, runId } = await completed();
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const results = await Promise.allSettled(
      [bench, other].map(({ kernel }) => kernel.dispatch(rerun(runId, "a"))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "RUN_NOT_SETTLED" },
    });
    expect((await headOf(bench, runId)).epoch).toBe(2);
  });
});

describe("run.rerunFrom with a key", () => {
  it("reruns once, and replays its result even when the run has been rerun since", async () => {
    const { bench, runId } = await completed();
    const first = await bench.kernel.dispatch(rerun(runId, "d", { idempotencyKey: "k" }));
    expect(await bench.kernel.dispatch(rerun(runId, "d", { idempotencyKey: "k" }))).toEqual(first);
    expect((await headOf(bench, runId)).epoch).toBe(2);
    await bench.kernel.dispatch(rerun(runId, "a", { force: true }));
    expect(await bench.kernel.dispatch(rerun(runId, "d", { idempotencyKey: "k" }))).toEqual(first);
    expect((await headOf(bench, runId)).epoch).toBe(3);
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () =>
      bench.kernel.dispatch(rerun(runId, "a", { idempotencyKey: "k" })),
    );
  });

  it("reruns once where two kernels are told to at the same time", async () => {
    const { bench, runId } = await completed();
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const results = await Promise.all(
      [bench, other].map(({ kernel }) => kernel.dispatch(rerun(runId, "a", { idempotencyKey: "k" }))),
    );
    expect(results[0]).toEqual(results[1]);
    expect((await headOf(bench, runId)).epoch).toBe(2);
    const same = bench.kernel.dispatch(rerun(runId, "a", { idempotencyKey: "k2", force: true }));
    await expect(
      bench.kernel.dispatch(rerun(runId, "a", { idempotencyKey: "k2", force: true })),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
    await same;
    expect((await typesOf(bench, runId)).at(-1)).toBe("workflow:completed");
  });
});
