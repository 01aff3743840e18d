/** The tables: what hangs on one run stands together, so that purging it is forgetting one object. */
import type {
  DeadLetter,
  Graph,
  Job,
  JournalRecord,
  KeyRecord,
  LogBatch,
  Run,
  RunBody,
  Signal,
  StageRecord,
} from "../../src/model.ts";
import type { Registry } from "../../src/ports/store.ts";
import { Heap, type Spot } from "./heap.ts";
import { Outbox } from "./outbox.ts";
import { JobQueue } from "./queue.ts";
import { RunIndex } from "./run-index.ts";

/** A job's row with its place in the queue. Rows are replaced, never changed. */
export interface JobSlot extends Spot {
  readonly rows: RunRows;
  readonly stageId: string;
  /** Order of insertion: what decides between equals. */
  readonly order: number;
  job: Job;
}

/** An idempotency record with its place among those that expire. */
export interface KeySlot extends Spot {
  record: KeyRecord;
}

/** All rows of one run. Tables that most runs never need are made when first written. */
export interface RunRows extends Spot {
  readonly id: string;
  /** Order of creation. */
  readonly order: number;
  head: Run;
  body: RunBody | null;
  readonly jobs: Map<string, JobSlot>;
  readonly stages: Map<string, StageRecord>;
  /** Ascending by their first sequence. */
  readonly journal: JournalRecord[];
  readonly keys: KeySlot[];
  past: Map<string, StageRecord> | null;
  letters: Map<string, DeadLetter> | null;
  /** How many of the dead letters were put back. */
  replaying: number;
  signals: Map<string, Signal> | null;
  logs: Map<string, LogBatch> | null;
}

/** Everything that the store holds. */
export class Tables {
  readonly runs = new Map<string, RunRows>();
  /** Runs by the key that created them, the latest last: commands of different types may use the same key. */
  readonly runsByKey = new Map<string, RunRows[]>();
  /** Kept for good: their number grows with the versions of the workflows, not with their runs. */
  readonly graphs = new Map<string, Graph>();
  /** By type, then key: cheaper than one map by a joined text. */
  readonly keys = new Map<string, Map<string, KeySlot>>();
  /** Records with an expiry, the soonest first. */
  readonly expiring = new Heap<KeySlot>(expiresBefore);
  readonly queue = new JobQueue();
  readonly index = new RunIndex();
  readonly outbox = new Outbox();
  registry: Registry = { version: 0, subscribers: [] };
  /** The highest epoch of a leader that committed. */
  epoch = 0;
  #order = 0;

  /** The next number of an order of insertion. */
  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  /** Lets the order go on after what was numbered before. */
  orderAfter(order: number): void {
    this.#order = Math.max(this.#order, order);
  }

  /** The record of a key, expired or not. */
  key(type: string, key: string): KeySlot | undefined {
    return this.keys.get(type)?.get(key);
  }

  /** Whether these rows are those of a run that is there. */
  holds(rows: RunRows): boolean {
    return this.runs.get(rows.id) === rows;
  }

  /** Brings every index in line with a run's present rows; also those of a run that is gone, or back after a rollback. */
  reindex(rows: RunRows): void {
    const present = this.holds(rows);
    this.index.update(rows, present);
    this.outbox.update(rows, present);
  }
}

function expiresBefore(left: KeySlot, right: KeySlot): boolean {
  return (left.record.expiresAt ?? 0) < (right.record.expiresAt ?? 0);
}

/** Whether a record counts: an expired one counts as absent. */
export function isLive(record: KeyRecord, now: number): boolean {
  return record.expiresAt === null || record.expiresAt > now;
}
