import { describe, expect, it } from "vitest";
import type { Job } from "../model.ts";
import {
  type Bench,
  begin,
  execute,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  RecordingSink,
  typesOf,
} from "./kernel.test-helper.ts";
import { commandsOf } from "./watch.test-helper.ts";

/** Drives a run as a host does: what a finish leased is executed next. */
async function drive(bench: Bench, first: readonly Job[], slots = 0): Promise<void> {
  const queue = [...first];
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const { next } = await bench.kernel.host.execute(job, slots);
    queue.push(...next);
  }
}

const start = ({ kernel }: Bench, slots = 1) =>
  kernel.host.start(
    { type: "run.create", workflowId: "wf", input: 1, idempotencyKey: "k" },
    { workerId: "w", slots },
  );

describe("chaining", () => {
  it("costs a pipe one commit a stage, and one for its creation, claim and first start", async () => {
    const bench = kernelOf([graphOf(["a", "b", "c"])]);
    const { result, next } = await start(bench);
    await drive(bench, next);
    expect(await headOf(bench, result.workflowRunId)).toMatchObject({ status: "COMPLETED", delivered: true });
    expect(commandsOf(bench.watch)).toEqual(["run.create", "job.execute", "job.execute", "job.execute"]);
    expect(bench.watch.commits).toHaveLength(4);
    expect(await typesOf(bench, result.workflowRunId)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "workflow:completed",
    ]);
  });

  it("costs delivery to a subscriber one small commit a run", async () => {
    const bench = kernelOf([graphOf(["a", "b", "c"])], { sink: new RecordingSink("audit") });
    bench.kernel.host.deliverEagerly();
    const { result, next } = await start(bench);
    await drive(bench, next);
    await bench.kernel.host.stop();
    expect(bench.sink.types("audit")).toEqual(await typesOf(bench, result.workflowRunId));
    expect(commandsOf(bench.watch)).toEqual([
      "run.create",
      "job.execute",
      "job.execute",
      "job.execute",
      "outbox.flush",
    ]);
    expect((await headOf(bench, result.workflowRunId)).delivered).toBe(true);
  });

  it("shares commits with neighbours: ten runs side by side cost no more commits than one", async () => {
    const bench = kernelOf([graphOf(["a", "b", "c"])]);
    const runs = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        bench.kernel.host.start(
          { type: "run.create", workflowId: "wf", input: 1, idempotencyKey: `k${n}` },
          { workerId: "w", slots: 1 },
        ),
      ),
    );
    await Promise.all(runs.map(({ next }) => drive(bench, next)));
    for (const { result } of runs)
      expect((await headOf(bench, result.workflowRunId)).status).toBe("COMPLETED");
    expect(bench.watch.commits.length).toBeLessThanOrEqual(8);
  });

  it("leases the next group to the same worker, as far as it has room, and leaves the rest in the queue", async () => {
    const bench = kernelOf([graphOf(["a", ["b", "c", "d"]])]);
    const { result, next } = await start(bench);
    const [job] = next;
    if (job === undefined) throw new Error("nothing was leased");
    const done = await bench.kernel.host.execute(job, 1);
    expect(done.result).toEqual({ outcome: "completed", output: "a" });
    expect(
      done.next.map(({ stageId, worker, attempt, started }) => ({ stageId, worker, attempt, started })),
    ).toEqual([
      { stageId: "b", worker: "w", attempt: 1, started: true },
      { stageId: "c", worker: "w", attempt: 1, started: true },
    ]);
    expect(await jobOf(bench, result.workflowRunId, "d")).toMatchObject({ worker: null, started: false });
    await drive(bench, done.next);
    const { jobs } = await bench.kernel.host.claim({ workerId: "w", limit: 5 });
    expect(jobs.map(({ stageId }) => stageId)).toEqual(["d"]);
    await drive(bench, jobs);
    expect((await headOf(bench, result.workflowRunId)).status).toBe("COMPLETED");
  });

  it("goes on from the last of siblings that finish at the same moment, whoever that is", async () => {
    const bench = kernelOf([graphOf([["a", "b", "c"], "d"])]);
    const { result, next } = await start(bench, 3);
    const finished = await Promise.all(next.map((job) => bench.kernel.host.execute(job, 0)));
    const chained = finished.flatMap((one) => one.next);
    expect(chained.map(({ stageId }) => stageId)).toEqual(["d"]);
    await drive(bench, chained);
    expect((await headOf(bench, result.workflowRunId)).status).toBe("COMPLETED");
    expect(bench.executor.started.map(({ stage }) => stage.id)).toEqual(["a", "b", "c", "d"]);
  });

  it("isn't done by hand: there the next jobs stay in the queue", async () => {
    const bench = kernelOf([graphOf(["a", "b"])]);
    const runId = await begin(bench);
    await execute(bench, runId, "a", { token: await lease(bench, runId, "a") });
    expect(await jobOf(bench, runId, "b")).toMatchObject({ worker: null, attempt: 0 });
  });

  it("hands a worker only what it asks for: due jobs of stages that it has code for, by priority", async () => {
    const bench = kernelOf([graphOf(["a"]), graphOf(["a"], {}, "other")]);
    const here = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock });
    for (const [workflowId, priority] of [
      ["wf", 0],
      ["other", 9],
      ["wf", 5],
    ] as const) {
      await bench.kernel.dispatch({
        type: "run.create",
        workflowId,
        input: priority,
        idempotencyKey: `${workflowId} ${priority}`,
        priority,
      });
    }
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    const { jobs, nextDueAt } = await here.kernel.host.claim({ workerId: "w", limit: 1 });
    expect(jobs.map(({ workflowId, priority }) => ({ workflowId, priority }))).toEqual([
      { workflowId: "wf", priority: 5 },
    ]);
    expect(nextDueAt).toBe(bench.clock.now());
    expect((await here.kernel.host.claim({ workerId: "w", limit: 9 })).jobs).toHaveLength(1);
  });
});
