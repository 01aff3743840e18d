import { describe, expect, it } from "vitest";
import {
  begin,
  execute,
  graphOf,
  kernelOf,
  outcome,
  RecordingSink,
  standing,
  typesOf,
} from "./kernel.test-helper.ts";

describe("a run by hand", () => {
  it("goes from created to completed, stage by stage", async () => {
    const bench = kernelOf([graphOf(["a", ["b", "c"], "d"])]);
    const { kernel } = bench;
    const created = await kernel.dispatch({
      type: "run.create",
      workflowId: "wf",
      input: { n: 1 },
      idempotencyKey: "k",
    });
    expect(created.status).toBe("PENDING");
    const runId = created.workflowRunId;
    const { claimed } = await kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    expect(claimed).toEqual([{ workflowRunId: runId, workflowId: "wf", jobIds: [`${runId}/a`] }]);
    expect(await execute(bench, runId, "a", { advance: false })).toEqual({
      outcome: "completed",
      output: "a",
    });
    expect(await kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "advanced",
      nextGroup: 1,
    });
    expect(await kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "noop",
    });
    await execute(bench, runId, "c", { advance: false });
    expect(await kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "noop",
    });
    await execute(bench, runId, "b", { advance: false });
    expect(await kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "advanced",
      nextGroup: 2,
    });
    await execute(bench, runId, "d", { advance: false });
    expect(await kernel.dispatch({ type: "run.transition", workflowRunId: runId })).toEqual({
      action: "completed",
    });
    expect(await standing(bench, runId)).toEqual({
      run: "COMPLETED",
      a: "COMPLETED",
      b: "COMPLETED",
      c: "COMPLETED",
      d: "COMPLETED",
    });
    expect(await typesOf(bench, runId)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "workflow:completed",
    ]);
  });

  it("folds the transition into the finish where the caller asks for it", async () => {
    const bench = kernelOf([graphOf([["a", "b"], "c"])]);
    const runId = await begin(bench);
    await Promise.all([execute(bench, runId, "a"), execute(bench, runId, "b")]);
    await execute(bench, runId, "c");
    expect((await standing(bench, runId)).run).toBe("COMPLETED");
  });

  it("gives a body the outputs that come before it, and its input", async () => {
    const bench = kernelOf([graphOf(["a", ["b", "c"], "d"], { d: { dependencies: ["a"] } })]);
    const runId = await begin(bench, "wf", { n: 7 });
    for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
    const [a, b, , d] = bench.executor.started;
    expect(a?.input).toEqual({ kind: "value", value: { n: 7 } });
    expect(a?.previous).toEqual([]);
    expect([...(b?.outputs ?? [])]).toEqual([["a", { kind: "value", value: "a" }]]);
    expect(d?.previous).toEqual(["b", "c"]);
    expect([...(d?.outputs.keys() ?? [])].sort()).toEqual(["a", "b", "c"]);
  });

  it("counts skipped stages as done", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    bench.executor.bodies.set("a", () => outcome({ kind: "skipped", reason: "nothing to do" }));
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "skipped" });
    await execute(bench, runId, "b");
    expect(await standing(bench, runId)).toEqual({ run: "COMPLETED", a: "SKIPPED", b: "COMPLETED" });
    expect(await typesOf(bench, runId)).toContain("stage:skipped");
  });
});

describe("delivery", () => {
  it("flushes by hand what was committed, once", async () => {
    const sink = new RecordingSink("audit");
    const bench = kernelOf([graphOf(["a"])], { sink });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await bench.kernel.dispatch({ type: "outbox.flush" })).toEqual({ published: 5 });
    expect(await bench.kernel.dispatch({ type: "outbox.flush" })).toEqual({ published: 0 });
    expect(sink.types("audit")).toEqual(await typesOf(bench, runId));
    expect((await bench.store.run(runId))?.run.delivered).toBe(true);
  });
});
