/** `stage.pollSuspended`: what a completion check, or the end of a wait, writes about a suspended stage, under its lease's token. */
import { toRecord, WaitTimeoutError } from "../../errors.ts";
import type { ErrorRecord, EventBody, Graph, Job, Run, StageNode, StageRecord } from "../../model.ts";
import type { CheckOutcome } from "../../ports/executor.ts";
import { type Entry, NOW } from "../../ports/store.ts";
import type { Decision, Given } from "../decision.ts";
import { unleased } from "../jobs.ts";
import { backoffMs } from "../retry.ts";
import { eventOf, recordOf, settleStage } from "./job-execute-finish.ts";

/** A leased check with what it is about. */
export interface CheckState {
  readonly run: Run;
  readonly graph: Graph;
  readonly node: StageNode;
  readonly job: Job;
  readonly record: StageRecord;
  readonly siblings: readonly Job[];
  /** The store's clock, as the claim gave it. */
  readonly now: number;
}

/** What became of the check. */
export type CheckResult = "waiting" | "resumed" | "failed";

/** Whether its `maxWaitTime` is over. */
export function isOverdue(job: Job, now: number): boolean {
  return job.deadlineAt !== null && job.deadlineAt <= now;
}

/** Decides what a check's answer writes; `overdue` stands for a wait that ended without one. */
export function decideCheck(
  state: CheckState,
  outcome: Exclude<CheckOutcome, { kind: "aborted" | "crashed" }> | { readonly kind: "overdue" },
  given: Given,
): Decision<CheckResult> {
  const { job, node } = state;
  switch (outcome.kind) {
    case "overdue":
      return fail(state, toRecord(new WaitTimeoutError(job.stageId)), given);
    case "waiting": {
      const left = job.deadlineAt === null ? outcome.checkIn : Math.max(0, job.deadlineAt - state.now);
      const dueAt = { in: Math.min(outcome.checkIn, left) };
      return requeue(state, { checkFailures: 0, dueAt }, [], "waiting", given);
    }
    case "ready":
      return outcome.output === null
        ? requeue(
            state,
            { kind: "execute", checkFailures: 0, dueAt: NOW, signal: null, deadlineAt: null },
            [],
            "resumed",
            given,
          )
        : complete(state, outcome.output.payload, given);
    case "failed": {
      // Counted apart from the body's attempts: a check that fails now and then over days says nothing about the body.
      const checkFailures = job.checkFailures + 1;
      if (!outcome.retryable || checkFailures >= node.policy.maxAttempts || state.run.error !== null) {
        return fail(state, outcome.error, given);
      }
      const delayMs = backoffMs(node.policy.backoff, checkFailures, given.random);
      const event: EventBody = {
        type: "stage:retrying",
        payload: { ...eventOf(job), error: outcome.error, delayMs },
      };
      return requeue(state, { checkFailures, dueAt: { in: delayMs } }, [event], "waiting", given);
    }
  }
}

function requeue(
  state: CheckState,
  change: Parameters<typeof unleased>[1],
  events: readonly EventBody[],
  result: CheckResult,
  given: Given,
): Decision<CheckResult> {
  const { run, job, record } = state;
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "stage.pollSuspended",
    guards: { epoch: job.epoch, jobs: [{ stageId: job.stageId, token: job.token }] },
    jobs: [unleased(job, change)],
    ...(result === "resumed" ? { stages: [{ ...record, wake: { kind: "check" } }] } : {}),
    events,
  };
  return { entry, result: () => result };
}

function complete(
  state: CheckState,
  output: NonNullable<StageRecord["output"]>,
  given: Given,
): Decision<CheckResult> {
  const { job } = state;
  const decision = settleStage(
    { ...state, key: null },
    {
      record: recordOf(state, { status: "COMPLETED", output }),
      events: [{ type: "stage:completed", payload: eventOf(job) }],
      result: { outcome: "completed" },
      fold: true,
      siblings: [],
      error: null,
      active: false,
      command: "stage.pollSuspended",
    },
    given,
  );
  return { entry: decision.entry, result: () => "resumed" };
}

function fail(state: CheckState, error: ErrorRecord, given: Given): Decision<CheckResult> {
  const { job } = state;
  const decision = settleStage(
    { ...state, key: null },
    {
      record: recordOf(state, { status: "FAILED", error }),
      events: [{ type: "stage:failed", payload: { ...eventOf(job), error } }],
      result: { outcome: "failed" },
      fold: true,
      siblings: state.siblings,
      error: { ...error, stageId: job.stageId },
      active: false,
      command: "stage.pollSuspended",
    },
    given,
  );
  return { entry: decision.entry, result: () => "failed" };
}
