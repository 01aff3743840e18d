/** Makes what a body is given. */
import type { ArtifactStorage, ProgressReport, ResumedBy, StageContext } from "../define/context.ts";
import type { Stage } from "../define/stage.ts";
import type { LogLevel } from "../model.ts";
import type { StageTask } from "../ports/executor.ts";
import type { EarlierOutputs } from "./outputs.ts";
import type { Prepared } from "./prepare.ts";

/** What a context does, done by its attempt. */
export interface ContextOwner {
  readonly task: StageTask;
  readonly signal: AbortSignal;
  readonly artifacts: ArtifactStorage;
  log(level: LogLevel, message: string, meta: unknown): void;
  progress(report: ProgressReport): void;
  annotate(name: string, value: unknown): void;
}

/** The context of an attempt. */
export function createContext(
  owner: ContextOwner,
  prepared: Prepared,
  input: unknown,
  config: unknown,
): StageContext {
  return new Context(owner, prepared, input, config);
}

/**
 * Own properties throughout, so that a context can be taken apart and spread. What few bodies need is made when it is first read: an
 * AbortController costs 4 µs, more than all the rest. Both accessors are shared, because one of its own for each context, as in an
 * object literal, would give each a hidden class of its own, at 1.5 µs and much garbage.
 */
class Context implements StageContext {
  readonly input: unknown;
  readonly config: unknown;
  readonly runId: string;
  readonly stageId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly resumeState: unknown;
  readonly resumedBy: ResumedBy | undefined;
  declare readonly signal: AbortSignal;
  declare readonly storage: ArtifactStorage;
  readonly require: StageContext["require"];
  readonly optional: StageContext["optional"];
  readonly log: StageContext["log"];
  readonly onProgress: StageContext["onProgress"];
  readonly annotate: StageContext["annotate"];
  readonly #owner: ContextOwner;

  constructor(owner: ContextOwner, prepared: Prepared, input: unknown, config: unknown) {
    const { task } = owner;
    const { outputs, suspended } = prepared;
    this.#owner = owner;
    this.input = input;
    this.config = config;
    this.runId = task.runId;
    this.stageId = task.stage.id;
    this.attempt = task.attempt;
    this.idempotencyKey = task.idempotencyKey;
    this.resumeState = suspended?.state;
    this.resumedBy = prepared.resumedBy;
    this.require = requireOf(outputs);
    this.optional = optionalOf(outputs);
    this.log = (level, message, meta) => owner.log(level, message, meta);
    this.onProgress = (report) => owner.progress(report);
    this.annotate = (name, value) => owner.annotate(name, value);
    Object.defineProperty(this, "signal", Context.#signal);
    Object.defineProperty(this, "storage", Context.#storage);
  }

  static readonly #signal = {
    enumerable: true,
    get(this: Context): AbortSignal {
      return this.#owner.signal;
    },
  };

  static readonly #storage = {
    enumerable: true,
    get(this: Context): ArtifactStorage {
      return this.#owner.artifacts;
    },
  };
}

function requireOf(outputs: EarlierOutputs): StageContext["require"] {
  return (wanted: string | Stage) => outputs.require(idOf(wanted)) as never;
}

function optionalOf(outputs: EarlierOutputs): StageContext["optional"] {
  return (wanted: string | Stage) => outputs.optional(idOf(wanted)) as never;
}

function idOf(wanted: string | Stage): string {
  return typeof wanted === "string" ? wanted : wanted.id;
}
