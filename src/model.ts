/**
 * The glossary as types. Plain data only: everything here can be stored, sent to a worker or printed.
 *
 * Instants are milliseconds since 1970 on the store's clock; durations are milliseconds and end in `Ms`, `For` or `In`.
 */

/** Where a run stands. `COMPLETED`, `FAILED` and `CANCELLED` are settled; the others are live. */
export type RunStatus = "PENDING" | "RUNNING" | "SUSPENDED" | "COMPLETED" | "FAILED" | "CANCELLED";

/** Where one stage of one run stands. */
export type StageStatus = RunStatus | "SKIPPED";

/** What a status of a run means for who waits on it: nothing more will happen by itself. */
export function isSettled(status: StageStatus): boolean {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED" || status === "SKIPPED";
}

/** How long to wait between attempts: `min(maxMs, initialMs * factor ** (failures - 1))`, reduced by up to `jitter` of itself. */
export interface Backoff {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Share of the delay, 0 to 1, that chance may take off. */
  readonly jitter: number;
}

/** The bounds under which a stage is executed. Part of the graph, so that a kernel without user code knows them. */
export interface StagePolicy {
  /** Executions of a body that throws, 3 by default. */
  readonly maxAttempts: number;
  /** Executions whose worker died under the body before the stage is quarantined, 5 by default. */
  readonly maxCrashes: number;
  /** Longest single attempt, or null for no limit. */
  readonly timeoutMs: number | null;
  readonly backoff: Backoff;
}

/** One stage in a graph. */
export interface StageNode {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** Index of its execution group. */
  readonly group: number;
  /** `previous`: the output of the group before (or the workflow's input); `none`: no input at all. */
  readonly input: "previous" | "none";
  /** The stages whose outputs it may read, or null for all earlier ones. */
  readonly dependencies: readonly string[] | null;
  /** Whether its code has a `checkCompletion`. */
  readonly checks: boolean;
  readonly policy: StagePolicy;
}

/**
 * How a group came to be: it tells one stage after another from a parallel group of one, whose output is an object by stage id like that of
 * any other.
 */
export type GroupKind = "pipe" | "parallel";

/** A workflow as data. Immutable; a run names it by `hash`. */
export interface Graph {
  /** SHA-256 of the canonical encoding of everything else in it, in hexadecimal. */
  readonly hash: string;
  readonly workflowId: string;
  readonly name: string;
  readonly description?: string;
  readonly stages: readonly StageNode[];
  /** Stage ids by execution group. */
  readonly groups: readonly (readonly string[])[];
  /** The groups' kinds, in the same order. */
  readonly kinds: readonly GroupKind[];
}

/** An error as data: it crosses workers, stores and HTTP. */
export interface ErrorRecord {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  /** The stage that failed, on a run's error. */
  readonly stageId?: string;
  /** Where in a value a schema was not met. */
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}

/** Names one blob. The attempt is part of it, so that a late writer can't replace a winner's output. */
export interface BlobKey {
  readonly runId: string;
  readonly epoch: number;
  readonly stageId: string;
  readonly attempt: number;
  readonly name: string;
}

/** A Blob or File that stands outside the payload it belongs to. */
export interface BlobRef {
  /** Where in the value it stands. Map keys and Set members are addressed by their position. */
  readonly path: readonly (string | number)[];
  readonly key: BlobKey;
  readonly size: number;
  readonly type: string;
  /** A File's name and last modification; absent for a plain Blob. */
  readonly file?: { readonly name: string; readonly lastModified: number };
}

/**
 * A user's value as a store keeps it: by value, or, when large, as text in the blob store. Blobs and Files are
 * taken out of the value and listed in `blobs`; null stands in their place, and an empty object for each that was a Map's key or a Set's
 * member, so that they stay apart.
 */
export type Payload =
  | { readonly kind: "value"; readonly value: unknown; readonly blobs?: readonly BlobRef[] }
  | {
      readonly kind: "blob";
      readonly codec: string;
      readonly key: BlobKey;
      readonly size: number;
      readonly blobs?: readonly BlobRef[];
    };

/** A subscriber's place in one run's journal, and the lease of whoever delivers from it. */
export interface Cursor {
  /** Sequence of the last event that was delivered or passed over. */
  readonly position: number;
  /** Grows with every change of holder; guards every move. */
  readonly token: number;
  readonly holder: string | null;
  readonly heldUntil: number;
  /** Failed deliveries in a row of the event after `position`. */
  readonly failures: number;
  /** Not before this instant, after a failure. */
  readonly dueAt: number;
}

/** The part of a run that only version-guarded entries change. */
export interface RunState {
  readonly status: RunStatus;
  /** Grows with each rerun, from 1. A token of an earlier epoch is void. */
  readonly epoch: number;
  /** Index of the current execution group, or, while PENDING, of the one to start with. */
  readonly group: number;
  /** The first final failure. While siblings still run it stands here and the run is still RUNNING. */
  readonly error: ErrorRecord | null;
  /** Whether it is settled and every registered subscriber has been given every event. */
  readonly delivered: boolean;
}

/** A run's head: small and hot. Payloads and graph stand apart. */
export interface Run extends RunState {
  readonly id: string;
  readonly workflowId: string;
  /** Hash of its graph. */
  readonly graph: string;
  readonly priority: number;
  /** The idempotency key that created it. */
  readonly key: string;
  readonly forkedFrom: { readonly runId: string; readonly stageId: string } | null;
  /** Grows with every version-guarded entry. */
  readonly version: number;
  /** Sequence of its last event; the first event has 1. */
  readonly sequence: number;
  /** Stages of the current group that are not settled. */
  readonly remaining: number;
  /** Stages of the current group that are neither settled nor suspended. */
  readonly active: number;
  readonly cursors: Readonly<Record<string, Cursor>>;
  /** Id of the last entry that was committed for it. */
  readonly entry: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When it reached its settled status; null while live. */
  readonly settledAt: number | null;
}

/** A run's payloads, read only when needed. */
export interface RunBody {
  readonly runId: string;
  readonly input: Payload;
  /** Config by stage id as it was given; each stage parses its part. */
  readonly config: Payload;
}

/**
 * What a job is due for: `execute` its body, `check` whether what it suspended on is complete, or nothing but a
 * signal or its deadline (`wait`).
 */
export type JobKind = "execute" | "check" | "wait";

/** A queue row: one stage that is due, delayed, suspended or leased. It goes when the stage is settled. */
export interface Job {
  readonly runId: string;
  readonly stageId: string;
  readonly workflowId: string;
  readonly epoch: number;
  readonly group: number;
  readonly kind: JobKind;
  readonly priority: number;
  /** Executions of the body started so far, in this epoch. */
  readonly attempt: number;
  /** Attempts that threw. */
  readonly failures: number;
  /** Attempts whose worker died. */
  readonly crashes: number;
  /** Completion checks that failed in a row. */
  readonly checkFailures: number;
  /** Whether the body was started under the present lease. */
  readonly started: boolean;
  /** The fencing token: grows with every claim, release and reap. */
  readonly token: number;
  readonly worker: string | null;
  readonly leaseUntil: number;
  readonly renewedAt: number;
  /** Claimable from then on; null for never (it waits for a signal without a deadline). */
  readonly dueAt: number | null;
  readonly enqueuedAt: number;
  /** When the present or last attempt was started. */
  readonly startedAt: number | null;
  /** Whether the stage is suspended now: its body isn't under way and nothing is wrong. */
  readonly suspended: boolean;
  /** Whether the stage record holds a state to resume from. */
  readonly resumes: boolean;
  /** The signal that it is suspended on. */
  readonly signal: string | null;
  /** When its `maxWaitTime` ends. */
  readonly deadlineAt: number | null;
}

/** What woke a suspended stage. */
export type Wake =
  | { readonly kind: "timer" }
  | { readonly kind: "check" }
  | { readonly kind: "signal"; readonly name: string; readonly payload: Payload };

/** One stage of one run, written when it is settled or suspended; before that its job speaks for it. */
export interface StageRecord {
  readonly runId: string;
  readonly stageId: string;
  readonly epoch: number;
  readonly group: number;
  readonly status: StageStatus;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly worker: string | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly output: Payload | null;
  readonly error: ErrorRecord | null;
  /** What a suspended stage handed over to its resumption. */
  readonly state: Payload | null;
  readonly wake: Wake | null;
  readonly reason: string | null;
}

/** A signal that came before any stage waited for it. */
export interface Signal {
  readonly runId: string;
  readonly id: string;
  readonly name: string;
  readonly payload: Payload;
}

/** The record of an idempotency key. `type` and `key` identify it. */
export interface KeyRecord {
  readonly type: string;
  readonly key: string;
  /** Canonical encoding of the command, or its SHA-256 where that is shorter. */
  readonly hash: string;
  readonly runId: string;
  /** Id of the entry that wrote it: what a later writer must name to replace it. */
  readonly entry: string;
  readonly createdAt: number;
  /** Set once its run is purged; from then on it counts as absent. */
  readonly expiresAt: number | null;
  /** Who executes under it, while it is open; null once it has its result. */
  readonly open: { readonly stageId: string; readonly epoch: number; readonly token: number } | null;
  readonly result: unknown;
}

/** An event that a subscriber refused too often. */
export interface DeadLetter {
  readonly runId: string;
  readonly subscriber: string;
  readonly sequence: number;
  readonly type: string;
  readonly error: ErrorRecord;
  readonly failures: number;
  readonly at: number;
  /** Whether it was put back for delivery. */
  readonly replaying: boolean;
}

/** Events and their payloads: what happened, for subscribers and observers. */
export interface EventPayloads {
  "workflow:created": { readonly graph: string; readonly priority: number; readonly forkedFrom?: string };
  "workflow:started": { readonly epoch: number; readonly group: number };
  "workflow:suspended": { readonly epoch: number };
  "workflow:completed": { readonly epoch: number };
  "workflow:failed": { readonly epoch: number; readonly error: ErrorRecord };
  "workflow:cancelled": { readonly epoch: number; readonly reason?: string };
  "stage:started": StageEvent & { readonly worker: string | null; readonly resumed?: boolean };
  "stage:progress": StageEvent & {
    readonly progress: number;
    readonly message?: string;
    readonly details?: unknown;
    /** When the stage reported it, on the executing host's clock. */
    readonly at: number;
  };
  "stage:suspended": StageEvent & { readonly signal?: string; readonly checkIn?: number };
  "stage:completed": StageEvent;
  "stage:failed": StageEvent & { readonly error: ErrorRecord };
  "stage:retrying": StageEvent & { readonly error: ErrorRecord; readonly delayMs: number };
  "stage:skipped": StageEvent & { readonly reason?: string };
  "lease:reaped": StageEvent & { readonly worker: string | null; readonly cause: "expired" | "dead" };
  "annotation:created": {
    readonly stageId?: string;
    readonly attempt?: number;
    readonly name: string;
    readonly value: unknown;
  };
}

/** What every event about a stage says. */
export interface StageEvent {
  readonly stageId: string;
  readonly epoch: number;
  readonly attempt: number;
}

/** The name of an event. */
export type EventType = keyof EventPayloads;

/** An event before its commit gives it a sequence and an instant. */
export type EventBody = {
  readonly [T in EventType]: { readonly type: T; readonly payload: EventPayloads[T] };
}[EventType];

/** A committed event. Its `id` is `runId:sequence`; a subscriber deduplicates by it. */
export type Event = EventBody & {
  readonly id: string;
  readonly sequence: number;
  /** When it was committed, on the store's clock. */
  readonly timestamp: number;
  readonly workflowRunId: string;
  readonly workflowId: string;
  /** True on a dead letter's late delivery. */
  readonly replayed?: true;
};

/** The events of one commit, as the journal keeps them. */
export interface JournalRecord {
  readonly runId: string;
  /** Sequence of the first of its events. */
  readonly from: number;
  readonly at: number;
  /** Id of the entry that wrote it. */
  readonly entry: string;
  readonly events: readonly EventBody[];
}

/** How bad a log line is. */
export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** One line that a stage logged. */
export interface LogLine {
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly meta?: unknown;
}

/** Lines of one attempt, appended apart from the run's guards so that a crashed attempt's lines survive. */
export interface LogBatch {
  readonly runId: string;
  readonly stageId: string;
  readonly epoch: number;
  readonly attempt: number;
  /** Number of the first line in the attempt, from 0. */
  readonly from: number;
  readonly lines: readonly LogLine[];
}
