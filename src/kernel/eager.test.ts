import { describe, expect, it } from "vitest";
import type { Event } from "../model.ts";
import {
  type Bench,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  RecordingSink,
  settle,
  typesOf,
} from "./kernel.test-helper.ts";

const graphs = [graphOf([["a", "b"], "c"])];
const flush = { type: "outbox.flush" } as const;

function eager(sink: RecordingSink, options: Parameters<typeof kernelOf>[1] = {}): Bench {
  const bench = kernelOf(graphs, { sink, ...options });
  bench.kernel.host.deliverEagerly();
  return bench;
}

let keys = 0;
async function start({ kernel }: Bench): Promise<string> {
  keys += 1;
  const { result } = await kernel.host.start(
    { type: "run.create", workflowId: "wf", input: null, idempotencyKey: `eager ${keys}` },
    { workerId: "w", slots: 2 },
  );
  return result.workflowRunId;
}

/** Lets the jobs that the start leased go back, so that tests execute by hand. */
async function begun(bench: Bench): Promise<string> {
  const runId = await start(bench);
  await bench.store.jobs.release({
    leases: [await jobOf(bench, runId, "a"), await jobOf(bench, runId, "b")],
  });
  return runId;
}

const sequences = (sink: RecordingSink, name: string): number[] =>
  sink.given.filter(({ subscriber }) => subscriber === name).map(({ event }) => event.sequence);

describe("eager delivery", () => {
  it("hands events over as they are committed, in order, to every subscriber, without a flush", async () => {
    const bench = eager(new RecordingSink("audit", "mail"));
    const runId = await begun(bench);
    await settle();
    expect(bench.sink.types("audit")).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:started",
    ]);
    for (const stageId of ["a", "b", "c"]) await execute(bench, runId, stageId);
    await settle();
    const all = await bench.store.events({ run: runId });
    for (const name of ["audit", "mail"]) {
      const given = bench.sink.given
        .filter(({ subscriber }) => subscriber === name)
        .map(({ event }) => event);
      expect(given).toEqual(all);
    }
    expect(await headOf(bench, runId)).toMatchObject({ status: "COMPLETED", delivered: true });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect(bench.kernel.host.delivers(runId)).toBe(false);
  });

  it("never hands over an event before its commit, nor one that rolled back", async () => {
    const bench = eager(new RecordingSink("audit"));
    bench.watch.onCommit = async () => {
      expect(bench.sink.given).toEqual([]);
      throw new Error("rolled back");
    };
    await expect(start(bench)).rejects.toThrow("rolled back");
    await settle();
    expect(bench.sink.given).toEqual([]);
  });

  it("makes what was committed survive before an event of it leaves", async () => {
    const bench = eager(new RecordingSink("audit"));
    const given: number[] = [];
    bench.store.harden = async () => void given.push(bench.sink.given.length);
    await start(bench);
    await settle();
    expect(given).toEqual([0]);
    expect(bench.sink.given).toHaveLength(4);
  });

  it("holds the run's cursors, so that no flush gives the same events, until the hold is over", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    const other = kernelOf(graphs, { sink, store: bench.store, clock: bench.clock });
    const runId = await start(bench);
    await settle();
    expect((await headOf(bench, runId)).cursors.audit).toMatchObject({
      holder: bench.kernel.ports.name,
      token: 1,
    });
    for (const one of [bench, other]) expect(await one.kernel.dispatch(flush)).toEqual({ published: 0 });
    // A crash: nobody writes the place any more.
    await bench.clock.advance(30_000);
    expect(await other.kernel.dispatch(flush)).toEqual({ published: 4 });
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it("takes its place along with the run's next entries, now and then", async () => {
    const bench = eager(new RecordingSink("audit"));
    const runId = await begun(bench);
    await settle();
    await execute(bench, runId, "a");
    expect((await headOf(bench, runId)).cursors.audit?.position).toBe(0);
    await bench.clock.advance(1000);
    await execute(bench, runId, "b");
    expect((await headOf(bench, runId)).cursors.audit).toMatchObject({
      position: 6,
      heldUntil: bench.clock.now() + 30_000,
      holder: bench.kernel.ports.name,
    });
  });

  it("writes its place and gives the cursors back where a run is quiet", async () => {
    const bench = eager(new RecordingSink("audit"));
    const runId = await start(bench);
    await settle();
    await bench.kernel.host.tidy();
    expect(bench.kernel.host.delivers(runId)).toBe(true);
    await bench.clock.advance(5000);
    await bench.kernel.host.tidy();
    expect((await headOf(bench, runId)).cursors.audit).toMatchObject({ position: 4, holder: null });
    expect(bench.kernel.host.delivers(runId)).toBe(false);
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 1 });
    expect(sequences(bench.sink, "audit")).toEqual([1, 2, 3, 4, 5]);
  });

  it("gives everything back when its host stops, after what is being handed over", async () => {
    const slow = gate();
    const sink = new RecordingSink();
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        await slow.body();
        sink.given.push({ subscriber: "slow", event });
      },
    });
    const bench = eager(sink);
    const runId = await start(bench);
    await settle();
    const stopping = bench.kernel.host.stop().then(() => "stopped");
    expect(await Promise.race([stopping, settle().then(() => "still under way")])).toBe("still under way");
    slow.open();
    await stopping;
    expect((await headOf(bench, runId)).cursors.slow).toMatchObject({ position: 4, holder: null });
  });
});

describe("eager delivery under failure", () => {
  it("mistake 5: gives a run back for the subscriber that refuses, with its failure counted; the others go on", async () => {
    const sink = new RecordingSink("audit");
    let refused = true;
    sink.subscribe({
      name: "picky",
      handle: (event) => {
        if (refused && event.sequence === 3) throw new Error("refused");
        sink.given.push({ subscriber: "picky", event });
      },
    });
    const bench = eager(sink);
    const runId = await begun(bench);
    await settle();
    expect((await headOf(bench, runId)).cursors).toMatchObject({
      picky: { position: 2, failures: 1, holder: null, dueAt: bench.clock.now() + 1000 },
      audit: { position: 4, failures: 0, holder: null },
    });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    refused = false;
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 2 });
    expect(sequences(sink, "picky")).toEqual([1, 2, 3, 4]);
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4]);
  });

  it("goes by the journal once another kernel has written events in between", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock, sink });
    const runId = await begun(bench);
    await execute(other, runId, "a");
    await execute(bench, runId, "b");
    await settle();
    expect(bench.kernel.host.delivers(runId)).toBe(false);
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4]);
    await bench.kernel.dispatch(flush);
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(sink.types("audit")).toEqual(await typesOf(bench, runId));
  });

  it("never has an event given twice at the same time, nor out of order, however slow its subscriber is", async () => {
    const sink = new RecordingSink();
    const gates = [gate()];
    const began: Event[] = [];
    let inside = 0;
    let most = 0;
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        began.push(event);
        inside += 1;
        most = Math.max(most, inside);
        await gates[0]?.body();
        inside -= 1;
      },
    });
    const bench = eager(sink);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock, sink });
    const runId = await begun(bench);
    await settle();
    await execute(other, runId, "a");
    await execute(bench, runId, "b");
    const flushing = other.kernel.dispatch(flush);
    await settle();
    gates[0]?.open();
    await flushing;
    await settle();
    await other.kernel.dispatch(flush);
    expect(most).toBe(1);
    expect(began.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("delivers from the journal where the store was out of reach in between", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    let reachable = false;
    bench.store.harden = async () => {
      if (!reachable) throw new Error("no connection");
    };
    const runId = await start(bench);
    await settle();
    expect(sink.given).toEqual([]);
    reachable = true;
    await bench.clock.advance(30_000);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 4 });
    expect(sink.types("audit")).toEqual(await typesOf(bench, runId));
  });

  it("loses no event where its cursors were taken over: an entry that takes them along is decided again without", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock, sink });
    const runId = await begun(bench);
    await settle();
    await bench.clock.advance(30_000);
    expect(await other.kernel.dispatch(flush)).toEqual({ published: 4 });
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "a" });
    expect(bench.kernel.host.delivers(runId)).toBe(false);
    await other.kernel.dispatch(flush);
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 5, 6]);
  });

  it("starts no event once its hold may be another's", async () => {
    const sink = new RecordingSink();
    const seen: number[] = [];
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        seen.push(event.sequence);
        if (event.sequence === 2) await bench.clock.advance(29_000);
      },
    });
    const bench = eager(sink);
    const runId = await start(bench);
    await settle();
    expect(seen).toEqual([1, 2]);
    expect((await headOf(bench, runId)).cursors.slow).toMatchObject({
      position: 2,
      holder: null,
      failures: 0,
    });
    await bench.kernel.dispatch(flush);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it("skips nothing for a subscriber that was away while events passed", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    const take = (event: Event): void => void sink.given.push({ subscriber: "guest", event });
    const leave = sink.subscribe({ name: "guest", handle: take });
    const runId = await begun(bench);
    await settle();
    leave();
    await execute(bench, runId, "a");
    await settle();
    sink.subscribe({ name: "guest", handle: take });
    await execute(bench, runId, "b");
    await settle();
    await bench.kernel.dispatch(flush);
    expect(sequences(sink, "guest")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(sequences(sink, "audit")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("keeps a new subscriber's place apart: what the run still commits reaches it by a flush", async () => {
    const sink = new RecordingSink("audit");
    const bench = eager(sink);
    const runId = await begun(bench);
    await settle();
    await bench.clock.advance(10);
    sink.subscribe({ name: "late", handle: (event) => void sink.given.push({ subscriber: "late", event }) });
    await bench.kernel.dispatch(flush);
    await bench.clock.advance(10);
    for (const stageId of ["a", "b", "c"]) await execute(bench, runId, stageId);
    await settle();
    expect((await headOf(bench, runId)).delivered).toBe(false);
    await bench.kernel.dispatch(flush);
    const late = sequences(sink, "late");
    expect(late).toEqual([5, 6, 7, 8, 9, 10, 11].slice(-late.length));
    expect(late.length).toBe(7);
    expect((await headOf(bench, runId)).delivered).toBe(true);
  });
});
