import { describe, expect, it } from "vitest";
import { givenOf, runOf, startedJob } from "../decide.test-helper.ts";
import {
  begin,
  execute,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  suspends,
  typesOf,
} from "../kernel.test-helper.ts";
import { commandsOf, deepFreeze, expectRefused } from "../watch.test-helper.ts";
import { decideStart } from "./job-execute-start.ts";

const claimed = startedJob("a", { started: false, attempt: 0, startedAt: null });

describe("decideStart", () => {
  it("is a function of its arguments alone, and leaves them as they are", () => {
    const state = deepFreeze({ run: runOf(), job: claimed, key: null });
    expect(decideStart(state, givenOf()).entry).toEqual(decideStart(state, givenOf()).entry);
  });

  it("counts the attempt under the run's epoch and the job's token, and needs no version", () => {
    const { entry } = decideStart({ run: runOf(), job: claimed, key: null }, givenOf());
    expect(entry?.guards).toEqual({ epoch: 1, jobs: [{ stageId: "a", token: 4, attempt: 0 }] });
    expect(entry?.jobs?.[0]).toMatchObject({
      attempt: 1,
      started: true,
      token: 4,
      leaseUntil: { in: 30_000 },
    });
    expect(entry).not.toHaveProperty("state");
  });

  it("makes a resumed stage active again and wakes its run, guarded by the version", () => {
    const job = startedJob("a", {
      started: false,
      suspended: true,
      resumes: true,
      signal: "go",
      deadlineAt: 99,
    });
    const { entry } = decideStart(
      { run: runOf({ status: "SUSPENDED", active: 0 }), job, key: null },
      givenOf(),
    );
    expect(entry?.guards.version).toBe(3);
    expect(entry?.state?.status).toBe("RUNNING");
    expect(entry?.counters).toEqual({ add: { remaining: 0, active: 1 } });
    expect(entry?.jobs?.[0]).toMatchObject({
      suspended: false,
      resumes: true,
      signal: null,
      // A body that suspends again goes on with its first deadline.
      deadlineAt: 99,
    });
    expect(entry?.events[0]).toMatchObject({ type: "stage:started", payload: { resumed: true } });
  });
});

describe("the start of an execution", () => {
  it("is committed before the body begins, so that observers see it", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    const seen: unknown[] = [];
    bench.executor.bodies.set("a", async () => {
      seen.push(await typesOf(bench, runId), await jobOf(bench, runId, "a"));
    });
    await execute(bench, runId, "a");
    expect(seen).toEqual([
      ["workflow:created", "workflow:started", "stage:started"],
      expect.objectContaining({ started: true, attempt: 1, token: 1, startedAt: bench.clock.now() }),
    ]);
    const started = (await bench.store.events({ run: runId })).find(({ type }) => type === "stage:started");
    expect(started?.payload).toEqual({
      stageId: "a",
      epoch: 1,
      attempt: 1,
      worker: expect.stringMatching(/^kernel-/),
    });
  });

  it("claims the job where the caller has no token, and in the kernel's own name", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    let worker: string | null = null;
    bench.executor.bodies.set("a", async () => {
      ({ worker } = await jobOf(bench, runId, "a"));
    });
    await execute(bench, runId, "a");
    expect(worker).toBe(bench.kernel.ports.name);
    expect(commandsOf(bench.watch).filter((command) => command === "job.execute")).toHaveLength(2);
  });

  it("never happens for a lease that was lost before it", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    bench.watch.afterLoad = async ({ of }) => {
      if (of !== "run") return;
      bench.watch.afterLoad = null;
      await bench.store.jobs.release({ leases: [{ runId, stageId: "a", epoch: 1, token }] });
    };
    expect(await execute(bench, runId, "a", { token })).toEqual({ outcome: "failed", ghost: true });
    expect(bench.executor.started).toEqual([]);
    expect(await typesOf(bench, runId)).not.toContain("stage:started");
  });

  it("never happens for a run that was cancelled after its job was claimed", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const other = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await other.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    };
    expect(await execute(bench, runId, "a", { token })).toMatchObject({ ghost: true });
    expect(bench.executor.started).toEqual([]);
  });

  it("happens once under one token, however many callers hold it", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const other = kernelOf([graphOf(["a"])], {
      store: bench.store,
      clock: bench.clock,
      executor: bench.executor,
    });
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    const results = await Promise.all([bench, other].map((one) => execute(one, runId, "a", { token })));
    expect(bench.executor.started).toHaveLength(1);
    expect(results.filter(({ ghost }) => ghost === true)).toHaveLength(1);
    expect(results).toContainEqual({ outcome: "completed", output: "a" });
  });

  it("wakes a SUSPENDED run", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    let status = "";
    bench.executor.bodies.set("a", async (task) => {
      if (task.resume === null) return suspends({ dueIn: 1000 });
      ({ status } = await headOf(bench, task.runId));
      return "done";
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    expect(await headOf(bench, runId)).toMatchObject({ status: "SUSPENDED", remaining: 1, active: 0 });
    await bench.clock.advance(1000);
    await execute(bench, runId, "a");
    expect(status).toBe("RUNNING");
    expect(await headOf(bench, runId)).toMatchObject({ status: "COMPLETED", remaining: 0, active: 0 });
  });
});

describe("job.execute is refused, and changes nothing,", () => {
  const graphs = [graphOf([["a", "b"], "c"])];

  it("for a run that doesn't exist", async () => {
    const bench = kernelOf(graphs);
    await begin(bench);
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => execute(bench, "nobody", "a"));
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => execute(bench, "nobody", "a", { token: 1 }));
  });

  it("for a stage that the workflow doesn't have, and names those that it has", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    const error = await expectRefused(bench.store, "UNKNOWN_STAGE", () => execute(bench, runId, "z"));
    expect(error.message).toContain("a, b, c");
  });

  it("for a workflow that isn't the run's", async () => {
    const bench = kernelOf([...graphs, graphOf(["a"], {}, "other")]);
    const runId = await begin(bench);
    const error = await expectRefused(bench.store, "INVALID_COMMAND", () =>
      bench.kernel.dispatch({
        type: "job.execute",
        workflowRunId: runId,
        workflowId: "other",
        stageId: "a",
        config: undefined,
      }),
    );
    expect(error).toMatchObject({ field: "workflowId" });
  });

  it("for a stage whose group has not begun", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await expectRefused(bench.store, "JOB_NOT_DUE", () => execute(bench, runId, "c"));
  });

  it("for a stage that is done", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const error = await expectRefused(bench.store, "JOB_NOT_DUE", () => execute(bench, runId, "a"));
    expect(error.message).toContain("COMPLETED");
  });

  it("for a stage that waits for a signal", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", () => suspends({ signal: "go" }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const error = await expectRefused(bench.store, "JOB_NOT_DUE", () => execute(bench, runId, "a"));
    expect(error.message).toContain("SUSPENDED");
  });

  it("for a stage that another worker leases", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a", "somebody");
    const error = await expectRefused(bench.store, "JOB_LEASED", () => execute(bench, runId, "a"));
    expect(error.message).toContain("somebody");
    await expectRefused(bench.store, "JOB_LEASED", () => execute(bench, runId, "a", { token: token + 1 }));
    await expectRefused(bench.store, "JOB_LEASED", () => execute(bench, runId, "b", { token: 1 }));
  });

  it("takes a job in back-off, which is nobody's", async () => {
    const bench = kernelOf(graphs);
    let tries = 0;
    bench.executor.bodies.set("a", () => {
      tries += 1;
      if (tries === 1) throw new Error("no");
      return "yes";
    });
    const runId = await begin(bench);
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "failed", retryable: true });
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "yes" });
  });
});
