/** Which runs have events that a subscriber was not given yet, by when its cursor may be taken. */
import type { Run } from "../../src/model.ts";
import { Heap, type Spot } from "./heap.ts";
import type { RunRows } from "./schema.ts";

/** One subscriber's arrears on one run. */
interface Arrears extends Spot {
  readonly rows: RunRows;
  /** From then on its cursor is due and free. */
  readonly readyAt: number;
  readonly order: number;
}

interface Lane {
  readonly byRun: Map<RunRows, Arrears>;
  readonly heap: Heap<Arrears>;
}

/** Arrears by subscriber. A lane is made when its subscriber's runs are first asked for. */
export class Outbox {
  readonly #lanes = new Map<string, Lane>();
  /** Runs with dead letters, so that nobody looks for them in all runs. */
  readonly lettered = new Set<RunRows>();
  /** Those of them of which some were put back. */
  readonly replaying = new Set<RunRows>();
  #order = 0;

  /** Brings the arrears of one run in line with its head. */
  update(rows: RunRows, present: boolean): void {
    for (const [subscriber, lane] of this.#lanes) this.#updateIn(lane, subscriber, rows, present);
    keep(this.lettered, rows, present && rows.letters !== null && rows.letters.size > 0);
    keep(this.replaying, rows, present && rows.replaying > 0);
  }

  #updateIn(lane: Lane, subscriber: string, rows: RunRows, present: boolean): void {
    const before = lane.byRun.get(rows);
    const readyAt = present ? readyAtOf(rows.head, subscriber) : null;
    if (before !== undefined && before.readyAt === readyAt) return;
    if (before !== undefined) {
      lane.heap.remove(before);
      lane.byRun.delete(rows);
    }
    if (readyAt === null) return;
    this.#order += 1;
    const arrears: Arrears = { rows, readyAt, order: this.#order, home: null, at: 0 };
    lane.byRun.set(rows, arrears);
    lane.heap.add(arrears);
  }

  /** Runs with arrears of a subscriber whose cursor may be taken now, the longest ready first. */
  *ready(subscriber: string, now: number, all: Iterable<RunRows>): Generator<RunRows> {
    let lane = this.#lanes.get(subscriber);
    if (lane === undefined) {
      lane = { byRun: new Map(), heap: new Heap<Arrears>(isReadyBefore) };
      this.#lanes.set(subscriber, lane);
      for (const rows of all) this.#updateIn(lane, subscriber, rows, true);
    }
    for (const { rows, readyAt } of lane.heap.inOrder()) {
      if (readyAt > now) return;
      yield rows;
    }
  }

  /** Forgets a subscriber. */
  forget(subscriber: string): void {
    this.#lanes.delete(subscriber);
  }
}

function keep(set: Set<RunRows>, rows: RunRows, belongs: boolean): void {
  if (belongs) set.add(rows);
  else if (set.size > 0) set.delete(rows);
}

function isReadyBefore(left: Arrears, right: Arrears): boolean {
  return left.readyAt === right.readyAt ? left.order < right.order : left.readyAt < right.readyAt;
}

/** When a subscriber's cursor may be taken on a run; null where there is nothing for it. A run without its cursor counts as at 0. */
export function readyAtOf(run: Run, subscriber: string): number | null {
  const cursor = Object.hasOwn(run.cursors, subscriber) ? run.cursors[subscriber] : undefined;
  if (run.delivered || (cursor?.position ?? 0) >= run.sequence) return null;
  if (cursor === undefined) return 0;
  return cursor.holder === null ? cursor.dueAt : Math.max(cursor.dueAt, cursor.heldUntil);
}
