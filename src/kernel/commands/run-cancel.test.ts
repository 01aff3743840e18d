import { describe, expect, it } from "vitest";
import { givenOf, loadedOf, runOf, startedJob } from "../decide.test-helper.ts";
import {
  begin,
  create,
  execute,
  gate,
  graphOf,
  headOf,
  kernelOf,
  settle,
  standing,
  suspends,
  typesOf,
} from "../kernel.test-helper.ts";
import { deepFreeze, expectRefused, snapshot } from "../watch.test-helper.ts";
import { decideCancel } from "./run-cancel.ts";

const graphs = [graphOf([["a", "b", "c"], "d"])];
const cancel = (workflowRunId: string, reason?: string) =>
  ({ type: "run.cancel", workflowRunId, ...(reason === undefined ? {} : { reason }) }) as const;

describe("decideCancel", () => {
  it("is a function of its arguments alone, guarded by the version, the counter and the list of subscribers", () => {
    const loaded = deepFreeze(loadedOf({ run: runOf(), jobs: [startedJob("a")] }));
    const given = givenOf({ registry: { version: 4, subscribers: [] } });
    const decide = () => decideCancel(cancel("run"), loaded, given).entry;
    expect(decide()).toEqual(decide());
    expect(decide()?.guards).toEqual({ version: 3, remaining: 1, registry: 4 });
  });
});

describe("run.cancel", () => {
  it("cancels run, open stages and jobs in one commit", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", () => suspends({ signal: "go" }));
    bench.executor.bodies.set("b", () => "kept");
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    const commits = bench.watch.commits.length;
    expect(await bench.kernel.dispatch(cancel(runId, "changed my mind"))).toEqual({ cancelled: true });
    expect(bench.watch.commits).toHaveLength(commits + 1);
    const found = await bench.store.run(runId);
    expect(await standing(bench, runId)).toEqual({
      run: "CANCELLED",
      a: "CANCELLED",
      b: "COMPLETED",
      c: "CANCELLED",
    });
    expect(found?.jobs).toEqual([]);
    expect(found?.run).toMatchObject({ remaining: 0, active: 0, settledAt: bench.clock.now() });
    expect(found?.stages.find(({ stageId }) => stageId === "c")).toMatchObject({ reason: "changed my mind" });
    const last = (await bench.store.events({ run: runId })).at(-1);
    expect(last).toMatchObject({
      type: "workflow:cancelled",
      payload: { epoch: 1, reason: "changed my mind" },
    });
  });

  it("cancels a run that hasn't begun or is asleep", async () => {
    const bench = kernelOf(graphs);
    const pending = await create(bench);
    await bench.kernel.dispatch(cancel(pending));
    expect((await headOf(bench, pending)).status).toBe("CANCELLED");
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    const asleep = await begin(bench);
    for (const stageId of ["a", "b", "c"]) await execute(bench, asleep, stageId);
    expect((await headOf(bench, asleep)).status).toBe("SUSPENDED");
    await bench.kernel.dispatch(cancel(asleep));
    expect(await standing(bench, asleep)).toEqual({
      run: "CANCELLED",
      a: "CANCELLED",
      b: "COMPLETED",
      c: "COMPLETED",
    });
    await bench.clock.advance(10_000);
    expect((await bench.kernel.host.claim({ workerId: "w", limit: 9 })).jobs).toEqual([]);
  });

  it("leaves a settled run as it is", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
    const before = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(cancel(runId))).toEqual({ cancelled: false });
    expect(await snapshot(bench.store)).toEqual(before);
    const other = await create(bench);
    await bench.kernel.dispatch(cancel(other));
    expect(await bench.kernel.dispatch(cancel(other))).toEqual({ cancelled: false });
  });

  it("is refused for a run that doesn't exist", async () => {
    const bench = kernelOf(graphs);
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => bench.kernel.dispatch(cancel("nobody")));
  });

  it("aborts bodies that run here at once, without waiting for a heartbeat, and their late results are ghosts", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const execution = execute(bench, runId, "a");
    await settle();
    await bench.kernel.dispatch(cancel(runId));
    expect(await execution).toEqual({ outcome: "cancelled", ghost: true });
    const before = await snapshot(bench.store);
    slow.open("late");
    await settle();
    expect(await snapshot(bench.store)).toEqual(before);
    expect((await typesOf(bench, runId)).at(-1)).toBe("workflow:cancelled");
  });

  it("aborts no body of another run", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const [mine, other] = [await begin(bench), await begin(bench)];
    const executions = [execute(bench, mine, "a"), execute(bench, other, "a")];
    await settle();
    await bench.kernel.dispatch(cancel(mine));
    slow.open("done");
    expect(await Promise.all(executions)).toEqual([
      { outcome: "cancelled", ghost: true },
      { outcome: "completed", output: "done" },
    ]);
  });

  it("reaches bodies elsewhere with the answer to their next heartbeat", async () => {
    const here = kernelOf(graphs);
    const there = kernelOf(graphs, { store: here.store, clock: here.clock });
    const slow = gate();
    there.executor.bodies.set("a", slow.body);
    const runId = await begin(here);
    const execution = execute(there, runId, "a");
    await settle();
    await here.kernel.dispatch(cancel(runId));
    const quick = Promise.race([execution, settle().then(() => "still under way")]);
    expect(await quick).toBe("still under way");
    await here.clock.advance(10_000);
    expect(await execution).toMatchObject({ ghost: true });
  });

  it("overwrites no output of a sibling that completes at the same time", async () => {
    const here = kernelOf(graphs);
    const there = kernelOf(graphs, { store: here.store, clock: here.clock });
    const runId = await begin(here);
    here.watch.afterLoad = async () => {
      here.watch.afterLoad = null;
      await execute(there, runId, "a");
    };
    await here.kernel.dispatch(cancel(runId));
    const record = (await here.store.run(runId))?.stages.find(({ stageId }) => stageId === "a");
    expect(record).toMatchObject({ status: "COMPLETED", output: { value: "a" } });
    expect(await standing(here, runId)).toEqual({
      run: "CANCELLED",
      a: "COMPLETED",
      b: "CANCELLED",
      c: "CANCELLED",
    });
  });

  it("is one of two things to a run whose last stage completes at the same time: before it or too late", async () => {
    const here = kernelOf([graphOf(["a"])]);
    const there = kernelOf([graphOf(["a"])], { store: here.store, clock: here.clock });
    const runId = await begin(here);
    const [finished, { cancelled }] = await Promise.all([
      execute(there, runId, "a"),
      here.kernel.dispatch(cancel(runId)),
    ]);
    expect((await headOf(here, runId)).status).toBe(cancelled ? "CANCELLED" : "COMPLETED");
    expect(finished.ghost ?? false).toBe(cancelled);
  });
});
