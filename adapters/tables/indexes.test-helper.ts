/**
 * The indexes against a plain search through all rows, after any sequence of writes, some of which die in their middle: what is loaded by an
 * index must be what the rows say.
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import { isSettled, type RunStatus } from "../../src/model.ts";
import type { LoadedRun, Scope, Store } from "../../src/ports/store.ts";
import {
  cursorOf,
  creation,
  entryFor,
  graphOf,
  jobOf,
  keyOf,
  letterOf,
  note,
  stateOf,
} from "../../src/testing/conformance/rows.ts";

const graph = graphOf("w", [["a", "b", "c"]]);
const handlers = new Set(["w/a", "w/b", "w/c"]);
const kinds = ["execute", "check", "wait"] as const;
const statuses: readonly RunStatus[] = [
  "PENDING",
  "RUNNING",
  "SUSPENDED",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
];

const run = fc.nat({ max: 7 });
const stage = fc.constantFrom("a", "b", "c");
const soon = fc.integer({ min: -50, max: 50 });
const step = fc.oneof(
  fc.record({
    do: fc.constant("create" as const),
    run,
    status: fc.constantFrom(...statuses),
    priority: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    do: fc.constant("move" as const),
    run,
    status: fc.constantFrom(...statuses),
    delivered: fc.boolean(),
  }),
  fc.record({
    do: fc.constant("job" as const),
    run,
    stage,
    kind: fc.constantFrom(...kinds),
    dueAt: fc.option(soon),
    priority: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ do: fc.constant("drop" as const), run, stage }),
  fc.record({ do: fc.constant("events" as const), run }),
  fc.record({
    do: fc.constant("cursor" as const),
    run,
    back: fc.nat({ max: 2 }),
    dueAt: soon,
    held: fc.option(soon),
  }),
  fc.record({ do: fc.constant("letter" as const), run, replaying: fc.boolean(), drop: fc.boolean() }),
  fc.record({ do: fc.constant("key" as const), run, expiresAt: fc.option(soon) }),
  fc.record({ do: fc.constant("purge" as const), run }),
  fc.record({
    do: fc.constant("claim" as const),
    only: fc.subarray([...handlers]),
    limit: fc.nat({ max: 4 }),
  }),
  fc.record({ do: fc.constant("release" as const) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: 30 }) }),
  fc.record({
    do: fc.constant("change" as const),
    to: fc.constantFrom("reopened" as const, "other" as const),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** A store under test, which may die and change hands. */
export interface Shore {
  store: Store;
  /** The transaction that writes the row after so many dies, or none does. */
  readonly diesAfter: (writes: number | null) => void;
  /** Goes on with another store on the same data: one that was opened anew, or one that stands beside. */
  readonly change?: (to: "reopened" | "other") => Promise<void>;
  readonly close?: () => Promise<void>;
}

/** A store with a clock and a way to let transactions die. */
class World {
  readonly #clock: { now: number };
  readonly order: string[] = [];
  readonly shore: Shore;

  private constructor(clock: { now: number }, shore: Shore) {
    this.#clock = clock;
    this.shore = shore;
  }

  static async on(create: (clock: { now: () => number }) => Promise<Shore>): Promise<World> {
    const clock = { now: 1000 };
    return new World(clock, await create({ now: () => clock.now }));
  }

  get store(): Store {
    return this.shore.store;
  }

  get now(): number {
    return this.#clock.now;
  }

  async take(given: Step, diesAfter: number | null): Promise<void> {
    // The hand-over itself lives: without it there is no store to go on with.
    this.shore.diesAfter(given.do === "change" ? null : diesAfter);
    // A transaction that dies is as good as one that never was; so is one for a run that isn't there.
    await this.#do(given).catch((error: unknown) => {
      if (diesAfter === null) throw error;
    });
    this.shore.diesAfter(null);
  }

  async #do(given: Step): Promise<void> {
    const { store, now } = this;
    if (given.do === "wait") {
      this.#clock.now += given.ms;
      return;
    }
    if (given.do === "change") {
      await this.shore.change?.(given.to);
      return;
    }
    if (given.do === "claim") {
      await store.jobs.claim({
        workerId: "w",
        handlers: new Set(given.only),
        kinds,
        limit: given.limit,
        leaseFor: 20,
      });
      return;
    }
    if (given.do === "release") {
      const { runs } = await store.load({ of: "stale", staleMs: 0, dead: [], limit: 2 });
      await store.jobs.release({ leases: runs.flatMap(({ jobs }) => jobs) });
      return;
    }
    const id = `run${given.run}`;
    const head = (await store.run(id))?.run;
    switch (given.do) {
      case "create": {
        const entry = creation({ id, graph, priority: given.priority, state: { status: given.status } });
        const [verdict] = await store.commit([entry]);
        if (verdict?.status === "committed") this.order.push(id);
        break;
      }
      case "move":
        await store.commit([
          entryFor(id, {
            state: stateOf({ status: given.status, delivered: given.delivered && isSettled(given.status) }),
          }),
        ]);
        break;
      case "job":
        await store.commit([
          entryFor(id, {
            jobs: [
              jobOf(id, given.stage, {
                workflowId: "w",
                kind: given.kind,
                priority: given.priority,
                dueAt: given.dueAt === null ? null : now + given.dueAt,
              }),
            ],
          }),
        ]);
        break;
      case "drop":
        await store.commit([entryFor(id, { dropJobs: [given.stage] })]);
        break;
      case "events":
        await store.commit([entryFor(id, { events: [note(1)] })]);
        break;
      case "cursor":
        await store.commit([
          entryFor(id, {
            cursors: {
              sink: cursorOf(Math.max(0, (head?.sequence ?? 0) - given.back), {
                dueAt: now + given.dueAt,
                holder: given.held === null ? null : "h",
                heldUntil: given.held === null ? 0 : now + given.held,
              }),
            },
          }),
        ]);
        break;
      case "letter":
        await store.commit([
          entryFor(
            id,
            given.drop
              ? { dropLetters: [{ subscriber: "sink", sequence: 1 }] }
              : { letters: [letterOf(id, 1, { replaying: given.replaying })] },
          ),
        ]);
        break;
      case "key": {
        const entry = entryFor(id);
        const expiresAt = given.expiresAt === null ? null : now + given.expiresAt;
        const put = keyOf(id, `key of ${id}`, entry.id, { expiresAt });
        const { key } = await store.load({ of: "run", runId: id, key: { type: "test", key: put.key } });
        await store.commit([{ ...entry, key: { expect: key?.entry ?? null, put } }]);
        break;
      }
      case "purge":
        await store.commit([entryFor(id, { purge: true })]);
        break;
    }
  }

  /** Every run, found without the indexes, in the order of creation. */
  async all(): Promise<LoadedRun[]> {
    const ids = new Set(this.order.toReversed());
    const found = await Promise.all([...ids].toReversed().map((id) => this.store.run(id)));
    return found.filter((one) => one !== null);
  }

  async ids(scope: Scope): Promise<string[]> {
    return (await this.store.load(scope)).runs.map(({ run: { id } }) => id);
  }
}

async function check(world: World): Promise<void> {
  const { now } = world;
  const all = await world.all();
  const where = (holds: (one: LoadedRun) => boolean): string[] =>
    all.filter(holds).map(({ run: { id } }) => id);
  const by = (ids: readonly string[], rank: (one: LoadedRun) => number): string[] => {
    const ranks = new Map(all.map((one) => [one.run.id, rank(one)]));
    return ids.toSorted((left, right) => (ranks.get(left) ?? 0) - (ranks.get(right) ?? 0));
  };

  const pending = where(({ run: { status } }) => status === "PENDING");
  expect(await world.ids({ of: "pending", workflowIds: null, limit: 100 })).toEqual(
    by(pending, (one) => -one.run.priority),
  );
  const over = where(({ run: { status, delivered } }) => isSettled(status) && delivered);
  const purgeable: Scope = { of: "purgeable", olderThanMs: 0, status: null, keep: 0, limit: 100 };
  expect(await world.ids(purgeable)).toEqual(by(over, (one) => one.run.settledAt ?? 0));
  const live = where(
    ({ run: { status }, jobs }) => (status === "RUNNING" || status === "SUSPENDED") && jobs.length === 0,
  );
  expect((await world.ids({ of: "stuck", idleMs: 0, limit: 100 })).toSorted()).toEqual(live.toSorted());
  const leased = where(({ jobs }) => jobs.some(({ worker }) => worker !== null));
  expect((await world.ids({ of: "stale", staleMs: 0, dead: [], limit: 100 })).toSorted()).toEqual(
    leased.toSorted(),
  );
  const owed = where(({ run: { delivered, sequence, cursors }, letters }) => {
    const cursor = cursors.sink;
    const isFree = cursor === undefined || cursor.holder === null || cursor.heldUntil <= now;
    const lags = !delivered && (cursor?.position ?? 0) < sequence && (cursor?.dueAt ?? 0) <= now;
    return isFree && (lags || letters.some(({ replaying }) => replaying));
  });
  const outbox: Scope = { of: "outbox", subscribers: ["sink"], limit: 100, maxEvents: 10 };
  expect((await world.ids(outbox)).toSorted()).toEqual(owed.toSorted());
  const dead = where(({ letters }) => letters.some(({ replaying }) => !replaying));
  expect((await world.ids({ of: "letters", limit: 100 })).toSorted()).toEqual(dead.toSorted());
  expect((await world.store.runs({})).rows.map(({ id }) => id)).toEqual(
    all.map(({ run: { id } }) => id).toReversed(),
  );
  for (const {
    run: { id },
    keys,
  } of all) {
    const { key } = await world.store.load({
      of: "run",
      runId: id,
      key: { type: "test", key: `key of ${id}` },
    });
    const [own] = keys;
    expect(key).toEqual(own !== undefined && (own.expiresAt === null || own.expiresAt > now) ? own : null);
  }
}

/** After any sequence of writes the indexes say what the rows say. */
export async function checkIndexes(
  create: (clock: { now: () => number }) => Promise<Shore>,
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.option(fc.nat({ max: 3 }), { freq: 3 })), { minLength: 5, maxLength: 60 }),
      async (steps) => {
        const world = await World.on(create);
        for (const [given, diesAfter] of steps) {
          await world.take(given, diesAfter);
          await check(world);
        }
        await drain(world);
        await world.shore.close?.();
      },
    ),
    { numRuns },
  );
}

/** What can be claimed in the end is what is due, in the order of the queue. */
async function drain(world: World): Promise<void> {
  const { now } = world;
  const due = (await world.all())
    .flatMap(({ jobs }) => jobs)
    .filter(({ worker, dueAt }) => worker === null && dueAt !== null && dueAt <= now);
  const { claimed, nextDueAt } = await world.store.jobs.claim({
    workerId: "w",
    handlers,
    kinds,
    limit: 100,
    leaseFor: 9,
  });
  const rank = ({ priority, dueAt }: (typeof due)[number]): number => -priority * 1e6 + (dueAt ?? 0);
  expect(claimed.map(({ job: { runId, stageId } }) => `${runId}/${stageId}`).toSorted()).toEqual(
    due.map(({ runId, stageId }) => `${runId}/${stageId}`).toSorted(),
  );
  expect(claimed.map(({ job }) => rank(job))).toEqual(due.map(rank).toSorted((left, right) => left - right));
  const later = (await world.all()).flatMap(({ jobs }) =>
    jobs.flatMap(({ worker, dueAt }) => (worker === null && dueAt !== null ? [dueAt] : [])),
  );
  expect(nextDueAt).toBe(later.length === 0 ? null : Math.min(...later));
}
