/** The client as its callers see it: the same in process, over a Worker and over HTTP. */
import type { Workflow } from "../define/workflow.ts";
import type { Results } from "../kernel/api.ts";
import type { Event, LogBatch, LogLevel, Run, RunStatus } from "../model.ts";
import type { Page, RunFilter, StorageReport } from "../ports/store.ts";

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

  /** Lists runs, newest first. */
  runs(filter?: RunFilter): Promise<Page<Run>>;

  /** Reads what stages logged. */
  logs(query: LogQuery): Promise<readonly LogBatch[]>;

  /** How safe the data is. */
  storage(): Promise<StorageReport>;

  /** Takes no more work, and waits for running bodies up to `graceMs` (30 s by default). Calls that wait are answered with StoppedError. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;

  /** Stops, and closes the store. */
  destroy(options?: { readonly graceMs?: number }): Promise<void>;
}
