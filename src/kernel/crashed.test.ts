import { describe, expect, it } from "vitest";
import {
  begin,
  type Bench,
  execute,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  outcome,
  standing,
  suspends,
  typesOf,
} from "./kernel.test-helper.ts";

const crash = outcome({ kind: "crashed" });

/** A run whose first stage's worker dies under it as often as it is executed. */
async function dying(graph = graphOf(["a", "b"])): Promise<{ bench: Bench; runId: string }> {
  const bench = kernelOf([graph]);
  bench.executor.bodies.set("a", () => crash);
  return { bench, runId: await begin(bench) };
}

describe("an execution whose worker died", () => {
  it("is back in the queue at once, counted as a crash and told of as a death", async () => {
    const { bench, runId } = await dying();
    const token = await lease(bench, runId, "a", "w1");
    const result = await execute(bench, runId, "a", { token });
    expect(result).toEqual({ outcome: "failed", ghost: true });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      worker: null,
      started: false,
      token: token + 1,
      attempt: 1,
      crashes: 1,
      failures: 0,
      dueAt: bench.clock.now(),
    });
    const last = (await bench.store.events({ run: runId })).at(-1);
    expect(last).toMatchObject({ type: "lease:reaped", payload: { worker: "w1", cause: "dead" } });
    bench.executor.bodies.delete("a");
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "completed" });
    expect(bench.executor.started.map(({ attempt, worker }) => [attempt, worker])).toEqual([
      [1, "w1"],
      [2, bench.kernel.ports.name],
    ]);
  });

  it("wakes who drives the kernel, by the commit that frees the job", async () => {
    const { bench, runId } = await dying();
    const freed: unknown[] = [];
    bench.kernel.host.onCommitted((entry) => freed.push(...(entry.jobs ?? [])));
    await execute(bench, runId, "a");
    expect(freed.at(-1)).toMatchObject({ stageId: "a", worker: null, kind: "execute", dueAt: { in: 0 } });
  });

  it("is quarantined after maxCrashes, and the run fails", async () => {
    const { bench, runId } = await dying(graphOf(["a", "b"], { a: { policy: { maxCrashes: 2 } } }));
    await execute(bench, runId, "a");
    await execute(bench, runId, "a");
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED" });
    expect((await headOf(bench, runId)).error).toMatchObject({ code: "QUARANTINED", stageId: "a" });
    expect((await typesOf(bench, runId)).slice(-3)).toEqual([
      "lease:reaped",
      "stage:failed",
      "workflow:failed",
    ]);
  });

  it("doesn't keep its lease by a heartbeat that was under way", async () => {
    const { bench, runId } = await dying();
    const token = await lease(bench, runId, "a", "w1");
    let beats = 0;
    bench.watch.afterLoad = async (scope, { runs }) => {
      const job = runs[0]?.jobs[0];
      if (scope.of !== "run" || job?.started !== true || beats > 1) return;
      beats += 1;
      await bench.clock.advance(10);
      await bench.store.jobs.heartbeat({ leases: [job], leaseFor: 30_000 });
    };
    await execute(bench, runId, "a", { token });
    expect(beats).toBe(2);
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, crashes: 1 });
  });

  it("changes nothing where its lease was over before", async () => {
    const { bench, runId } = await dying();
    bench.executor.bodies.set("a", async () => {
      await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
      return crash;
    });
    expect(await execute(bench, runId, "a")).toMatchObject({ ghost: true });
    expect(await standing(bench, runId)).toMatchObject({ run: "CANCELLED" });
    expect(await typesOf(bench, runId)).not.toContain("lease:reaped");
  });

  it("is not another's: who took the job over after a reap keeps it", async () => {
    const { bench, runId } = await dying();
    let other = 0;
    bench.executor.bodies.set("a", async () => {
      bench.watch.beats = false;
      await bench.clock.advance(30_000);
      await bench.kernel.dispatch({ type: "lease.reapStale", staleThresholdMs: 30_000 });
      other = await lease(bench, runId, "a", "w2");
      return crash;
    });
    await execute(bench, runId, "a", { token: await lease(bench, runId, "a", "w1") });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: "w2", token: other, crashes: 1 });
  });
});

describe("a completion check whose worker died", () => {
  it("is asked again, and quarantined after maxCrashes", async () => {
    const bench = kernelOf([graphOf(["a"], { a: { checks: true, policy: { maxCrashes: 2 } } })]);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    bench.executor.checks.set("a", () => ({ kind: "crashed" }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    const poll = { type: "stage.pollSuspended" } as const;
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1, resumed: 0, failed: 0 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ kind: "check", crashes: 1, worker: null });
    expect(await bench.kernel.dispatch(poll)).toMatchObject({ checked: 1 });
    expect((await headOf(bench, runId)).error).toMatchObject({ code: "QUARANTINED" });
  });
});

describe("an output of which only the payload came back", () => {
  it("is decoded for who executes by hand", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const output = { kind: "value" as const, value: { n: 1 } };
    bench.executor.bodies.set("a", () => outcome({ kind: "completed", output }));
    const runId = await begin(bench);
    const result = await execute(bench, runId, "a");
    expect(result).toEqual({ outcome: "completed", output: { n: 1 } });
    expect(result.output).not.toBe(output.value);
  });
});
