/** An attempt at a stage's `checkCompletion`. */
import { DefinitionError, InvalidOptionError, NonRetryableError, SchemaError } from "../errors.ts";
import type { AbortReason, CheckOutcome } from "../ports/executor.ts";
import { Attempt } from "./attempt.ts";
import { encodeOutput } from "./body.ts";
import { checkAnswer, type Failure, final } from "./outcome.ts";
import { parseQuick } from "../define/schema.ts";

/** Asks whether what a suspended stage waits for is complete. */
export class CheckAttempt extends Attempt<CheckOutcome> {
  protected async run(): Promise<CheckOutcome> {
    const { checkCompletion, id, schemas } = this.stage;
    if (checkCompletion === undefined) {
      return final(
        new DefinitionError(
          `stage ${JSON.stringify(id)} was suspended with a checkCompletion, and now has none`,
          id,
        ),
      );
    }
    const waiting = this.ready();
    const ready = waiting instanceof Promise ? await waiting : waiting;
    if ("kind" in ready) return ready;
    if (this.isOver) return this.aborted("cancelled");
    const { suspended } = ready.prepared;
    const answer: unknown = await checkCompletion(suspended?.state, ready.ctx);
    try {
      checkAnswer(id, answer);
    } catch (error) {
      return final(error);
    }
    if (answer.error !== undefined) return final(new NonRetryableError(answer.error));
    if (!answer.ready) {
      const checkIn = answer.nextCheckIn ?? suspended?.pollInterval ?? this.surroundings.pollMs;
      return { kind: "waiting", checkIn: Math.ceil(checkIn) };
    }
    if (answer.output === undefined) return { kind: "ready", output: null };
    const parsed = await parseQuick(schemas.output, answer.output);
    if (!parsed.ok) return final(new SchemaError("stage output", id, parsed.issues));
    try {
      // Checks of one attempt are many, so the token tells their blobs apart.
      const { payload, blobs } = encodeOutput(this.task, parsed.value, `check.${this.task.token}`);
      return { kind: "ready", output: { payload, blobs } };
    } catch (error) {
      return final(error);
    }
  }

  /** A check's answer has no place for events. */
  override annotate(name: string): void {
    throw new InvalidOptionError(
      "ctx.annotate",
      "name",
      "given by execute: checkCompletion can't annotate",
      name,
    );
  }

  protected failed(failure: Failure): CheckOutcome {
    return failure;
  }

  protected aborted(reason: AbortReason): CheckOutcome {
    return { kind: "aborted", reason };
  }
}
