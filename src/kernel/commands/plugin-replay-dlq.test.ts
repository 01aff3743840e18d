import { describe, expect, it } from "vitest";
import {
  begin,
  type Bench,
  execute,
  graphOf,
  headOf,
  kernelOf,
  RecordingSink,
} from "../kernel.test-helper.ts";
import { snapshot } from "../watch.test-helper.ts";

const flush = { type: "outbox.flush" } as const;
const replay = { type: "plugin.replayDLQ" } as const;

/** Two finished runs whose every event is a dead letter of `picky`, and of `other` too where asked for. */
async function lettered(...others: string[]): Promise<{ bench: Bench; runs: string[]; mend: () => void }> {
  const sink = new RecordingSink();
  let broken = true;
  for (const name of ["picky", ...others]) {
    sink.subscribe({
      name,
      handle: (event) => {
        if (broken) throw new Error("refused");
        sink.given.push({ subscriber: name, event });
      },
    });
  }
  const bench = kernelOf([graphOf(["a"])], { sink, policy: { maxDeliveries: 1 } });
  const runs: string[] = [];
  for (let n = 0; n < 2; n += 1) {
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    runs.push(runId);
  }
  await bench.kernel.dispatch(flush);
  return {
    bench,
    runs,
    mend: () => {
      broken = false;
    },
  };
}

describe("plugin.replayDLQ", () => {
  it("puts dead letters back: the next flush delivers them late, marked, with the same ids, and they are gone", async () => {
    const { bench, runs, mend } = await lettered();
    mend();
    expect(await bench.kernel.dispatch({ ...replay, workflowRunId: runs[0] ?? "" })).toEqual({ replayed: 5 });
    expect(bench.sink.given).toEqual([]);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 5 });
    expect(bench.sink.given.map(({ event }) => ({ id: event.id, replayed: event.replayed }))).toEqual(
      [1, 2, 3, 4, 5].map((n) => ({ id: `${runs[0]}:${n}`, replayed: true })),
    );
    expect(await bench.store.letters({ runId: runs[0] ?? "" })).toEqual([]);
    expect(await bench.store.letters({ runId: runs[1] ?? "" })).toHaveLength(5);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect(await headOf(bench, runs[0] ?? "")).toMatchObject({
      delivered: true,
      cursors: { picky: { position: 5 } },
    });
  });

  it("chooses by run, type and subscriber, at most as many as asked for", async () => {
    const { bench, runs } = await lettered("other");
    const marked = async () => (await bench.store.letters({})).filter(({ replaying }) => replaying);
    expect(
      await bench.kernel.dispatch({ ...replay, eventType: "stage:started", subscriber: "other" }),
    ).toEqual({ replayed: 2 });
    expect((await marked()).map(({ type, subscriber }) => `${type} ${subscriber}`)).toEqual([
      "stage:started other",
      "stage:started other",
    ]);
    expect(await bench.kernel.dispatch({ ...replay, maxEvents: 3 })).toEqual({ replayed: 3 });
    expect(
      await bench.kernel.dispatch({ ...replay, workflowRunId: runs[1] ?? "", maxEvents: 100 }),
    ).toMatchObject({
      replayed: 9,
    });
    expect(await marked()).toHaveLength(14);
  });

  it("does nothing, and writes nothing, where there is none to put back", async () => {
    const { bench, runs } = await lettered();
    await bench.kernel.dispatch(replay);
    const before = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(replay)).toEqual({ replayed: 0 });
    expect(await bench.kernel.dispatch({ ...replay, workflowRunId: "nobody" })).toEqual({ replayed: 0 });
    expect(await bench.kernel.dispatch({ ...replay, subscriber: "nobody" })).toEqual({ replayed: 0 });
    expect(await snapshot(bench.store)).toEqual(before);
    expect(runs).toHaveLength(2);
  });

  it("keeps a letter that is refused again, with one failure more, until it is put back again", async () => {
    const { bench, runs, mend } = await lettered();
    const [runId = ""] = runs;
    await bench.kernel.dispatch({ ...replay, workflowRunId: runId, eventType: "stage:started" });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    const letter = (await bench.store.letters({ runId })).find(({ type }) => type === "stage:started");
    expect(letter).toMatchObject({ failures: 2, replaying: false });
    mend();
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    await bench.kernel.dispatch({ ...replay, workflowRunId: runId, eventType: "stage:started" });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 1 });
  });

  it("delivers neither before nor instead of what a back-off holds, and doesn't shorten that", async () => {
    const sink = new RecordingSink();
    let refused = new Set([1]);
    sink.subscribe({
      name: "picky",
      handle: (event) => {
        if (refused.has(event.sequence)) throw new Error("refused");
        sink.given.push({ subscriber: "picky", event });
      },
    });
    const bench = kernelOf([graphOf(["a"])], { sink, policy: { maxDeliveries: 2 } });
    const runId = await begin(bench);
    await bench.kernel.dispatch(flush);
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(flush);
    expect(await bench.store.letters({})).toHaveLength(1);
    refused = new Set([3]);
    await execute(bench, runId, "a");
    await bench.kernel.dispatch(flush);
    const held = (await headOf(bench, runId)).cursors.picky;
    expect(held).toMatchObject({ position: 2, failures: 1, dueAt: bench.clock.now() + 1000 });
    await bench.kernel.dispatch(replay);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 1 });
    expect((await headOf(bench, runId)).cursors.picky).toMatchObject({
      position: 2,
      failures: 1,
      dueAt: held?.dueAt,
    });
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(flush);
    expect((await bench.store.letters({})).map(({ sequence }) => sequence)).toEqual([3]);
    expect(sink.given.map(({ event }) => event.sequence)).toEqual([2, 1, 4, 5]);
  });

  it("puts back nothing that a flush dealt with after it was read", async () => {
    const { bench, runs, mend } = await lettered();
    const [runId = ""] = runs;
    const other = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock, sink: bench.sink });
    mend();
    await bench.kernel.dispatch({ ...replay, workflowRunId: runId, maxEvents: 1 });
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await other.kernel.dispatch(flush);
    };
    expect(await bench.kernel.dispatch({ ...replay, workflowRunId: runId })).toEqual({ replayed: 0 });
    expect(await bench.kernel.dispatch({ ...replay, workflowRunId: runId })).toEqual({ replayed: 4 });
    await bench.kernel.dispatch(flush);
    expect(bench.sink.given.map(({ event }) => event.sequence)).toEqual([1, 2, 3, 4, 5]);
  });
});
