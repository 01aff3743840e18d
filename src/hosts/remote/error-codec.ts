/** Errors as data, for the way between threads and tabs: structured cloning keeps neither their class nor their `code`. */
import * as errors from "../../errors.ts";
import { copyValue } from "../../ports/copy.ts";

/** An error as plain data. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: EncodedError | { readonly value: unknown };
  /** Its own fields, `code` among them; those that can't be carried are left out. */
  readonly fields: Readonly<Record<string, unknown>>;
}

type ErrorClass = { readonly prototype: Error };

/** Every class by the codes that it throws under: its name is another in every minified bundle. */
export const classes: Readonly<Record<string, ErrorClass>> = {
  UNKNOWN_COMMAND: errors.UnknownCommandError,
  INVALID_COMMAND: errors.InvalidCommandError,
  INVALID_OPTION: errors.InvalidOptionError,
  INVALID_DEFINITION: errors.DefinitionError,
  UNKNOWN_WORKFLOW: errors.UnknownWorkflowError,
  UNKNOWN_STAGE: errors.UnknownStageError,
  RUN_NOT_FOUND: errors.RunNotFoundError,
  JOB_NOT_DUE: errors.JobNotDueError,
  JOB_LEASED: errors.JobLeasedError,
  INVALID_WORKFLOW_INPUT: errors.SchemaError,
  INVALID_STAGE_INPUT: errors.SchemaError,
  INVALID_STAGE_OUTPUT: errors.SchemaError,
  INVALID_STAGE_CONFIG: errors.SchemaError,
  INVALID_WORKFLOW_OUTPUT: errors.SchemaError,
  INVALID_PAYLOAD: errors.PayloadError,
  BLOB_MISSING: errors.BlobMissingError,
  CODEC: errors.CodecError,
  TOO_LARGE: errors.TooLargeError,
  IDEMPOTENCY_IN_PROGRESS: errors.IdempotencyInProgressError,
  IDEMPOTENCY_KEY_REUSED: errors.IdempotencyKeyReusedError,
  RUN_NOT_SETTLED: errors.RunNotSettledError,
  RUN_SETTLED: errors.RunSettledError,
  STALE_VERSION: errors.StaleVersionError,
  STAGE_TIMEOUT: errors.StageTimeoutError,
  WAIT_TIMEOUT: errors.WaitTimeoutError,
  QUARANTINED: errors.QuarantinedError,
  STAGE_ABORTED: errors.StageAbortedError,
  NON_RETRYABLE: errors.NonRetryableError,
  MISSING_OUTPUT: errors.MissingOutputError,
  INVALID_SUSPENSION: errors.InvalidSuspensionError,
  RUN_FAILED: errors.RunFailedError,
  RUN_CANCELLED: errors.RunCancelledError,
  RUN_STUCK: errors.RunStuckError,
  STORE_CLOSED: errors.StoreClosedError,
  STORAGE_FULL: errors.StorageFullError,
  COMMIT_UNKNOWN: errors.CommitUnknownError,
  STOPPED: errors.StoppedError,
  NOT_CONNECTED: errors.NotConnectedError,
  OUTDATED: errors.OutdatedError,
  STORE_UNAVAILABLE: errors.StoreUnavailableError,
  SCHEMA_NEWER: errors.SchemaNewerError,
  STORE_CORRUPT: errors.StoreCorruptError,
  STORE_LOST: errors.StoreLostError,
  LEADER_LOST: errors.LeaderLostError,
  STAGE_MODULE: errors.StageModuleError,
  UNSUPPORTED: errors.UnsupportedError,
  DUPLICATE_SUBSCRIBER: errors.DuplicateSubscriberError,
  DELIVERY_TIMEOUT: errors.DeliveryTimeoutError,
};

/** Causes of causes that are kept. */
const MAX_DEPTH = 5;

/** An error, or whatever else was thrown, as plain data that can be posted. Never throws. */
export function encodeError(error: unknown, depth = 0): EncodedError {
  if (!(error instanceof Error))
    return { name: "Error", message: typeof error === "string" ? error : errors.describe(error), fields: {} };
  const { name, message, stack, cause } = error;
  const fields: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(error)) {
    if (!own.has(field)) attempt(() => (fields[field] = copyValue(value)));
  }
  const encoded = { name, message, fields, ...(stack === undefined ? {} : { stack }) };
  if (cause === undefined || depth >= MAX_DEPTH) return encoded;
  if (cause instanceof Error) return { ...encoded, cause: encodeError(cause, depth + 1) };
  const value = attempt(() => copyValue(cause)) ?? errors.describe(cause);
  return { ...encoded, cause: { value } };
}

/** The error again: of its class where its `code` is one of Sluice's, otherwise an `Error` with the same name, message, fields and cause. */
export function decodeError(encoded: EncodedError): Error {
  const { name, message, stack, cause, fields } = encoded;
  const error = new Error(
    message,
    cause === undefined ? undefined : { cause: "fields" in cause ? decodeError(cause) : cause.value },
  );
  const code = String(fields["code"]);
  // Not by its constructor: that takes what the message was made of.
  if (Object.hasOwn(classes, code)) Object.setPrototypeOf(error, classes[code]?.prototype ?? Error.prototype);
  // Most errors have their name from their class, which isn't known here.
  Object.defineProperty(error, "name", {
    value: name,
    configurable: true,
    writable: true,
    enumerable: "name" in fields,
  });
  Object.assign(error, fields);
  if (stack !== undefined)
    Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}

/** What every error has, and is carried by itself. */
const own = new Set(["message", "stack", "cause"]);

function attempt<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
