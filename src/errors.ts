/**
 * Every error that Sluice throws. They stand beside the model, not in the kernel, because adapters and `define` throw them too.
 */
import type { ErrorRecord } from "./model.ts";

/** Where the page of each code is, relative to the project's documentation. */
const DOCS = "docs/errors.md";

/** The base of all errors that Sluice throws. `code` is stable; messages may improve. */
export class SluiceError extends Error {
  /** Stable, for programs. */
  readonly code: string;
  /** The page that explains it. */
  readonly link: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.link = `${DOCS}#${code.toLowerCase()}`;
  }
}

/** One place in a value where a schema was not met. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** The first issues, for rows, journals and messages; the last of them says how many more there were: a list can have one an element. */
function bounded(issues: readonly Issue[], most = 100): readonly Issue[] {
  const more = issues.length - most;
  if (more <= 0) return issues;
  const says = ({ path, message }: Issue): Issue => ({
    path,
    message: `${message} (and ${more} more issues)`,
  });
  return [...issues.slice(0, most - 1), ...issues.slice(most - 1, most).map(says)];
}

function list(issues: readonly Issue[]): string {
  return issues.map((issue) => `${issue.path || "(the value itself)"}: ${issue.message}`).join("; ");
}

/** The command's type is not one of the kernel's. */
export class UnknownCommandError extends SluiceError {
  constructor(type: unknown, known: readonly string[]) {
    super("UNKNOWN_COMMAND", `unknown command ${describe(type)}; expected one of ${known.join(", ")}`);
  }
}

/** A field of a command is missing or ill-formed. */
export class InvalidCommandError extends SluiceError {
  readonly field: string;
  constructor(command: string, field: string, expected: string, got: unknown) {
    super("INVALID_COMMAND", `${command}: ${field} must be ${expected}, got ${describe(got)}`);
    this.field = field;
  }
}

/** An option of a public function is ill-formed. */
export class InvalidOptionError extends SluiceError {
  readonly option: string;
  constructor(where: string, option: string, expected: string, got: unknown) {
    super("INVALID_OPTION", `${where}: ${option} must be ${expected}, got ${describe(got)}`);
    this.option = option;
  }
}

/** A stage or workflow definition that can't work; names the stage. */
export class DefinitionError extends SluiceError {
  readonly stageId: string | null;
  constructor(message: string, stageId: string | null = null) {
    super("INVALID_DEFINITION", message);
    this.stageId = stageId;
  }
}

/** The kernel's registry has no such workflow. */
export class UnknownWorkflowError extends SluiceError {
  constructor(workflowId: string, known: readonly string[]) {
    super(
      "UNKNOWN_WORKFLOW",
      `no workflow ${JSON.stringify(workflowId)}; this kernel knows ${known.length ? known.join(", ") : "none"}`,
    );
  }
}

/** The run's graph has no such stage. */
export class UnknownStageError extends SluiceError {
  constructor(workflowId: string, stageId: string, known: readonly string[]) {
    const shown =
      known.length > 20
        ? `${known.slice(0, 20).join(", ")}, and ${known.length - 20} more`
        : known.join(", ");
    super(
      "UNKNOWN_STAGE",
      `workflow ${JSON.stringify(workflowId)} has no stage ${JSON.stringify(stageId)}; it has ${shown}`,
    );
  }
}

/** There is no run of this id: never created, or purged. */
export class RunNotFoundError extends SluiceError {
  constructor(runId: string) {
    super("RUN_NOT_FOUND", `no run ${JSON.stringify(runId)}: it was never created, or was purged`);
  }
}

/** The stage has no job that could be executed now. */
export class JobNotDueError extends SluiceError {
  constructor(runId: string, stageId: string, why: string) {
    super(
      "JOB_NOT_DUE",
      `stage ${JSON.stringify(stageId)} of run ${JSON.stringify(runId)} can't be executed: ${why}`,
    );
  }
}

/** Another worker leases the job. */
export class JobLeasedError extends SluiceError {
  constructor(runId: string, stageId: string, worker: string | null) {
    super(
      "JOB_LEASED",
      `stage ${JSON.stringify(stageId)} of run ${JSON.stringify(runId)} is leased by ${worker ?? "another worker"}; wait, or let its lease be reaped`,
    );
  }
}

/** A value does not fit its schema; `issues` say where. */
export class SchemaError extends SluiceError {
  /** At most 100; the last one's message says how many more there were. */
  readonly issues: readonly Issue[];
  constructor(
    what: "workflow input" | "stage input" | "stage output" | "stage config" | "workflow output",
    owner: string,
    issues: readonly Issue[],
  ) {
    const kept = bounded(issues);
    super(
      `INVALID_${what.toUpperCase().replace(" ", "_")}`,
      `${what} of ${JSON.stringify(owner)} doesn't fit its schema: ${list(kept)}`,
    );
    this.issues = kept;
  }
}

/** A value outside the set that every store and transport can carry. */
export class PayloadError extends SluiceError {
  /** Where in the value, such as `input.items[3].callback`. */
  readonly path: string;
  constructor(path: string, got: string) {
    super(
      "INVALID_PAYLOAD",
      `${path} is ${got}; payloads are JSON values, undefined, bigint, Date, Map, Set, ArrayBuffer, typed arrays, Blob and File, without cycles`,
    );
    this.path = path;
  }
}

/** A payload points to a Blob that the blob store doesn't have: it was removed, or lost. */
export class BlobMissingError extends SluiceError {
  constructor(path: string) {
    super("BLOB_MISSING", `the blob store has no ${path}: it was removed with its run, or lost`);
  }
}

/** A stored or transported text that this version can't read. */
export class CodecError extends SluiceError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("CODEC", message, options);
  }
}

/** A payload, a command or a list is larger than the limit. */
export class TooLargeError extends SluiceError {
  constructor(what: string, limit: string, got: string) {
    super("TOO_LARGE", `${what} is ${got}; at most ${limit} is allowed`);
  }
}

/** The first command with this key has no result yet. Try again, or use `engine.start`, which waits. */
export class IdempotencyInProgressError extends SluiceError {
  constructor(command: string, key: string) {
    super(
      "IDEMPOTENCY_IN_PROGRESS",
      `${command} with idempotency key ${JSON.stringify(key)} is still in progress`,
    );
  }
}

/** The key was used before with another payload. */
export class IdempotencyKeyReusedError extends SluiceError {
  constructor(command: string, key: string) {
    super(
      "IDEMPOTENCY_KEY_REUSED",
      `${command}: idempotency key ${JSON.stringify(key)} was used before with another payload; use a new key, or send the same payload`,
    );
  }
}

/** The run is live, and the command needs a settled one. */
export class RunNotSettledError extends SluiceError {
  constructor(runId: string, status: string, hint: string) {
    super("RUN_NOT_SETTLED", `run ${JSON.stringify(runId)} is ${status}; ${hint}`);
  }
}

/** The run is settled, and the command needs a live one. */
export class RunSettledError extends SluiceError {
  constructor(runId: string, status: string, command: string) {
    super("RUN_SETTLED", `run ${JSON.stringify(runId)} is ${status}; ${command} needs a live run`);
  }
}

/** Others kept changing the run, and the kernel's own retries ran out. Nothing was changed; the command may be sent again. */
export class StaleVersionError extends SluiceError {
  /** The guard that fell last. */
  readonly guard: string;
  constructor(command: string, runId: string, guard: string, tries: number) {
    super(
      "STALE_VERSION",
      `${command} on run ${JSON.stringify(runId)} lost ${tries} times to other writers (last guard: ${guard}); send it again`,
    );
    this.guard = guard;
  }
}

/** An attempt ran longer than its stage's `timeoutMs`. */
export class StageTimeoutError extends SluiceError {
  constructor(stageId: string, timeoutMs: number) {
    super("STAGE_TIMEOUT", `stage ${JSON.stringify(stageId)} ran longer than its timeout of ${timeoutMs} ms`);
  }
}

/** A stage waited longer than its `maxWaitTime`. */
export class WaitTimeoutError extends SluiceError {
  constructor(stageId: string) {
    super("WAIT_TIMEOUT", `stage ${JSON.stringify(stageId)} was suspended for longer than its maxWaitTime`);
  }
}

/** The worker died under the body too often: the stage is quarantined. */
export class QuarantinedError extends SluiceError {
  constructor(stageId: string, crashes: number) {
    super(
      "QUARANTINED",
      `stage ${JSON.stringify(stageId)} was under way in ${crashes} workers when they died; it is not tried again. Rerun from it once its cause is mended`,
    );
  }
}

/** Why an `AbortSignal` given to a body was aborted. */
export class StageAbortedError extends SluiceError {
  readonly reason: string;
  constructor(stageId: string, reason: string) {
    super("STAGE_ABORTED", `stage ${JSON.stringify(stageId)} was told to stop: ${reason}`);
    this.reason = reason;
  }
}

/** Thrown by a body to say that trying again is useless. */
export class NonRetryableError extends SluiceError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("NON_RETRYABLE", message, options);
  }
}

/** `ctx.require` of an output that isn't there, or of a stage that isn't a dependency. */
export class MissingOutputError extends SluiceError {
  constructor(stageId: string, wanted: string, why: string) {
    super(
      "MISSING_OUTPUT",
      `stage ${JSON.stringify(stageId)} requires the output of ${JSON.stringify(wanted)}, ${why}`,
    );
  }
}

/** A suspension that nothing could ever end. */
export class InvalidSuspensionError extends SluiceError {
  constructor(stageId: string, message: string) {
    super("INVALID_SUSPENSION", `stage ${JSON.stringify(stageId)} suspended ${message}`);
  }
}

/** The run failed; `cause` and `record` tell which stage and why. */
export class RunFailedError extends SluiceError {
  readonly record: ErrorRecord;
  constructor(runId: string, record: ErrorRecord) {
    super(
      "RUN_FAILED",
      `run ${JSON.stringify(runId)} failed${record.stageId ? ` in stage ${JSON.stringify(record.stageId)}` : ""}: ${record.message}`,
      { cause: record },
    );
    this.record = record;
  }
}

/** The run was cancelled before it had a result. */
export class RunCancelledError extends SluiceError {
  constructor(runId: string) {
    super("RUN_CANCELLED", `run ${JSON.stringify(runId)} was cancelled`);
  }
}

/** A live run has nothing that could move it on: rows are missing. */
export class RunStuckError extends SluiceError {
  constructor(runId: string, stages: readonly string[]) {
    super(
      "RUN_STUCK",
      `run ${JSON.stringify(runId)} has neither a job nor a record for ${stages.join(", ")}: rows were lost or deleted`,
    );
  }
}

/** The store was closed. */
export class StoreClosedError extends SluiceError {
  constructor(kind: string) {
    super("STORE_CLOSED", `the ${kind} store was closed`);
  }
}

/** Disk or quota is full: nothing was written. The engine goes on when there is room. */
export class StorageFullError extends SluiceError {
  constructor(kind: string, options?: { cause?: unknown }) {
    super(
      "STORAGE_FULL",
      `the ${kind} store has no room left; nothing was written. Free space or purge settled runs`,
      options,
    );
  }
}

/** The answer of a commit was lost, and it could not be settled either. */
export class CommitUnknownError extends SluiceError {
  constructor(runId: string, options?: { cause?: unknown }) {
    super(
      "COMMIT_UNKNOWN",
      `the store's answer for run ${JSON.stringify(runId)} was lost and could not be asked for again`,
      options,
    );
  }
}

/** The engine or host is stopping and takes no more work. */
export class StoppedError extends SluiceError {
  constructor(what: string) {
    super("STOPPED", `${what} was stopped`);
  }
}

/** Two subscribers or plugins of one name. */
export class DuplicateSubscriberError extends SluiceError {
  constructor(name: string) {
    super(
      "DUPLICATE_SUBSCRIBER",
      `there is a subscriber ${JSON.stringify(name)} already; names tell cursors apart`,
    );
  }
}

/** A subscriber did not finish with an event in time. */
export class DeliveryTimeoutError extends SluiceError {
  constructor(subscriber: string, timeoutMs: number) {
    super(
      "DELIVERY_TIMEOUT",
      `subscriber ${JSON.stringify(subscriber)} took longer than ${timeoutMs} ms with one event`,
    );
  }
}

/** An error as data. Foreign errors keep name, message, stack, and a string `code`. */
export function toRecord(error: unknown, fallback = "STAGE_ERROR"): ErrorRecord {
  if (!(error instanceof Error)) {
    return { name: "Error", code: fallback, message: typeof error === "string" ? error : describe(error) };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : fallback;
  const issues = error instanceof SchemaError ? { issues: error.issues } : {};
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  return { name: error.name, code, message: error.message, ...stack, ...issues };
}

/** Any value in a few words, for messages. Never throws, as revoked proxies and getters would. */
export function describe(value: unknown): string {
  try {
    return inWords(value);
  } catch {
    return "an object that can't be read";
  }
}

function inWords(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "number" || typeof value === "boolean" || value === undefined || value === null)
    return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "Object" && name !== ""
    ? `an instance of ${name}`
    : "an object";
}
