import type {
  BlobKey,
  ErrorRecord,
  EventBody,
  GroupKind,
  LogBatch,
  Payload,
  StageNode,
  Wake,
} from "../model.ts";

/** One execution of a stage's body, as data: it can be sent to a worker. */
export interface StageTask {
  readonly runId: string;
  readonly workflowId: string;
  readonly stage: StageNode;
  readonly epoch: number;
  readonly attempt: number;
  readonly token: number;
  /** Who holds the job's lease. */
  readonly worker: string | null;
  /** The workflow's input where `previous` is empty. */
  readonly input: Payload;
  /** The stages of the group before, whose outputs make the input. Empty for the first group. */
  readonly previous: readonly string[];
  /** `pipe`: the input is the one output; `parallel`: an object of the outputs by stage id. Null where `previous` is empty. */
  readonly previousKind: GroupKind | null;
  /** Outputs of the earlier stages that were loaded, by stage id; null for a skipped one. */
  readonly outputs: ReadonlyMap<string, Payload | null>;
  /** Config of all stages, or, with `ownConfig`, given by the caller for this execution. */
  readonly config: Payload;
  readonly ownConfig?: { readonly value: unknown };
  /** Present when the stage resumes. */
  readonly resume: { readonly state: Payload; readonly wake: Wake } | null;
  readonly idempotencyKey: string;
}

/** A Blob that a payload points to and that must be stored before the payload is committed. */
export interface PendingBlob {
  readonly key: BlobKey;
  readonly data: Blob;
}

/** What an execution gave. Never thrown: a body's errors are data. */
export type StageOutcome = {
  readonly events: readonly EventBody[];
  readonly blobs: readonly PendingBlob[];
} /** `value` is what the output was made of, where that is at hand. */ & (
  | { readonly kind: "completed"; readonly output: Payload; readonly value?: unknown }
  | { readonly kind: "skipped"; readonly reason: string | null }
  | {
      readonly kind: "suspended";
      readonly state: Payload;
      readonly signal: string | null;
      /** When to resume or check first; null to wait for the signal alone. */
      readonly dueIn: number | null;
      readonly maxWaitIn: number | null;
    }
  | { readonly kind: "failed"; readonly error: ErrorRecord; readonly retryable: boolean }
  /** It was told to stop: nothing is recorded by it. */
  | { readonly kind: "aborted"; readonly reason: AbortReason }
  /** Its worker died under it. */
  | { readonly kind: "crashed" }
);

/** Why an execution is told to stop. */
export type AbortReason = "cancelled" | "lease-lost" | "draining";

/** What a completion check gave. */
export type CheckOutcome =
  | { readonly kind: "waiting"; readonly checkIn: number }
  /** Complete: with an output the stage is completed with it, without one its body is resumed. */
  | {
      readonly kind: "ready";
      readonly output: { readonly payload: Payload; readonly blobs: readonly PendingBlob[] } | null;
    }
  | { readonly kind: "failed"; readonly error: ErrorRecord; readonly retryable: boolean }
  | { readonly kind: "aborted"; readonly reason: AbortReason }
  | { readonly kind: "crashed" };

/** What an execution reports while it is under way. */
export interface TaskObserver {
  progress(report: {
    readonly progress: number;
    readonly message?: string;
    readonly details?: unknown;
  }): void;
  logs(batch: LogBatch): Promise<void>;
  /** Reads a blob that a payload or an artifact points to. */
  readBlob(key: BlobKey): Promise<Blob | null>;
  /** Writes an artifact under the attempt's own key. */
  writeBlob(key: BlobKey, data: Blob): Promise<void>;
  /** The keys of the run's blobs, artifacts among them. */
  listBlobs(): Promise<readonly BlobKey[]>;
}

/** An execution under way. */
export interface Execution<Outcome> {
  /** Rejects only where what the body is given couldn't be read because the store is out of reach: the attempt is nobody's failure. */
  readonly outcome: Promise<Outcome>;
  /** Aborts the body's signal; the outcome is then `aborted` at once, whatever the body still does. */
  abort(reason: AbortReason): void;
  /** Settles when its code has come to its end, which may be long after an outcome that a timeout or an abort gave. Absent where nobody knows. */
  readonly over?: Promise<unknown> | undefined;
}

/** Executes stage bodies: in process, or in a pool of workers. */
export interface Executor {
  /** What it has code for: `workflowId/stageId`. */
  readonly handlers: ReadonlySet<string>;
  execute(task: StageTask, observer: TaskObserver): Execution<StageOutcome>;
  check(task: StageTask, observer: TaskObserver): Execution<CheckOutcome>;
}

/** Longest check of a stage that has no timeout of its own: a check is a question, and whoever asks is waiting. */
const CHECK_TIMEOUT_MS = 60_000;

/** How long an execution may take, in milliseconds; null for any time. */
export function limitOf(kind: "execute" | "check", { stage }: StageTask): number | null {
  return stage.policy.timeoutMs ?? (kind === "check" ? CHECK_TIMEOUT_MS : null);
}

/** The name under which a host says that it has code for a stage. */
export function handlerOf(workflowId: string, stageId: string): string {
  return `${workflowId}/${stageId}`;
}
