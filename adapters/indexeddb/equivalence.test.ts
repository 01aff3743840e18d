/**
 * The same entries on disk and in memory, in any sequence: what IndexedDB gives back after transactions died, tabs took turns and the database
 * was opened again must be what the memory store has.
 */
import "fake-indexeddb/auto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyRecord } from "../../src/model.ts";
import type { Entry, Store } from "../../src/ports/store.ts";
import {
  creation,
  cursorOf,
  entryFor,
  graphOf,
  jobOf,
  keyOf,
  LONG,
  letterOf,
  note,
  payload,
  snapshot,
  sorted,
  stageOf,
  stateOf,
} from "../../src/testing/conformance/rows.ts";
import { memoryStore } from "../memory/index.ts";
import { diesAfter } from "./dying.test-helper.ts";
import { deleteDatabase, indexedDbStore } from "./index.ts";

const graphs = [graphOf("one", [["a"]]), graphOf("two", [["a"], ["b"]])] as const;
const ids = ["r0", "r1", "r2"];

const run = fc.constantFrom(...ids);
const stages = fc.subarray(["a", "b", "c", "d"]);
/** Of a few bytes, of some that fill a row, and of more than fit. */
const value = fc.constantFrom("x", "y".repeat(900), "z".repeat(9000));
const width = fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(16, 17, 40));
const step = fc.oneof(
  fc.record({ do: fc.constant("create" as const), run, of: fc.constantFrom(0, 1), value, width }),
  fc.record({ do: fc.constant("stages" as const), run, drop: stages, put: stages, past: stages, value }),
  fc.record({ do: fc.constant("jobs" as const), run, drop: fc.boolean(), width, events: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constant("drop" as const), run, from: fc.nat({ max: 20 }), width }),
  fc.record({ do: fc.constant("signals" as const), run, drop: stages, put: stages, value }),
  fc.record({
    do: fc.constant("letters" as const),
    run,
    drop: fc.boolean(),
    replaying: fc.boolean(),
    of: fc.nat({ max: 2 }),
  }),
  fc.record({ do: fc.constant("settle" as const), run, delivered: fc.boolean() }),
  fc.record({ do: fc.constant("rerun" as const), run }),
  fc.record({ do: fc.constant("key" as const), run, key: fc.constantFrom("k", "l"), value }),
  fc.record({ do: fc.constant("purge" as const), run, keep: fc.boolean() }),
  fc.record({ do: fc.constant("claim" as const), limit: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant("release" as const) }),
  fc.record({ do: fc.constant("heartbeat" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

const some = (count: number, from = 0): string[] => Array.from({ length: count }, (_, at) => `s${from + at}`);

/** What a step does, as one entry or as a call. */
async function actOf(given: Step, memory: Store): Promise<Entry | ((store: Store) => Promise<unknown>)> {
  if (given.do === "claim") {
    const handlers = new Set([...some(60), "a"].flatMap((id) => [`one/${id}`, `two/${id}`]));
    const request = { workerId: "w", handlers, kinds: ["execute"] as const, leaseFor: LONG };
    return async (store) => (await store.jobs.claim({ ...request, limit: given.limit })).claimed;
  }
  if (given.do === "release" || given.do === "heartbeat") {
    const { runs } = await memory.load({ of: "stale", staleMs: 0, dead: [], limit: 5 });
    const leases = runs.flatMap(({ jobs }) => jobs);
    return given.do === "release"
      ? (store) => store.jobs.release({ leases: leases.slice(1) })
      : (store) => store.jobs.heartbeat({ leases, leaseFor: LONG });
  }
  const { run: runId } = given;
  switch (given.do) {
    case "create": {
      // A run's id is never used again, least of all while a key still names the run that had it.
      const kept = await keysOf(memory);
      if (kept.some((key) => key?.runId === runId)) return entryFor(runId);
      const entry = creation({ id: runId, graph: graphs[given.of] ?? graphs[0] });
      const body = { runId, input: payload(given.value), config: payload({}) };
      return { ...entry, body, jobs: some(given.width).map((id) => jobOf(runId, id, { workflowId: "one" })) };
    }
    case "stages":
      return entryFor(runId, {
        dropStages: given.drop,
        stages: given.put.map((id) => stageOf(runId, id, { output: payload(given.value) })),
        past: given.past.map((id) => ({ ...stageOf(runId, id), startedAt: 1, endedAt: 2 })),
      });
    case "jobs":
      return entryFor(runId, {
        ...(given.drop ? { dropJobs: "all" } : {}),
        jobs: some(given.width).map((id) => jobOf(runId, id, { workflowId: "one" })),
        events: Array.from({ length: given.events }, (_, at) => note(at)),
      });
    case "drop":
      return entryFor(runId, {
        dropJobs: some(given.width, given.from),
        cursors: { sink: cursorOf(given.from) },
      });
    case "signals":
      return entryFor(runId, {
        dropSignals: given.drop,
        signals: given.put.map((id) => ({ runId, id, name: "go", payload: payload(given.value) })),
      });
    case "letters":
      return entryFor(
        runId,
        given.drop
          ? { dropLetters: [{ subscriber: "sink", sequence: given.of }] }
          : { letters: [letterOf(runId, given.of, { replaying: given.replaying })] },
      );
    case "settle":
      return entryFor(runId, {
        state: stateOf({ status: "COMPLETED", delivered: given.delivered }),
        dropJobs: "all",
        events: [note("settled")],
      });
    case "rerun":
      return entryFor(runId, {
        state: stateOf({ epoch: 2 }),
        jobs: [jobOf(runId, "a", { workflowId: "one" })],
      });
    case "key": {
      const entry = entryFor(runId);
      const { key } = await memory.load({ of: "run", runId, key: { type: "test", key: given.key } });
      const put = keyOf(runId, given.key, entry.id, { result: given.value });
      return { ...entry, key: { expect: key?.entry ?? null, put } };
    }
    case "purge": {
      const keys = (await memory.run(runId))?.keys ?? [];
      return entryFor(runId, {
        purge: true,
        dropKeys: given.keep ? [] : keys.map(({ type, key }) => ({ type, key })),
        keepKeys: given.keep ? keys.map((key) => ({ ...key, expiresAt: 5000 })) : [],
      });
    }
  }
}

async function keysOf(store: Store): Promise<(KeyRecord | null)[]> {
  const read = (key: string) => store.load({ of: "run", runId: "none", key: { type: "test", key } });
  return Promise.all(["k", "l"].map(async (key) => (await read(key)).key));
}

/** The change log; the rows of one entry are in no order of their own. */
async function changesOf(store: Store): Promise<unknown> {
  const log = await store.changes({});
  return log.map((record) => ({ ...record, rows: sorted(record.rows) }));
}

async function everything(store: Store): Promise<unknown> {
  const { rows } = await store.runs({});
  const { runs, orphans } = await store.load({
    of: "purgeable",
    olderThanMs: 0,
    status: null,
    keep: 1,
    limit: 9,
  });
  const purgeable = runs.map(({ run: { id } }) => id).toSorted();
  return [
    await snapshot(store, ...ids),
    rows,
    await keysOf(store),
    purgeable,
    orphans,
    (await store.storage()).runs,
  ];
}

let databases = 0;

async function compare(
  steps: readonly (readonly [Step, number | null, "same" | "other" | "reopened"])[],
  record: { readonly record?: "changes" },
): Promise<void> {
  databases += 1;
  const database = `equivalence-${databases}`;
  let now = 1000;
  const clock = { now: () => now };
  const memory = memoryStore({ clock, ...record });
  const open = () => indexedDbStore({ database, clock, ...record });
  let [disk, other] = await Promise.all([open(), open()]);
  for (const [given, writes, next] of steps) {
    now += 1;
    const act = await actOf(given, memory);
    const perform = async (store: Store): Promise<unknown> =>
      typeof act === "function" ? act(store) : store.commit([act]);
    // What died is done again: it must have left nothing.
    diesAfter(writes);
    const done = await perform(disk).catch(() => null);
    diesAfter(null);
    const again = done ?? (await perform(disk));
    expect(again).toEqual(await perform(memory));
    if (next === "other") [disk, other] = [other, disk];
    else if (next === "reopened") {
      await disk.close();
      disk = await open();
    }
    expect(await everything(disk)).toEqual(await everything(memory));
    expect(await changesOf(disk)).toEqual(await changesOf(memory));
  }
  await Promise.all([disk.close(), other.close()]);
  await deleteDatabase(database);
}

const turn = fc.constantFrom("same" as const, "same" as const, "other" as const, "reopened" as const);
const sequence = fc.array(fc.tuple(step, fc.option(fc.nat({ max: 4 }), { freq: 3 }), turn), {
  minLength: 5,
  maxLength: 40,
});

describe("the IndexedDB store", () => {
  it("has what the memory store has, after any sequence of entries", async () => {
    await fc.assert(
      fc.asyncProperty(sequence, (steps) => compare(steps, {})),
      { numRuns: 60 },
    );
  });

  it("records the changes that the memory store records", async () => {
    await fc.assert(
      fc.asyncProperty(sequence, (steps) => compare(steps, { record: "changes" })),
      { numRuns: 30 },
    );
  });
});
