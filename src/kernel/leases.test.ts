import { describe, expect, it } from "vitest";
import type { JobTransport, LeaseRef } from "../ports/store.ts";
import { startedJob } from "./decide.test-helper.ts";
import { begin, execute, gate, graphOf, jobOf, kernelOf, StillClock, settle } from "./kernel.test-helper.ts";
import { Leases, refOf } from "./leases.ts";

function bench() {
  const clock = new StillClock();
  const beats: (readonly LeaseRef[])[] = [];
  const lost = new Set<string>();
  let reachable = true;
  const jobs = {
    heartbeat: async ({ leases }: { leases: readonly LeaseRef[] }) => {
      beats.push(leases);
      if (!reachable) throw new Error("no connection");
      return { lost: leases.filter(({ stageId }) => lost.has(stageId)) };
    },
  } as unknown as JobTransport;
  const reach = (is: boolean): void => {
    reachable = is;
  };
  return { clock, beats, lost, reach, leases: new Leases(jobs, clock, 30_000) };
}

describe("leases", () => {
  it("are renewed three times within their length, all in one call, for as long as they are held", async () => {
    const { clock, beats, leases } = bench();
    const [one, two] = [startedJob("a"), startedJob("b", { token: 7 })];
    leases.hold(one, () => undefined);
    leases.hold(two, () => undefined);
    await clock.advance(10_000);
    expect(beats).toEqual([[refOf(one), refOf(two)]]);
    leases.letGo(one);
    await clock.advance(10_000);
    expect(beats[1]).toEqual([refOf(two)]);
    leases.letGo(two);
    await clock.advance(100_000);
    expect(beats).toHaveLength(2);
    leases.hold(one, () => undefined);
    await clock.advance(10_000);
    expect(beats).toHaveLength(3);
  });

  it("that are lost abort what is executed under them, and nothing else", async () => {
    const { clock, lost, leases } = bench();
    const told: string[] = [];
    for (const stageId of ["a", "b"])
      leases.hold(startedJob(stageId), (reason) => told.push(`${stageId} ${reason}`));
    lost.add("b");
    await clock.advance(10_000);
    expect(told).toEqual(["b lease-lost"]);
  });

  it("survive a store out of reach: the next beat tries again", async () => {
    const { clock, beats, reach, leases } = bench();
    const told: string[] = [];
    leases.hold(startedJob("a"), (reason) => told.push(reason));
    reach(false);
    await clock.advance(20_000);
    reach(true);
    await clock.advance(10_000);
    expect(beats).toHaveLength(3);
    expect(told).toEqual([]);
  });

  it("of a run are aborted up to an epoch, those of one worker or all when told to drain", () => {
    const { leases } = bench();
    const told: string[] = [];
    const hold = (name: string, change: Parameters<typeof startedJob>[1]): void =>
      leases.hold(startedJob("a", { runId: name, ...change }), (reason) => told.push(`${name} ${reason}`));
    hold("old", { epoch: 1 });
    leases.hold(startedJob("a", { runId: "old", epoch: 2 }), (reason) => told.push(`new ${reason}`));
    hold("other", { worker: "w2" });
    leases.abortRun("old", 1, "cancelled");
    expect(told).toEqual(["old cancelled"]);
    leases.abortAll("draining", "w2");
    expect(told.at(-1)).toBe("other draining");
    leases.abortAll("draining");
    expect(told).toHaveLength(5);
    expect(leases.size).toBe(3);
  });

  it("of workers that drained run out once their kernel stops, and what is executed by hand goes on", async () => {
    const { clock, beats, leases } = bench();
    const byHand = startedJob("b", { worker: "kernel" });
    leases.hold(startedJob("a"), () => undefined);
    leases.hold(byHand, () => undefined);
    leases.stop("kernel");
    await clock.advance(10_000);
    expect(beats).toEqual([[refOf(byHand)]]);
    leases.letGo(byHand);
    await clock.advance(60_000);
    expect(beats).toHaveLength(1);
  });

  it("touch nothing but the lease when they are renewed", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const execution = execute(bench, runId, "a");
    await settle();
    const before = await bench.store.run(runId);
    const job = await jobOf(bench, runId, "a");
    const commits = bench.watch.commits.length;
    await bench.clock.advance(10_000);
    const now = bench.clock.now();
    expect(await bench.store.run(runId)).toEqual({
      ...before,
      jobs: [{ ...job, leaseUntil: now + 30_000, renewedAt: now }],
    });
    expect(bench.watch.commits).toHaveLength(commits);
    slow.open("done");
    await execution;
  });

  it("end a body whose lease was taken away", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    bench.executor.bodies.set("a", () => new Promise(() => undefined));
    const runId = await begin(bench);
    const execution = execute(bench, runId, "a");
    await settle();
    await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    await bench.clock.advance(10_000);
    expect(await execution).toEqual({ outcome: "failed", ghost: true });
  });
});
