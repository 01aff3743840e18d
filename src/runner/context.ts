/** Makes what a body is given. */
import type { ArtifactStorage, ProgressReport, StageContext } from "../define/context.ts";
import type { Stage } from "../define/stage.ts";
import type { LogLevel } from "../model.ts";
import type { StageTask } from "../ports/executor.ts";
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

/**
 * The context of an attempt. Own properties throughout, so that it can be destructured and spread; what few bodies need (the signal, the
 * storage) is made when it is first read.
 */
export function createContext(
  attempt: ContextOwner,
  prepared: Prepared,
  input: unknown,
  config: unknown,
): StageContext {
  const { task } = attempt;
  const { outputs } = prepared;
  return {
    input,
    config,
    runId: task.runId,
    stageId: task.stage.id,
    attempt: task.attempt,
    idempotencyKey: task.idempotencyKey,
    resumeState: prepared.suspended?.state,
    resumedBy: prepared.resumedBy,
    get signal() {
      return attempt.signal;
    },
    get storage() {
      return attempt.artifacts;
    },
    require: (wanted: string | Stage) => outputs.require(idOf(wanted)) as never,
    optional: (wanted: string | Stage) => outputs.optional(idOf(wanted)) as never,
    log: (level, message, meta) => attempt.log(level, message, meta),
    onProgress: (report) => attempt.progress(report),
    annotate: (name, value) => attempt.annotate(name, value),
  };
}

function idOf(wanted: string | Stage): string {
  return typeof wanted === "string" ? wanted : wanted.id;
}
