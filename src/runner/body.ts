/** An attempt at a stage's `execute`. */
import type { StageResult } from "../define/stage.ts";
import { SchemaError } from "../errors.ts";
import type { BlobKey } from "../model.ts";
import type { AbortReason, StageOutcome, StageTask } from "../ports/executor.ts";
import { type Encoded, encodePayload } from "../ports/payload.ts";
import type { Parsed } from "../ports/registry.ts";
import { Attempt } from "./attempt.ts";
import { textOf } from "./loggable.ts";
import { checkResult, type Failure, final } from "./outcome.ts";
import { parseQuick } from "../define/schema.ts";
import { scheduleOf, type Suspended } from "./suspension.ts";

/** Executes the body. */
export class BodyAttempt extends Attempt<StageOutcome> {
  protected async run(): Promise<StageOutcome> {
    const waiting = this.ready();
    const ready = waiting instanceof Promise ? await waiting : waiting;
    if ("kind" in ready) return this.failed(ready);
    // Aborted while its input was read: the body has not begun, and need not.
    if (this.isOver) return this.aborted("cancelled");
    const returned: unknown = await this.stage.execute(ready.ctx);
    if (this.isOver) return this.aborted("cancelled");
    try {
      checkResult(this.stage.id, returned);
    } catch (error) {
      return this.failed(final(error));
    }
    if (returned.skipped) return this.#skipped(returned);
    if (returned.suspended) return this.#suspended(returned);
    const parsed = parseQuick(this.stage.schemas.output, returned.output);
    return this.#completed(parsed instanceof Promise ? await parsed : parsed);
  }

  protected failed(failure: Failure): StageOutcome {
    return { ...failure, events: this.events(), blobs: [] };
  }

  protected aborted(reason: AbortReason): StageOutcome {
    return { kind: "aborted", reason, events: [], blobs: [] };
  }

  #completed(parsed: Parsed): StageOutcome {
    if (!parsed.ok) return this.failed(final(new SchemaError("stage output", this.stage.id, parsed.issues)));
    let encoded: Encoded;
    try {
      encoded = encodeOutput(this.task, parsed.value, "output");
    } catch (error) {
      return this.failed(final(error));
    }
    const { payload, blobs } = encoded;
    return { kind: "completed", output: payload, value: parsed.value, events: this.events(), blobs };
  }

  #skipped({ reason }: Extract<StageResult, { skipped: true }>): StageOutcome {
    return {
      kind: "skipped",
      reason: reason === undefined ? null : textOf(reason),
      events: this.events(),
      blobs: [],
    };
  }

  #suspended(result: Extract<StageResult, { suspended: true }>): StageOutcome {
    const { clock, pollMs } = this.surroundings;
    try {
      const { pollInterval, ...schedule } = scheduleOf(result, this.task, clock.now(), pollMs);
      const suspended: Suspended = {
        state: result.state,
        ...(pollInterval === null ? {} : { pollInterval }),
      };
      const { payload, blobs } = encodeOutput(this.task, suspended, "suspended");
      return { kind: "suspended", state: payload, ...schedule, events: this.events(), blobs };
    } catch (error) {
      return this.failed(final(error));
    }
  }
}

/** A payload under the attempt's own keys. */
export function encodeOutput(task: StageTask, value: unknown, what: string): Encoded {
  const { runId, epoch, stage, attempt } = task;
  const key = (name: string): BlobKey => ({
    runId,
    epoch,
    stageId: stage.id,
    attempt,
    name: `${what}.${name}`,
  });
  return encodePayload(value, { path: what, key });
}
