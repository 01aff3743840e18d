import { describe, expect, it } from "vitest";
import {
  begin,
  type Bench,
  execute,
  graphOf,
  headOf,
  kernelOf,
  RecordingSink,
  settle,
  typesOf,
} from "./kernel.test-helper.ts";

const graphs = [graphOf(["a"])];
const flush = { type: "outbox.flush" } as const;
const EVENTS = [
  "workflow:created",
  "workflow:started",
  "stage:started",
  "stage:completed",
  "workflow:completed",
];

async function completed(bench: Bench): Promise<string> {
  const runId = await begin(bench);
  await execute(bench, runId, "a");
  return runId;
}

describe("mistake 21: commits that become visible out of order", () => {
  it("hide no event: each run has a place of its own", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const first = await begin(bench);
    const second = await begin(bench);
    // The first run's commit is drawn up before the second's, and gets through only after that was delivered.
    let release: () => void = () => undefined;
    bench.watch.onCommit = async (entries, commit) => {
      if (entries.some(({ runId }) => runId === first))
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return commit();
    };
    const late = execute(bench, first, "a");
    await settle();
    bench.watch.onCommit = null;
    await execute(other, second, "a");
    await kernelOf(graphs, { store: bench.store, clock: bench.clock, sink: bench.sink }).kernel.dispatch(
      flush,
    );
    release();
    await late;
    await bench.kernel.dispatch(flush);
    for (const runId of [first, second]) {
      const given = bench.sink.given.filter(({ event }) => event.workflowRunId === runId);
      expect(given.map(({ event }) => event.type)).toEqual(EVENTS);
    }
  });
});

describe("a new subscriber", () => {
  it("starts at now: it is given nothing that was committed before it registered", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const old = await completed(bench);
    const current = await begin(bench);
    await bench.kernel.dispatch(flush);
    await bench.clock.advance(1000);
    bench.sink.subscribe({
      name: "late",
      handle: (event) => void bench.sink.given.push({ subscriber: "late", event }),
    });
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    await bench.clock.advance(1000);
    await execute(bench, current, "a");
    await bench.kernel.dispatch(flush);
    expect(bench.sink.types("late")).toEqual(EVENTS.slice(2));
    for (const runId of [old, current]) expect((await headOf(bench, runId)).delivered).toBe(true);
    expect(await typesOf(bench, current)).toEqual(EVENTS);
  });

  it("keeps runs that still owe it events, until it is unsubscribed", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const leave = bench.sink.subscribe({ name: "gone", handle: () => undefined });
    const runId = await begin(bench);
    await bench.kernel.dispatch({ ...flush, maxEvents: 1 });
    leave();
    await execute(bench, runId, "a");
    await bench.kernel.dispatch(flush);
    expect(bench.sink.types("audit")).toEqual(EVENTS);
    expect((await headOf(bench, runId)).delivered).toBe(false);
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 0 });
    await bench.kernel.unsubscribe("gone");
    expect((await headOf(bench, runId)).delivered).toBe(true);
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
  });

  it("is owed what was committed since it registered, even where nobody delivers to it now", async () => {
    const one = kernelOf(graphs, { sink: new RecordingSink("audit") });
    await one.kernel.dispatch(flush);
    const two = kernelOf(graphs, { store: one.store, clock: one.clock });
    const runId = await completed(two);
    expect((await headOf(two, runId)).delivered).toBe(false);
    await one.kernel.dispatch(flush);
    expect(one.sink.types("audit")).toEqual(EVENTS);
  });
});
