import { describe, expect, it } from "vitest";
import { givenOf, runOf, startedJob } from "../decide.test-helper.ts";
import {
  begin,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  settle,
  standing,
  typesOf,
} from "../kernel.test-helper.ts";
import { deepFreeze, snapshot } from "../watch.test-helper.ts";
import { decideReap } from "./lease-reap-stale.ts";

const reap = { type: "lease.reapStale", staleThresholdMs: 30_000 } as const;
const graphs = [graphOf([["a", "b"], "c"])];

describe("decideReap", () => {
  const state = { run: runOf(), graph: graphOf([["a", "b"], "c"]), siblings: [], dead: new Set<string>() };

  it("is a function of its arguments alone, guarded by the lease as it was read, expiry included", () => {
    const frozen = deepFreeze({ ...state, job: startedJob("a") });
    const decide = () => decideReap(frozen, givenOf()).entry;
    expect(decide()).toEqual(decide());
    expect(decide()?.guards).toEqual({
      epoch: 1,
      jobs: [{ stageId: "a", token: 4, attempt: 1, leaseUntil: 100 }],
    });
  });

  it("guards a quarantine by the expiry too", () => {
    const { entry } = decideReap({ ...state, job: startedJob("a", { crashes: 4 }) }, givenOf());
    expect(entry?.stages?.[0]).toMatchObject({ status: "FAILED", crashes: 5 });
    expect(entry?.guards.jobs?.[0]).toEqual({ stageId: "a", token: 4, attempt: 1, leaseUntil: 100 });
  });
});

describe("lease.reapStale", () => {
  it("frees a lease that expired, counts the crash of a body that was under way, and tells of it", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    bench.executor.bodies.set("a", () => new Promise(() => undefined));
    const token = await lease(bench, runId, "a", "w1");
    void execute(bench, runId, "a", { token });
    await settle();
    bench.watch.beats = false;
    await bench.clock.advance(29_999);
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
    await bench.clock.advance(1);
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 1 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      worker: null,
      started: false,
      token: token + 1,
      attempt: 1,
      failures: 0,
      crashes: 1,
      dueAt: bench.clock.now(),
    });
    const last = (await bench.store.events({ run: runId })).at(-1);
    expect(last).toMatchObject({
      type: "lease:reaped",
      payload: { stageId: "a", epoch: 1, attempt: 1, worker: "w1", cause: "expired" },
    });
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
  });

  it("counts nothing where the body hadn't begun", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await lease(bench, runId, "a");
    await bench.clock.advance(30_000);
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 1 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ crashes: 0, attempt: 0, failures: 0 });
  });

  it("leaves a lease alone that is renewed", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const execution = execute(bench, runId, "a");
    await settle();
    for (let beat = 0; beat < 20; beat += 1) await bench.clock.advance(10_000);
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
    slow.open("done");
    expect(await execution).toEqual({ outcome: "completed", output: "done" });
  });

  it("frees one that was not renewed for that long, though its expiry is far off", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await bench.store.jobs.claim({
      workerId: "w1",
      handlers: bench.executor.handlers,
      kinds: ["execute"],
      limit: 1,
      leaseFor: 3_600_000,
      only: { runId, stageId: "a" },
    });
    await bench.clock.advance(5000);
    expect(await bench.kernel.dispatch({ ...reap, staleThresholdMs: 5001 })).toEqual({ released: 0 });
    expect(await bench.kernel.dispatch({ ...reap, staleThresholdMs: 5000 })).toEqual({ released: 1 });
  });

  it("frees at once what a worker held that is known dead, and nothing else", async () => {
    const dead = new Set<string>();
    const bench = kernelOf(graphs, { dead });
    const runId = await begin(bench);
    await lease(bench, runId, "a", "w1");
    await lease(bench, runId, "b", "w2");
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
    dead.add("w1").add("somebody without leases");
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 1 });
    expect((await jobOf(bench, runId, "a")).worker).toBeNull();
    expect((await jobOf(bench, runId, "b")).worker).toBe("w2");
    const last = (await bench.store.events({ run: runId })).at(-1);
    expect(last).toMatchObject({ type: "lease:reaped", payload: { worker: "w1", cause: "dead" } });
  });

  it("keeps a lease that a heartbeat renews between what is read and what is committed", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    await bench.clock.advance(30_000);
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await bench.store.jobs.heartbeat({
        leases: [{ runId, stageId: "a", epoch: 1, token }],
        leaseFor: 30_000,
      });
    };
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: "w1", token });
  });

  it("frees hundreds, each with its own verdict", async () => {
    const ids = Array.from({ length: 600 }, (_, index) => `s${index}`);
    const bench = kernelOf([graphOf([ids])]);
    const runId = await begin(bench);
    const { claimed } = await bench.store.jobs.claim({
      workerId: "w1",
      handlers: bench.executor.handlers,
      kinds: ["execute"],
      limit: 600,
      leaseFor: 30_000,
    });
    expect(claimed).toHaveLength(600);
    await bench.clock.advance(30_000);
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      const [one] = claimed;
      if (one !== undefined) await bench.store.jobs.heartbeat({ leases: [one.job], leaseFor: 30_000 });
    };
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 599 });
    expect((await bench.store.run(runId))?.jobs.filter(({ worker }) => worker !== null)).toHaveLength(1);
  });

  it("takes nothing back from an attempt that finishes at the same time", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    const execution = execute(bench, runId, "a", { token });
    await settle();
    // Both reach the store together: one of them is too late, whichever that is.
    const open: (() => void)[] = [];
    bench.watch.onCommit = async (_, commit) => {
      await new Promise<void>((resolve) => open.push(resolve));
      return commit();
    };
    const other = begin(bench);
    await settle();
    slow.open("done");
    const reaping = bench.kernel.dispatch({ ...reap, staleThresholdMs: 0 });
    await settle();
    bench.watch.onCommit = null;
    for (const release of open) release();
    const [result, { released }] = await Promise.all([execution, reaping, other]);
    const found = await bench.store.run(runId);
    const jobs = found?.jobs.filter(({ stageId }) => stageId === "a") ?? [];
    expect({
      ghost: result.ghost ?? false,
      released,
      jobs: jobs.length,
      remaining: found?.run.remaining,
    }).toEqual(
      result.ghost
        ? { ghost: true, released: 1, jobs: 1, remaining: 2 }
        : { ghost: false, released: 0, jobs: 0, remaining: 1 },
    );
  });
});

describe("mistake 6: a poison job", () => {
  it("is quarantined after maxCrashes, and fails its run", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", () => new Promise(() => undefined));
    const runId = await begin(bench);
    await execute(bench, runId, "b");
    for (let crash = 1; crash <= 5; crash += 1) {
      void execute(bench, runId, "a");
      await settle();
      bench.watch.beats = false;
      await bench.clock.advance(30_000);
      expect(await bench.kernel.dispatch(reap)).toEqual({ released: 1 });
    }
    expect(bench.executor.started.filter(({ stage }) => stage.id === "a")).toHaveLength(5);
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED", b: "COMPLETED" });
    const found = await bench.store.run(runId);
    expect(found?.stages.find(({ stageId }) => stageId === "a")).toMatchObject({
      crashes: 5,
      failures: 0,
      attempt: 5,
    });
    expect(found?.run).toMatchObject({
      error: { code: "QUARANTINED", stageId: "a" },
      remaining: 0,
      active: 0,
    });
    expect((await typesOf(bench, runId)).slice(-3)).toEqual([
      "lease:reaped",
      "stage:failed",
      "workflow:failed",
    ]);
    const before = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(reap)).toEqual({ released: 0 });
    expect(await snapshot(bench.store)).toEqual(before);
  });

  it("cancels its unstarted siblings, and lets those that run finish", async () => {
    const graph = graphOf([["a", "b", "c"]], { a: { policy: { maxCrashes: 1 } } });
    const bench = kernelOf([graph]);
    const slow = gate();
    bench.executor.bodies.set("a", () => new Promise(() => undefined));
    bench.executor.bodies.set("b", slow.body);
    const other = kernelOf([graph], { store: bench.store, clock: bench.clock, executor: bench.executor });
    const runId = await begin(bench);
    void execute(other, runId, "a");
    const running = execute(bench, runId, "b");
    await settle();
    other.watch.beats = false;
    await bench.clock.advance(30_000);
    await bench.kernel.dispatch(reap);
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "FAILED", c: "CANCELLED" });
    slow.open("done");
    expect(await running).toMatchObject({ outcome: "completed" });
    expect(await headOf(bench, runId)).toMatchObject({ status: "FAILED", error: { code: "QUARANTINED" } });
  });

  it("counts crashes and failures apart", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    let tries = 0;
    bench.executor.bodies.set("a", () => {
      tries += 1;
      if (tries % 2 === 1) return new Promise(() => undefined);
      throw new Error("no");
    });
    const runId = await begin(bench);
    for (let turn = 0; turn < 3; turn += 1) {
      void execute(bench, runId, "a");
      await settle();
      bench.watch.beats = false;
      await bench.clock.advance(30_000);
      await bench.kernel.dispatch(reap);
      await execute(bench, runId, "a");
      await bench.clock.advance(60_000);
    }
    expect((await bench.store.run(runId))?.stages[0]).toMatchObject({
      status: "FAILED",
      attempt: 6,
      failures: 3,
      crashes: 3,
      error: { message: "no" },
    });
  });
});
