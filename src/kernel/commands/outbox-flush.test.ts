import { describe, expect, it } from "vitest";
import type { Event } from "../../model.ts";
import { givenOf, runOf } from "../decide.test-helper.ts";
import {
  begin,
  type Bench,
  create,
  execute,
  graphOf,
  headOf,
  kernelOf,
  RecordingSink,
  settle,
} from "../kernel.test-helper.ts";
import { deepFreeze, snapshot } from "../watch.test-helper.ts";
import { decideHold, decideMove } from "./outbox-flush.ts";

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

/** A sink whose subscriber `picky` refuses what `refuses` says; `given` holds what it was asked to take. */
function pickySink(refuses: (event: Event) => boolean, ...others: string[]) {
  const sink = new RecordingSink(...others);
  const asked: string[] = [];
  sink.subscribe({
    name: "picky",
    handle: (event) => {
      asked.push(`${event.workflowRunId}:${event.sequence}`);
      if (refuses(event)) throw new Error("refused");
      sink.given.push({ subscriber: "picky", event });
    },
  });
  return { sink, asked };
}

describe("the decisions around a delivery", () => {
  const cursor = { position: 1, token: 3, holder: "k", heldUntil: 9, failures: 2, dueAt: 0 };
  const event = { type: "stage:started", sequence: 2, id: "run:2" } as Event;
  const base = { subscriber: "s", cursor, position: 1, refused: null, replayed: [] };

  it("are functions of their arguments alone", () => {
    const run = deepFreeze(runOf({ cursors: { s: cursor } }));
    const delivered = deepFreeze([{ ...base, refused: { event, error: new Error("no") } }]);
    expect(decideHold(run, ["s", "new"], "k", givenOf())).toEqual(
      decideHold(run, ["s", "new"], "k", givenOf()),
    );
    expect(decideMove(run, delivered, givenOf())).toEqual(decideMove(run, delivered, givenOf()));
  });

  it("hold a cursor under its token, and one that isn't there yet under none", () => {
    const hold = decideHold(runOf({ cursors: { s: cursor } }), ["s", "new"], "k", givenOf());
    expect(hold.guards).toEqual({
      cursors: [
        { subscriber: "s", token: 3 },
        { subscriber: "new", token: 0 },
      ],
    });
    expect(hold.cursors).toMatchObject({
      s: { token: 4, holder: "k", position: 1, failures: 2 },
      new: { token: 1, holder: "k", position: 0 },
    });
  });

  it("guard the end of a delivery to a settled run by its version and the list of subscribers", () => {
    const run = runOf({ status: "COMPLETED", sequence: 2, cursors: { s: cursor } });
    const registry = { version: 5, subscribers: [{ name: "s", since: 0 }] };
    const move = decideMove(run, [{ ...base, position: 2 }], givenOf({ registry }));
    expect(move.guards).toEqual({ cursors: [{ subscriber: "s", token: 3 }], version: 3, registry: 5 });
    expect(move.state?.delivered).toBe(true);
    const two = { ...registry, subscribers: [...registry.subscribers, { name: "t", since: 0 }] };
    expect(decideMove(run, [{ ...base, position: 2 }], givenOf({ registry: two })).state?.delivered).toBe(
      false,
    );
  });

  it("wait longer after each refusal of an event, and no longer after an event that was taken", () => {
    const run = runOf({ cursors: { s: cursor } });
    const refused = { event, error: new Error("no") };
    const dueAt = (failures: number, position: number) =>
      decideMove(run, [{ ...base, cursor: { ...cursor, failures }, position, refused }], givenOf()).cursors?.s
        ?.dueAt;
    expect(dueAt(0, 1)).toEqual({ in: 1000 });
    expect(dueAt(1, 1)).toEqual({ in: 2000 });
    expect(decideMove(run, [{ ...base, position: 2 }], givenOf()).cursors?.s).toMatchObject({
      failures: 0,
      dueAt: 0,
    });
  });
});

describe("outbox.flush", () => {
  it("delivers what was committed, in order, once, each event with its stable id", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const runId = await completed(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 5 });
    expect(bench.sink.types("audit")).toEqual(EVENTS);
    expect(bench.sink.given.map(({ event }) => event.id)).toEqual(
      [1, 2, 3, 4, 5].map((n) => `${runId}:${n}`),
    );
    expect(bench.sink.given[0]?.event).toMatchObject({
      workflowRunId: runId,
      workflowId: "wf",
      timestamp: bench.clock.now(),
    });
    const before = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect(await snapshot(bench.store)).toEqual(before);
    expect((await headOf(bench, runId)).delivered).toBe(true);
  });

  it("goes on where it stopped, as the run goes on", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const runId = await begin(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 2 });
    await execute(bench, runId, "a");
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 3 });
    expect(bench.sink.types("audit")).toEqual(EVENTS);
  });

  it("gives each subscriber every event, and counts each delivery", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit", "mail") });
    const runId = await completed(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 10 });
    expect(bench.sink.types("audit")).toEqual(EVENTS);
    expect(bench.sink.types("mail")).toEqual(EVENTS);
    expect((await headOf(bench, runId)).cursors).toMatchObject({
      audit: { position: 5, holder: null, failures: 0 },
      mail: { position: 5, holder: null, failures: 0 },
    });
  });

  it("hands over the types that a subscriber wants, and passes the others over", async () => {
    const sink = new RecordingSink();
    sink.subscribe({
      name: "ends",
      types: new Set(["workflow:completed"]),
      handle: (event) => void sink.given.push({ subscriber: "ends", event }),
    });
    const bench = kernelOf(graphs, { sink });
    const runId = await completed(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 1 });
    expect(sink.types("ends")).toEqual(["workflow:completed"]);
    expect((await headOf(bench, runId)).delivered).toBe(true);
  });

  it("delivers at most as many as asked for, and the rest later", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit", "mail") });
    await completed(bench);
    expect(await bench.kernel.dispatch({ ...flush, maxEvents: 3 })).toEqual({ published: 3 });
    expect(bench.sink.given).toHaveLength(3);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 7 });
    expect(bench.sink.types("audit")).toEqual(EVENTS);
    expect(bench.sink.types("mail")).toEqual(EVENTS);
  });

  it("delivers nothing without subscribers, and what they missed is delivered to nobody", async () => {
    const bench = kernelOf(graphs);
    const runId = await completed(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect((await headOf(bench, runId)).delivered).toBe(true);
  });

  it("never delivers an event of a commit that rolled back", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    bench.watch.onCommit = async () => {
      throw new Error("rolled back");
    };
    await expect(create(bench)).rejects.toThrow("rolled back");
    bench.watch.onCommit = null;
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect(bench.sink.given).toEqual([]);
  });

  it("makes what was committed survive before an event leaves", async () => {
    const bench = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const order: string[] = [];
    bench.store.harden = async () => void order.push(`hardened with ${bench.sink.given.length} given`);
    await completed(bench);
    await bench.kernel.dispatch(flush);
    expect(order).toEqual(["hardened with 0 given"]);
    expect(bench.sink.given).toHaveLength(5);
  });
});

describe("mistake 5: delivery under failure", () => {
  it("is never by two flushers at the same time", async () => {
    const sink = new RecordingSink();
    let inside = 0;
    let most = 0;
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        inside += 1;
        most = Math.max(most, inside);
        await settle();
        inside -= 1;
        sink.given.push({ subscriber: "slow", event });
      },
    });
    const one = kernelOf(graphs, { sink });
    const two = kernelOf(graphs, { sink, store: one.store, clock: one.clock });
    const runId = await completed(one);
    const results = await Promise.all([one, two, one].map(({ kernel }) => kernel.dispatch(flush)));
    expect(results.reduce((sum, { published }) => sum + published, 0)).toBe(5);
    expect(most).toBe(1);
    expect(sink.types("slow")).toEqual(EVENTS);
    expect((await headOf(one, runId)).delivered).toBe(true);
  });

  it("goes to another flusher once a hold is over, from the last place that was written", async () => {
    const sink = new RecordingSink();
    const seen: string[] = [];
    let hang = true;
    sink.subscribe({
      name: "slow",
      handle: (event) => {
        seen.push(event.type);
        return hang && event.sequence === 2 ? new Promise<void>(() => undefined) : undefined;
      },
    });
    const one = kernelOf(graphs, { sink, policy: { deliveryTimeoutMs: 3_600_000 } });
    const two = kernelOf(graphs, { sink, store: one.store, clock: one.clock });
    await completed(one);
    void one.kernel.dispatch(flush);
    await settle();
    hang = false;
    await one.clock.advance(29_999);
    expect(await two.kernel.dispatch(flush)).toEqual({ published: 0 });
    await one.clock.advance(1);
    expect(await two.kernel.dispatch(flush)).toEqual({ published: 5 });
    expect(seen).toEqual(["workflow:created", "workflow:started", ...EVENTS]);
  });

  it("holds a failing subscriber's run back for that subscriber alone", async () => {
    let broken = "";
    const { sink, asked } = pickySink(
      (event) => event.workflowRunId === broken && event.sequence === 2,
      "audit",
    );
    const bench = kernelOf(graphs, { sink });
    broken = await completed(bench);
    const fine = await completed(bench);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 16 });
    expect(sink.types("audit")).toHaveLength(10);
    expect(
      sink.given.filter(({ subscriber, event }) => subscriber === "picky" && event.workflowRunId === fine),
    ).toHaveLength(5);
    const { cursors } = await headOf(bench, broken);
    expect(cursors.picky).toMatchObject({
      position: 1,
      failures: 1,
      dueAt: bench.clock.now() + 1000,
      holder: null,
    });
    expect(cursors.audit).toMatchObject({ position: 5, failures: 0 });
    asked.length = 0;
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 0 });
    expect(asked).toEqual([]);
    broken = "";
    await bench.clock.advance(1000);
    expect(await bench.kernel.dispatch(flush)).toEqual({ published: 4 });
    expect(sink.types("audit")).toHaveLength(10);
  });

  it("makes an event a dead letter after three refusals, and passes it over, visibly", async () => {
    const { sink, asked } = pickySink((event) => event.sequence === 2);
    const bench = kernelOf(graphs, { sink });
    const runId = await completed(bench);
    await bench.kernel.dispatch(flush);
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(flush);
    expect(await bench.store.letters({ runId })).toEqual([]);
    expect((await headOf(bench, runId)).cursors.picky).toMatchObject({
      failures: 2,
      dueAt: bench.clock.now() + 2000,
    });
    await bench.clock.advance(2000);
    await bench.kernel.dispatch(flush);
    expect(asked.map((id) => id.split(":").at(-1))).toEqual(["1", "2", "2", "2", "3", "4", "5"]);
    expect(sink.types("picky")).toEqual(EVENTS.filter((type) => type !== "workflow:started"));
    expect(await bench.store.letters({})).toEqual([
      {
        runId,
        subscriber: "picky",
        sequence: 2,
        type: "workflow:started",
        failures: 3,
        at: bench.clock.now(),
        replaying: false,
        error: expect.objectContaining({ message: "refused", code: "DELIVERY_FAILED" }),
      },
    ]);
    expect((await headOf(bench, runId)).delivered).toBe(true);
  });

  it("refuses an event for a subscriber that takes too long with it", async () => {
    const sink = new RecordingSink();
    sink.subscribe({ name: "hangs", handle: () => new Promise<void>(() => undefined) });
    const bench = kernelOf(graphs, { sink, policy: { deliveryTimeoutMs: 5000, maxDeliveries: 1 } });
    const runId = await begin(bench);
    const flushing = bench.kernel.dispatch({ ...flush, maxEvents: 1 });
    await settle();
    await bench.clock.advance(5000);
    await settle();
    await bench.clock.advance(5000);
    expect(await flushing).toEqual({ published: 0 });
    const letters = await bench.store.letters({ runId });
    expect(letters.map(({ sequence, error }) => [sequence, error.code])).toEqual([
      [1, "DELIVERY_TIMEOUT"],
      [2, "DELIVERY_TIMEOUT"],
    ]);
  });

  it("begins no event once its hold may be another's", async () => {
    const sink = new RecordingSink();
    const seen: number[] = [];
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        seen.push(event.sequence);
        if (event.sequence === 1) await bench.clock.advance(25_000);
      },
    });
    const bench = kernelOf(graphs, { sink });
    await completed(bench);
    expect(await bench.kernel.dispatch({ ...flush, maxEvents: 5 })).toMatchObject({ published: 5 });
    // After the first, the hold was given back with its place and taken anew: nothing was given twice.
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    const holds = bench.watch.commits
      .flat()
      .filter(({ command, cursors }) => command === "outbox.flush" && cursors?.slow?.holder);
    expect(holds).toHaveLength(2);
  });

  it("says that all is delivered where two kernels give the last events to a subscriber each", async () => {
    const one = kernelOf(graphs, { sink: new RecordingSink("audit") });
    const two = kernelOf(graphs, { sink: new RecordingSink("mail"), store: one.store, clock: one.clock });
    await two.kernel.dispatch(flush);
    const runId = await completed(one);
    await Promise.all([one, two].map(({ kernel }) => kernel.dispatch(flush)));
    expect(one.sink.types("audit")).toEqual(EVENTS);
    expect(two.sink.types("mail")).toEqual(EVENTS);
    expect((await headOf(one, runId)).delivered).toBe(true);
    expect(await one.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
  });
});
