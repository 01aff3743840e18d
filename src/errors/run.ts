/** What becomes of runs, stages and leases. */
import { SluiceError } from "./base.ts";
import type { ErrorRecord } from "../model.ts";

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

/** The first command with this key has no result yet. Try again, or use `engine.start`, which waits. */
export class IdempotencyInProgressError extends SluiceError {
  constructor(command: string, key: string) {
    super(
      "IDEMPOTENCY_IN_PROGRESS",
      `${command} with idempotency key ${JSON.stringify(key)} is still in progress`,
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
    // A class of the user's own that extends it keeps its name.
    if (new.target !== NonRetryableError) this.name = new.target.name;
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

/** A subscriber did not finish with an event in time. */
export class DeliveryTimeoutError extends SluiceError {
  constructor(subscriber: string, timeoutMs: number) {
    super(
      "DELIVERY_TIMEOUT",
      `subscriber ${JSON.stringify(subscriber)} took longer than ${timeoutMs} ms with one event`,
    );
  }
}
