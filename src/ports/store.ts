/**
 * The one port to durable state. A store loads rows, checks guards and writes; it decides nothing. All rules (retries,
 * transitions, deadlines, idempotency) stand in the kernel, and the store owns the only clock: durations in what is
 * written become instants inside the transaction.
 */
import type {
  BlobKey,
  Cursor,
  DeadLetter,
  Event,
  EventBody,
  Graph,
  Job,
  JobKind,
  JournalRecord,
  KeyRecord,
  LogBatch,
  LogLevel,
  Run,
  RunBody,
  RunState,
  RunStatus,
  Signal,
  StageRecord,
} from "../model.ts";
import type { BlobStore } from "./blob-store.ts";

/** An instant as it is written: absolute, never, or so many milliseconds after the commit. */
export type Instant = number | null | { readonly in: number };

/** The instant of the commit itself. */
export const NOW: Instant = Object.freeze({ in: 0 });

/** Replaces the named instants of a row by what a writer may say. */
type Timed<Row, Keys extends keyof Row> = Omit<Row, Keys> & { readonly [K in Keys]: Instant };

/** A job to put. Its key is run and stage. */
export type JobWrite = Timed<
  Job,
  "leaseUntil" | "renewedAt" | "dueAt" | "enqueuedAt" | "startedAt" | "deadlineAt"
>;
/** A stage record to put. Its key is run and stage. */
export type StageWrite = Timed<StageRecord, "startedAt" | "endedAt">;
/** A cursor to put. Its key is run and subscriber. */
export type CursorWrite = Timed<Cursor, "heldUntil" | "dueAt">;
/** A dead letter to put. Its key is run, subscriber and sequence. */
export type LetterWrite = Timed<DeadLetter, "at">;
/** An idempotency record to put. Its key is type and key. */
export type KeyWrite = Timed<KeyRecord, "createdAt" | "expiresAt">;

/** A run to insert. Version, sequence and instants are the store's. */
export type RunWrite = RunState &
  Pick<Run, "id" | "workflowId" | "graph" | "priority" | "key" | "forkedFrom">;

/** What must still hold in the transaction; the first that doesn't is named in the verdict. */
export interface Guards {
  /** The run's version. */
  readonly version?: number;
  /** The run's epoch. */
  readonly epoch?: number;
  /** The run's open stages. */
  readonly remaining?: number;
  /** Those of them that are not suspended. */
  readonly active?: number;
  /** Jobs that must exist with these values. `leaseUntil` is given by who frees a lease, `attempt` by who cancels what hasn't started. */
  readonly jobs?: readonly {
    readonly stageId: string;
    readonly token: number;
    readonly attempt?: number;
    readonly leaseUntil?: number;
  }[];
  /** Cursors with these tokens; token 0 says that there is none yet. */
  readonly cursors?: readonly { readonly subscriber: string; readonly token: number }[];
  /** The version of the list of subscribers. */
  readonly registry?: number;
  /** The run must not exist: for what outlived it. */
  readonly gone?: true;
}

/** The names of the guards, as verdicts give them. `run`: the run must exist, or, for a new one, must not. */
export type GuardName =
  | "run"
  | "version"
  | "epoch"
  | "remaining"
  | "active"
  | "job"
  | "cursor"
  | "registry"
  | "key";

/**
 * What one decision writes about one run: committed whole or not at all. A batch holds at most one entry a run.
 *
 * `state`, when there, is the versioned part of the head: it is set, and the version grows by one. `counters` are set by who
 * starts a group and added to by who finishes one stage of it, so that siblings don't conflict. Events get their
 * sequences from the run's head in the transaction. Order of application: drops, then puts.
 */
export interface Entry {
  /** Unique; kept on the run and in the journal, so that a commit whose answer was lost can be settled. */
  readonly id: string;
  readonly runId: string;
  /** The command that decided it, for the change log. */
  readonly command: string;
  readonly guards: Guards;
  /** Inserts the run; the guard is that its id is not there. */
  readonly create?: RunWrite;
  /** Kept once per hash. */
  readonly graph?: Graph;
  readonly body?: RunBody;
  readonly state?: RunState;
  readonly counters?:
    | { readonly set: { readonly remaining: number; readonly active: number } }
    | { readonly add: { readonly remaining: number; readonly active: number } };
  readonly dropJobs?: readonly string[] | "all";
  readonly jobs?: readonly JobWrite[];
  readonly dropStages?: readonly string[];
  readonly stages?: readonly StageWrite[];
  /** Records of an earlier epoch, kept apart from the current ones. Their key is run, epoch and stage. */
  readonly past?: readonly StageRecord[];
  readonly events: readonly EventBody[];
  /** Keeps a journal record even without events, so that this entry can be settled after others have followed it. */
  readonly mark?: true;
  readonly cursors?: Readonly<Record<string, CursorWrite>>;
  readonly dropLetters?: readonly { readonly subscriber: string; readonly sequence: number }[];
  readonly letters?: readonly LetterWrite[];
  readonly dropSignals?: readonly string[];
  readonly signals?: readonly Signal[];
  /**
   * An idempotency record. `expect` is the id of the entry that wrote the record to be replaced, or null where there must be none
   * (an expired one counts as none); what stands there instead is the verdict `duplicate`.
   */
  readonly key?: { readonly put: KeyWrite; readonly expect: string | null };
  /** Only records of this run are dropped: an expired one may have become another run's since it was read. */
  readonly dropKeys?: readonly { readonly type: string; readonly key: string }[];
  /** Idempotency records that outlive their run, with their expiry; put without a guard. */
  readonly keepKeys?: readonly KeyRecord[];
  /** Deletes the run with all that hangs on it, the store's own blobs included; not idempotency records, which the entry names. */
  readonly purge?: true;
}

/** What became of one entry. */
export type Verdict =
  | Committed
  | { readonly status: "stale"; readonly guard: GuardName }
  | { readonly status: "duplicate"; readonly record: KeyRecord }
  | { readonly status: "invalid"; readonly error: Error }
  | { readonly status: "unknown"; readonly error: Error };

/** The head's values after the entry. */
export interface Committed {
  readonly status: "committed";
  /** The instant of the commit. */
  readonly at: number;
  readonly version: number;
  /** Sequence of the run's last event; the entry's own are the last ones up to it. */
  readonly sequence: number;
  readonly remaining: number;
  readonly active: number;
}

/** What a command must see of one run. Rows that are not asked for are not read. */
export interface RunScope {
  readonly runId: string;
  readonly graph?: boolean;
  readonly body?: boolean;
  readonly jobs?: "all" | readonly string[];
  readonly stages?: "all" | readonly string[];
  /** The jobs that are suspended on this signal, each with its stage record. */
  readonly awaiting?: string;
  readonly signals?: boolean;
  readonly keys?: boolean;
}

/** What a command must see before it decides. */
export type Scope =
  | ({ readonly of: "run"; readonly key?: { readonly type: string; readonly key: string } } & RunScope)
  /** PENDING runs of these workflows, by priority, then age; with their graphs. */
  | { readonly of: "pending"; readonly workflowIds: readonly string[] | null; readonly limit: number }
  /** Leased jobs that expired, were not renewed for `staleMs`, or whose worker is in `dead`; with their runs and graphs. */
  | {
      readonly of: "stale";
      readonly staleMs: number | null;
      readonly dead: readonly string[];
      readonly limit: number;
    }
  /** RUNNING and SUSPENDED runs that have no job and were not updated for `idleMs`; with graphs and stages. */
  | { readonly of: "stuck"; readonly idleMs: number; readonly limit: number }
  /**
   * Runs with events after a cursor of one of `subscribers` that is due and that nobody holds (a run without such a cursor counts
   * as at 0), with at most `maxEvents` journal records each from the lowest such position on; and runs with dead letters put back for
   * them, with the records that those events stand in.
   */
  | {
      readonly of: "outbox";
      readonly subscribers: readonly string[];
      readonly limit: number;
      readonly maxEvents: number;
    }
  /** Runs with dead letters that are not replaying. */
  | {
      readonly of: "letters";
      readonly runId?: string;
      readonly subscriber?: string;
      readonly type?: string;
      readonly limit: number;
    }
  /**
   * Settled and delivered runs with their keys and dead letters, oldest settlement first, and the expired keys of runs that are gone
   * (`orphans`).
   */
  | {
      readonly of: "purgeable";
      readonly olderThanMs: number;
      readonly status: readonly RunStatus[] | null;
      readonly keep: number;
      readonly limit: number;
    }
  /** Whether an entry whose answer was lost was committed. */
  | { readonly of: "entry"; readonly runId: string; readonly entry: string };

/** One run as it was loaded: only what was asked for is filled. */
export interface LoadedRun {
  readonly run: Run;
  readonly graph: Graph | null;
  readonly body: RunBody | null;
  readonly jobs: readonly Job[];
  readonly stages: readonly StageRecord[];
  readonly signals: readonly Signal[];
  readonly journal: readonly JournalRecord[];
  readonly letters: readonly DeadLetter[];
  readonly keys: readonly KeyRecord[];
}

/** What a scope saw, in one consistent read. */
export interface Loaded {
  /** The store's clock; it only stamps what the kernel reports, it decides nothing. */
  readonly now: number;
  readonly runs: readonly LoadedRun[];
  readonly key: KeyRecord | null;
  /** Keys that expired and whose runs are gone; for `purgeable`. */
  readonly orphans: readonly KeyRecord[];
  /** For `entry`: the run's head as that entry, or a later one, left it; null if it was not committed. */
  readonly settled: Committed | null;
}

/** A leased job with the head of its run. */
export interface Claimed {
  readonly job: Job;
  readonly run: Run;
}

/** Names a lease. */
export interface LeaseRef {
  readonly runId: string;
  readonly stageId: string;
  readonly epoch: number;
  readonly token: number;
}

/** The queue's own facet of the store. */
export interface JobTransport {
  /**
   * Leases due jobs and does nothing else: worker, expiry, token + 1, not started. Highest priority first, then the longest due.
   * `handlers` are the `workflowId/stageId` that the host has code for.
   */
  claim(request: {
    readonly workerId: string;
    readonly handlers: ReadonlySet<string>;
    readonly kinds: readonly JobKind[];
    readonly limit: number;
    readonly leaseFor: number;
    /** Only this one job, due or, unless it is suspended, in back-off, as long as nobody leases it: for `job.execute` without a token. */
    readonly only?: { readonly runId: string; readonly stageId: string };
  }): Promise<{
    readonly now: number;
    readonly claimed: readonly Claimed[];
    /** When the next job of these handlers and kinds becomes due, if one is known to. */
    readonly nextDueAt: number | null;
  }>;
  /** Extends leases; answers which of them are no longer held (reaped, cancelled, finished, rerun). Touches only the lease. */
  heartbeat(request: {
    readonly leases: readonly LeaseRef[];
    readonly leaseFor: number;
  }): Promise<{ readonly lost: readonly LeaseRef[] }>;
  /** Gives leases back uncounted (draining, a closing page): due at once, token + 1, not started, no worker. */
  release(request: { readonly leases: readonly LeaseRef[] }): Promise<{ readonly released: number }>;
  /** The workers that hold leases now. */
  holders(): Promise<readonly string[]>;
}

/** A registered subscriber. It is given what was committed since. */
export interface Registration {
  readonly name: string;
  readonly since: number;
}

/** All registered subscribers, with a version that grows when the list changes. */
export interface Registry {
  readonly version: number;
  readonly subscribers: readonly Registration[];
}

/** What happened, for observers. A hint: it may be lost between processes, and says nothing that a query wouldn't. */
export type Change =
  | {
      readonly kind: "commit";
      readonly runId: string;
      readonly workflowId: string;
      readonly status: RunStatus | "PURGED";
      readonly sequence: number;
      /** Whether jobs may have become claimable. */
      readonly due: boolean;
    }
  | {
      readonly kind: "progress";
      readonly runId: string;
      readonly stageId: string;
      readonly epoch: number;
      readonly attempt: number;
      readonly progress: number;
      readonly message?: string;
      readonly details?: unknown;
    };

/** A row before and after a commit. */
export interface RowChange {
  readonly table:
    | "run"
    | "body"
    | "job"
    | "stage"
    | "past"
    | "journal"
    | "letter"
    | "signal"
    | "key"
    | "graph";
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** One committed entry, as a store with `record: "changes"` keeps it. */
export interface ChangeRecord {
  /** Grows by one with each entry. */
  readonly n: number;
  /** Entries with the same number were one transaction. */
  readonly commit: number;
  readonly at: number;
  readonly runId: string;
  readonly entry: string;
  readonly command: string;
  readonly rows: readonly RowChange[];
}

/** A page of rows, and the cursor of the next one. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** Which runs to list, newest first. */
export interface RunFilter {
  readonly status?: readonly RunStatus[];
  readonly workflowId?: string;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** How safe the data is. */
export interface StorageReport {
  readonly kind: string;
  /** Whether it outlives the process or page. */
  readonly durable: boolean;
  /** Whether the platform promised not to evict it; null where the question doesn't arise. */
  readonly persisted: boolean | null;
  readonly usageBytes: number | null;
  readonly quotaBytes: number | null;
  readonly runs: number;
}

/** Durable state. See the conformance suite in `sluice/testing` for what each method must hold to. */
export interface Store {
  /** `memory`, `indexeddb`, `postgres`. */
  readonly kind: string;
  readonly blobs: BlobStore;
  readonly jobs: JobTransport;
  load(scope: Scope): Promise<Loaded>;
  /**
   * One transaction for all entries, each with its own verdict, in their order. Rejects only when nothing was committed
   * (closed, full, no connection).
   * @param epoch the leader's, for stores that have one leader: all entries are stale when it isn't the current one
   */
  commit(entries: readonly Entry[], epoch?: number): Promise<readonly Verdict[]>;
  /** Makes what was committed so far survive a power loss; called before an event leaves. Absent where every commit does. */
  harden?(): Promise<void>;
  /** Appends lines; lines of runs that don't exist are dropped. */
  appendLogs(batches: readonly LogBatch[]): Promise<void>;
  /** Makes names known (a known one keeps its `since`) and answers the whole list. */
  register(names: readonly string[]): Promise<Registry>;
  /** Forgets a subscriber: what it was not given no longer keeps runs from being purged. */
  unregister(name: string): Promise<Registry>;

  run(runId: string): Promise<LoadedRun | null>;
  /** The latest run that `run.create` created with this key. Forks have keys of their own kind, and are not found by them. */
  runByKey(key: string): Promise<Run | null>;
  runs(filter: RunFilter): Promise<Page<Run>>;
  /** Committed events after a sequence, in order. */
  events(query: {
    readonly run: string;
    readonly after?: number;
    readonly limit?: number;
  }): Promise<readonly Event[]>;
  logs(query: {
    readonly runId: string;
    readonly stageId?: string;
    readonly level?: LogLevel;
    readonly limit?: number;
  }): Promise<readonly LogBatch[]>;
  past(runId: string): Promise<readonly StageRecord[]>;
  letters(query: {
    readonly runId?: string;
    readonly subscriber?: string;
    readonly limit?: number;
  }): Promise<readonly DeadLetter[]>;
  /** The change log after `n`, oldest first; empty unless the store was made with `record: "changes"`. */
  changes(query: {
    readonly after?: number;
    readonly runId?: string;
    readonly limit?: number;
  }): Promise<readonly ChangeRecord[]>;

  subscribe(listener: (changes: readonly Change[]) => void): () => void;
  /** Tells observers of live progress; nothing is written. */
  announce(change: Change): void;
  storage(): Promise<StorageReport>;
  /** Refuses further calls with `StoreClosedError`. */
  close(): Promise<void>;
}

/** The text of a blob's key, unique and ordered by run. */
export function blobPath(key: BlobKey): string {
  return [key.runId, key.epoch, key.stageId, key.attempt, key.name]
    .map((part) => encodeURIComponent(String(part)))
    .join("/");
}
