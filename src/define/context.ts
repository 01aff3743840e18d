/** What a stage's body is given. Types only: the runner makes it. */
import type { LogLevel } from "../model.ts";
import type { Stage } from "./stage.ts";

/**
 * What `execute` and `checkCompletion` are given.
 *
 * @typeParam Input what the input schema gives
 * @typeParam Config what the config schema gives
 * @typeParam Outputs the outputs that it may read, by stage id
 */
export interface StageContext<Input = unknown, Config = unknown, Outputs = Record<string, unknown>> {
  /**
   * What came before, parsed: the workflow's input in the first execution group, the output of the stage before after
   * `pipe`, an object of outputs by stage id after `parallel`; undefined with `input: "none"`.
   */
  readonly input: Input;
  /** This stage's config, parsed, with the schema's defaults. */
  readonly config: Config;
  readonly runId: string;
  readonly stageId: string;
  /** Which execution of the body this is, from 1. */
  readonly attempt: number;
  /** Aborted when the run is cancelled, the attempt timed out or lost its lease, or the host drains. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this stage in this run epoch: to pass on to outside services. */
  readonly idempotencyKey: string;
  /** The state that the suspended body handed over, when it is resumed. */
  readonly resumeState: unknown;
  /** What woke the body, when it is resumed. */
  readonly resumedBy: ResumedBy | undefined;
  /** Artifacts: named blobs that belong to this attempt. */
  readonly storage: ArtifactStorage;

  /**
   * The output of an earlier stage, typed by the stages in `dependencies`.
   *
   * @throws MissingOutputError when that stage was skipped, or is not among the dependencies
   */
  require<Id extends keyof Outputs & string>(this: void, id: Id): Outputs[Id];
  require<Id extends keyof Outputs & string, Output>(this: void, stage: Stage<Id, unknown, Output>): Output;

  /** The output of an earlier stage, or undefined where it was skipped or is not there. */
  optional<Id extends keyof Outputs & string>(this: void, id: Id): Outputs[Id] | undefined;
  optional<Id extends keyof Outputs & string, Output>(
    this: void,
    stage: Stage<Id, unknown, Output>,
  ): Output | undefined;

  /** Writes a line to the attempt's log; at most 10,000 are kept. `meta` must be a payload value. */
  log(this: void, level: LogLevel, message: string, meta?: unknown): void;

  /** Tells observers how far the body is. Cheap: reports that come in quick succession are coalesced. */
  onProgress(this: void, report: ProgressReport): void;

  /** Notes something about the run, as an `annotation:created` event committed with this attempt's end. */
  annotate(this: void, name: string, value: unknown): void;
}

/** How far a body is. */
export interface ProgressReport {
  /** From 0 to 1. */
  readonly progress: number;
  readonly message?: string | undefined;
  readonly details?: unknown;
}

/** What woke a suspended stage: its time came, its check said ready, or the signal arrived. */
export type ResumedBy =
  | { readonly kind: "timer" }
  | { readonly kind: "check" }
  | { readonly kind: "signal"; readonly name: string; readonly payload: unknown };

/** Named blobs of a run, kept apart by stage and attempt, so that a late attempt can't replace a winner's. */
export interface ArtifactStorage {
  /** Keeps an artifact of this attempt; the same name again replaces it. */
  put(name: string, data: Blob | string | Uint8Array): Promise<void>;
  /** Reads this attempt's artifact, else that of the latest earlier attempt, or with `stage` another stage's; null if there is none. */
  get(name: string, options?: ArtifactOptions): Promise<Blob | null>;
  /** The names that `get` would find. */
  list(options?: ArtifactOptions): Promise<readonly string[]>;
}

/** Whose artifacts to read. */
export interface ArtifactOptions {
  /** Another stage of the run, by id or as the stage itself; this one by default. */
  readonly stage?: string | Stage | undefined;
}
