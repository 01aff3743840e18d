/** The client as its callers see it: the same in process, over a Worker and over HTTP. */
import type { Workflow } from "../define/workflow.ts";
import type { FeedChange } from "../hosts/remote/backend.ts";
import type { PluginReplayDlq, Results, RunPurge } from "../kernel/api.ts";
import type {
  BlobKey,
  DeadLetter,
  Event,
  Graph,
  LogBatch,
  LogLevel,
  Payload,
  Run,
  RunStatus,
  StageRecord,
} from "../model.ts";
import type { ChangeRecord, LoadedRun, Page, RunFilter, StorageReport } from "../ports/store.ts";

/** How a run is started. */
export interface StartOptions {
  /** The same key gives the same run, and another payload under it is an error; random by default. */
  readonly idempotencyKey?: string | undefined;
  /** Config by stage id; the schemas' defaults fill in the rest. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** Higher first; 0 by default, from -1000 to 1000. */
  readonly priority?: number | undefined;
  /** Notes, as `annotation:created` events of the new run. */
  readonly annotations?: Readonly<Record<string, unknown>> | undefined;
}

/** A stage, by its id or as itself. */
export type StageRef = string | { readonly id: string };

/** Live progress of one attempt. */
export interface RunProgress {
  readonly stageId: string;
  readonly epoch: number;
  readonly attempt: number;
  /** From 0 to 1. */
  readonly progress: number;
  readonly message?: string;
  readonly details?: unknown;
}

/** The events of a run as they are committed. `return()` ends it at once. */
export interface EventStream extends AsyncIterableIterator<Event, undefined> {
  return(): Promise<IteratorResult<Event, undefined>>;
}

/**
 * One run.
 *
 * @typeParam Output what it gives when it is completed
 */
export interface RunHandle<Output = unknown> {
  readonly id: string;
  readonly workflowId: string;

  /**
   * Waits until the run is settled, whoever executes it, and gives the output of its last stage, or after `parallel` an object of outputs by
   * stage id; skipped ones are absent.
   *
   * @throws RunFailedError, RunCancelledError; RunNotFoundError when it was purged; StoppedError when this engine is stopped before it is settled; SchemaError
   * when the output doesn't fit the workflow's output schema
   */
  result(): Promise<Output>;

  /** @throws RunNotFoundError when it was purged */
  status(): Promise<RunStatus>;

  /**
   * Its events in order, without gaps and each once: those in the journal, then those to come, until the run is settled.
   *
   * @param options.after only events after this sequence
   * @throws RunNotFoundError when it is purged meanwhile; StoppedError when this engine is stopped
   */
  events(options?: { readonly after?: number | undefined }): EventStream;

  /** Tells of live progress, at most some twenty times a second for each attempt; the answer ends it. What is told may be lost. */
  progress(listener: (progress: RunProgress) => void): () => void;

  /** Cancels it; false if it was settled already. */
  cancel(reason?: string): Promise<boolean>;

  /** Runs it again from a stage's execution group on; earlier outputs are kept. */
  rerunFrom(
    stage: StageRef,
    options?: { readonly idempotencyKey?: string | undefined; readonly force?: boolean | undefined },
  ): Promise<Results["run.rerunFrom"]>;

  /** A new run of the same graph that starts before that stage with this run's earlier outputs. */
  fork(
    stage: StageRef,
    options?: {
      readonly idempotencyKey?: string | undefined;
      readonly config?: Readonly<Record<string, unknown>> | undefined;
    },
  ): Promise<RunHandle<Output>>;

  /** Sends it a signal; answers whether a stage waited for it. One that comes early is kept. */
  signal(
    name: string,
    payload?: unknown,
    options?: { readonly idempotencyKey?: string | undefined },
  ): Promise<boolean>;
}

/** Which log lines to read. */
export interface LogQuery {
  readonly runId: string;
  readonly stageId?: string;
  /** This level and worse. */
  readonly level?: LogLevel;
  readonly limit?: number;
}

/** Which events of a run to read. */
export interface EventQuery {
  readonly runId: string;
  /** Only events after this sequence. */
  readonly after?: number;
  readonly limit?: number;
}

/** Which dead letters to read. */
export interface LetterQuery {
  readonly runId?: string;
  readonly subscriber?: string;
  readonly limit?: number;
}

/** Which part of the change log to read. */
export interface ChangeQuery {
  /** Only what came after this `n`. */
  readonly after?: number;
  readonly runId?: string;
  readonly limit?: number;
}

/**
 * A run as it stands at one moment, read consistently: its head, its graph, its input and config, the records of stages that are settled or
 * suspended, the jobs of those that are not (attempts, leases, when they are due), kept signals and dead letters.
 */
export type RunSnapshot = Pick<
  LoadedRun,
  "run" | "graph" | "body" | "stages" | "jobs" | "signals" | "letters"
>;

/** Starts runs and finds them. */
export interface Engine {
  /**
   * Starts a run of a workflow; typed by it. Waits while another caller starts one with the same key.
   *
   * @example const { words } = await (await engine.start(pipeline, { text })).result();
   * @throws SchemaError when the input or config doesn't fit; IdempotencyKeyReusedError; UnknownWorkflowError; StoppedError
   */
  start<Input, Output>(
    workflow: Workflow<Input, Output>,
    input: NoInfer<Input>,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;
  /** The same by the workflow's id, for untyped code. */
  start(workflowId: string, input: unknown, options?: StartOptions): Promise<RunHandle>;

  /** The run of this id, or else the one that was started with this idempotency key; null if there is neither. */
  get(idOrKey: string): Promise<RunHandle | null>;

  /**
   * The graphs of the workflows that can be started here by their id. In a page it waits for the first stage worker.
   *
   * @throws StageModuleError when the stage workers' module can't be loaded
   */
  workflows(): Promise<readonly Graph[]>;

  /** Lists runs, newest first. */
  runs(filter?: RunFilter): Promise<Page<Run>>;

  /** Reads what stages logged. */
  logs(query: LogQuery): Promise<readonly LogBatch[]>;

  /** Everything about one run, found as by {@link Engine.get}; null if there is none. Payloads in it are read by {@link Engine.value}. */
  inspect(idOrKey: string): Promise<RunSnapshot | null>;

  /** Reads a run's committed events, in order. {@link RunHandle.events} waits for those to come. */
  events(query: EventQuery): Promise<readonly Event[]>;

  /** The stage records of a run's earlier epochs: what a rerun replaced. */
  pastAttempts(runId: string): Promise<readonly StageRecord[]>;

  /** Events that a subscriber refused too often. */
  deadLetters(query?: LetterQuery): Promise<readonly DeadLetter[]>;

  /** Puts dead letters back for delivery; answers how many. */
  replayDeadLetters(options?: Omit<PluginReplayDlq, "type">): Promise<number>;

  /** Removes settled and delivered runs with all that hangs on them; answers how many. */
  purge(options?: Omit<RunPurge, "type">): Promise<number>;

  /** Each commit's row changes, oldest first; empty unless the store keeps them (`record: "changes"`). */
  changeLog(query?: ChangeQuery): Promise<readonly ChangeRecord[]>;

  /**
   * A payload's value, such as a stage record's output: a private copy, with its Blobs in their places.
   *
   * @throws BlobMissingError, CodecError
   */
  value(payload: Payload): Promise<unknown>;

  /** A blob of a run: an artifact, or a part of a payload; null if there is none. */
  blob(key: BlobKey): Promise<Blob | null>;

  /** The keys of a run's blobs. */
  blobs(runId: string): Promise<readonly BlobKey[]>;

  /**
   * Tells of commits and live progress of all runs, as hints: of several changes of a run only the last may be told. After a `gap`, read again
   * what is shown. The answer ends it.
   *
   * @example engine.subscribe((changes) => changes.some((change) => change.kind !== "progress") && refresh());
   */
  subscribe(listener: (changes: readonly FeedChange[]) => void): () => void;

  /** How safe the data is. */
  storage(): Promise<StorageReport>;

  /** Takes no more work, and waits for running bodies up to `graceMs` (30 s by default). Calls that wait are answered with StoppedError. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;

  /** Stops, and closes the store. */
  destroy(options?: { readonly graceMs?: number }): Promise<void>;
}
