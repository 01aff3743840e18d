import { describe, expect, it } from "vitest";
import type { Entry, Store } from "../../ports/store.ts";
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
} from "../kernel.test-helper.ts";
import { snapshot } from "../watch.test-helper.ts";

const reapStuck = { type: "run.reapStuck" } as const;

/** What a broken disk or a careless hand does: rows go, the run stays. */
function lose(store: Store, runId: string, lost: Pick<Entry, "dropJobs" | "dropStages">) {
  return store.commit([{ id: "broken", runId, command: "test", guards: {}, events: [], ...lost }]);
}

describe("run.reapStuck", () => {
  it("mistake 4: never judges by age: no run that sleeps, waits, works or is queued is touched", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const slow = gate();
    const how = [
      () => suspends({ dueIn: 365 * 86_400_000 }),
      () => suspends({ signal: "go" }),
      slow.body,
      () => {
        throw new Error("again");
      },
    ];
    const executions: Promise<unknown>[] = [];
    for (const body of how) {
      const runId = await begin(bench);
      bench.executor.bodies.set("a", body);
      executions.push(execute(bench, runId, "a"));
      await settle();
    }
    await begin(bench);
    await create(bench);
    const leased = await begin(bench);
    await lease(bench, leased, "a");
    // Three days in which the lease of what is under way is renewed.
    for (let day = 0; day < 3; day += 1) await bench.clock.advance(3_600_000);
    const before = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 0, failed: 0 });
    expect(await snapshot(bench.store)).toEqual(before);
    slow.open("done");
    await Promise.all(executions);
  });

  it("moves on what only waits for its transition", async () => {
    const bench = kernelOf([graphOf([["a", "b"], "c"])]);
    const advancing = await begin(bench);
    for (const stageId of ["a", "b"]) await execute(bench, advancing, stageId, { advance: false });
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 1, failed: 0 });
    expect(await headOf(bench, advancing)).toMatchObject({
      group: 1,
      status: "RUNNING",
      remaining: 1,
      active: 1,
    });
    await execute(bench, advancing, "c", { advance: false });
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 1, failed: 0 });
    expect((await headOf(bench, advancing)).status).toBe("COMPLETED");
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 0, failed: 0 });
  });

  it("ends a run whose failing stage left it waiting", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", () => {
      throw new TypeError("no");
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a", { advance: false });
    await bench.kernel.dispatch(reapStuck);
    expect(await headOf(bench, runId)).toMatchObject({
      status: "FAILED",
      error: { message: "no", stageId: "a" },
    });
  });

  it("fails a run that lost rows, and names what is missing", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await lose(bench.store, runId, { dropJobs: ["b"] });
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 0, failed: 1 });
    const run = await headOf(bench, runId);
    expect(run).toMatchObject({ status: "FAILED", error: { code: "RUN_STUCK" }, remaining: 0, active: 0 });
    expect(run.error?.message).toContain("b");
    expect((await typesOf(bench, runId)).at(-1)).toBe("workflow:failed");
  });

  it("fails a run that lost the job of a suspended stage: its record alone can't move it", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await lose(bench.store, runId, { dropJobs: ["a"] });
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 0, failed: 1 });
    expect(await headOf(bench, runId)).toMatchObject({ status: "FAILED", error: { code: "RUN_STUCK" } });
  });

  it("waits as long as asked for before it mends", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    await execute(bench, runId, "a", { advance: false });
    const patient = { ...reapStuck, stuckThresholdMs: 5000 } as const;
    expect(await bench.kernel.dispatch(patient)).toEqual({ transitioned: 0, failed: 0 });
    await bench.clock.advance(5000);
    expect(await bench.kernel.dispatch(patient)).toEqual({ transitioned: 1, failed: 0 });
  });

  it("leaves a run alone that was moved after it was read", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    const other = kernelOf([graphOf(["a", "b"])], { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    await execute(bench, runId, "a", { advance: false });
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await other.kernel.dispatch({ type: "run.transition", workflowRunId: runId });
    };
    expect(await bench.kernel.dispatch(reapStuck)).toEqual({ transitioned: 0, failed: 0 });
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "COMPLETED" });
    expect((await jobOf(bench, runId, "b")).attempt).toBe(0);
  });
});
