/** What bodies return and throw, as outcomes. */
import type { CompletionCheck, StageResult } from "../define/stage.ts";
import { DefinitionError, describe, MissingOutputError, NonRetryableError, toRecord } from "../errors.ts";
import type { ErrorRecord } from "../model.ts";
import { clipped } from "./loggable.ts";

/** A failed execution or check, without what else an outcome holds. */
export interface Failure {
  readonly kind: "failed";
  readonly error: ErrorRecord;
  readonly retryable: boolean;
}

/**
 * A failure by what was thrown. Trying again is useless after `NonRetryableError`, after any error that says `retryable: false`, and after
 * `MissingOutputError`, for earlier outputs don't change.
 */
export function thrown(error: unknown): Failure {
  return { kind: "failed", error: recordOf(error), retryable: isRetryable(error) };
}

/** A failure that another attempt would only repeat. */
export function final(error: unknown): Failure {
  return { kind: "failed", error: recordOf(error), retryable: false };
}

/** `instanceof`, for whatever may be thrown: on a revoked proxy the operator itself throws. */
export function isA<T>(type: new (...args: never[]) => T, value: unknown): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

function isRetryable(error: unknown): boolean {
  if (isA(NonRetryableError, error) || isA(MissingOutputError, error)) return false;
  try {
    return (error as { retryable?: unknown } | null | undefined)?.retryable !== false;
  } catch {
    return true;
  }
}

/** An error as a record of bounded size, whatever was thrown. */
function recordOf(error: unknown): ErrorRecord {
  try {
    const record = toRecord(error);
    const stack = record.stack === undefined ? {} : { stack: clipped(text(record.stack)) };
    return { ...record, name: text(record.name), message: clipped(text(record.message)), ...stack };
  } catch {
    return { name: "Error", code: "STAGE_ERROR", message: "what was thrown can't be read" };
  }
}

/** A foreign error may say anything of itself. */
function text(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}

/** @throws DefinitionError unless a body returned one of what it may return */
export function checkResult(stageId: string, returned: unknown): asserts returned is StageResult {
  if (typeof returned === "object" && returned !== null) {
    const result = returned as { readonly [field in "output" | "skipped" | "suspended"]?: unknown };
    const said = [
      result.skipped === true,
      result.suspended === true,
      "output" in result && result.output !== undefined,
    ];
    const count = said.filter(Boolean).length;
    if (count === 1 || (count === 0 && "output" in result)) return;
  }
  throw new DefinitionError(
    `stage ${JSON.stringify(stageId)}: execute must return { output }, { skipped: true } or { suspended: true, state }, got ${shown(returned)}`,
    stageId,
  );
}

/** @throws DefinitionError unless a check returned what it must */
export function checkAnswer(stageId: string, returned: unknown): asserts returned is CompletionCheck {
  if (typeof returned === "object" && returned !== null) {
    const { ready, error, nextCheckIn } = returned as { [field in keyof CompletionCheck]?: unknown };
    const isDelay = typeof nextCheckIn === "number" && Number.isFinite(nextCheckIn) && nextCheckIn >= 0;
    const isFine = typeof ready === "boolean" && (error === undefined || typeof error === "string");
    if (isFine && (nextCheckIn === undefined || isDelay)) return;
  }
  throw new DefinitionError(
    `stage ${JSON.stringify(stageId)}: checkCompletion must return { ready, output?, error?, nextCheckIn? }, got ${shown(returned)}`,
    stageId,
  );
}

function shown(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return describe(value);
  const names = Object.keys(value);
  return names.length === 0 ? "an empty object" : `an object with ${names.slice(0, 10).join(", ")}`;
}
