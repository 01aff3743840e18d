/** What stands on disk. Every store but `keys` and `settled` is without an index; what is asked for otherwise is kept in memory. */
import type { Transaction as DexieTransaction } from "dexie";
import type { Job, Run, RunStatus } from "../../src/model.ts";
import type { Registry } from "../../src/ports/store.ts";
import type { Delta } from "./delta.ts";

/** One version of the schema. A version that shipped never changes; the next one says what is new. */
export interface SchemaVersion {
  /** Stores and their indexes, as Dexie writes them; keys stand outside the rows. */
  readonly stores: Readonly<Record<string, string | null>>;
  /** Turns the rows of the version before into this one's, in the transaction that opens the database. */
  readonly upgrade?: (transaction: DexieTransaction) => PromiseLike<unknown> | undefined;
}

/** All versions, the first one first: the number of a version is its place, from 1. */
export const versions: readonly SchemaVersion[] = [
  {
    stores: {
      // A RunRow by run id: runs that are not over. No index: each commit puts one.
      live: "",
      // An OrderedJob by run id and stage id: of runs that have too many for their row.
      jobs: "",
      // Deltas by run id and number: those that no longer fit into the run's row.
      deltas: "",
      // A KeyRecord by type and key. Most never expire, and what is null isn't in an index.
      keys: ",expiresAt",
      // A RunRow by run id: runs that are over. By key, for purging, and for lists; `lettered` is absent from most.
      settled:
        ",run.key,[run.status+run.settledAt],[run.status+nth],[run.workflowId+run.status+nth],lettered",
      // A Graph by its hash.
      graphs: "",
      // A LogBatch by run id, stage id, epoch, attempt and number of its first line.
      logs: "",
      // A Blob by the parts of its key.
      blobs: "",
      // One MetaRow.
      meta: "",
      // One row without a meaning: for strict commits that nothing else waits for.
      flush: "",
      // A ChangeRecord by its number, where changes are recorded.
      changes: "",
    },
  },
];

/** A run: what every commit of it writes. */
export interface RunRow {
  /** Its place in the order of creation, negative, so that an index gives the newest first. */
  readonly nth: number;
  readonly run: Run;
  /** Null where they stand in `jobs`. */
  readonly jobs: readonly Job[] | null;
  /** How many rows of `deltas` it has. */
  readonly chunks: number;
  /** The deltas after those. */
  readonly tail: readonly Delta[];
  /** Whether it has dead letters. */
  readonly lettered?: 1;
}

/** What is known of the whole database. */
export interface MetaRow {
  /** The highest epoch of a leader. */
  readonly epoch: number;
  /** Whose memory holds what stands here: the instance that wrote last. */
  readonly writer: string;
  readonly registry: Registry;
  /** How many runs stand in `settled`, by status: counting them there takes LevelDB a second for 60,000. */
  readonly settled: Readonly<Partial<Record<RunStatus, number>>>;
}

/** What is known of a database that was just made. */
export const NEW: MetaRow = { epoch: 0, writer: "", registry: { version: 0, subscribers: [] }, settled: {} };

/** The row as a transaction leaves it. */
export type MetaDraft = { -readonly [Name in keyof MetaRow]: MetaRow[Name] };

/** The key of the one row of `meta`. */
export const META = "meta";

/** All keys that begin with these parts. */
export function span(...parts: readonly (string | number)[]): IDBKeyRange {
  // An array is after every string and number.
  return IDBKeyRange.bound(parts, [...parts, []]);
}
