/** `job.execute`, second half: what the body gave is recorded under the lease's token, and the run moves on with it. */
import type {
  ErrorRecord,
  EventBody,
  Graph,
  Job,
  JobKind,
  Payload,
  Run,
  Signal,
  StageNode,
} from "../../model.ts";
import type { StageOutcome } from "../../ports/executor.ts";
import { type Entry, type Guards, type Instant, NOW, type StageWrite } from "../../ports/store.ts";
import { advance } from "../advance.ts";
import type { ExecuteResult } from "../api.ts";
import { type Decision, type Given, stateOf } from "../decision.ts";
import { unleased } from "../jobs.ts";
import { backoffMs } from "../retry.ts";

/** What the finish must see. Siblings and signals are loaded only for the outcomes that need them ({@link needsOf}). */
export interface FinishState {
  readonly run: Run;
  readonly graph: Graph;
  readonly job: Job;
  readonly node: StageNode;
  readonly siblings: readonly Job[];
  readonly signals: readonly Signal[];
  /** The open idempotency record of this execution: the id of the entry that wrote it, and what it says. */
  readonly key: { readonly key: string; readonly hash: string; readonly entry: string } | null;
}

const NONE: readonly never[] = [];

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** An outcome that is recorded; an execution that was aborted, or crashed, records nothing. */
export type Recorded = Exclude<StageOutcome, { kind: "aborted" | "crashed" }>;

/** Whether a failure is final. In a failing run nothing is tried again. */
export function isFinal(state: Pick<FinishState, "run" | "job" | "node">, retryable: boolean): boolean {
  return !retryable || state.run.error !== null || state.job.failures + 1 >= state.node.policy.maxAttempts;
}

/** What the finish must see besides the run and its own job. */
export function needsOf(
  state: Pick<FinishState, "run" | "job" | "node" | "graph">,
  outcome: Recorded,
): { readonly siblings: boolean; readonly signals: boolean } {
  const wide = (state.graph.groups[state.job.group]?.length ?? 1) > 1;
  return {
    // Where a sibling has failed before, it has cancelled what had not begun: loading a wide group for each failure would be quadratic.
    siblings:
      wide && state.run.error === null && outcome.kind === "failed" && isFinal(state, outcome.retryable),
    signals: outcome.kind === "suspended" && outcome.signal !== null,
  };
}

/** Decides what the outcome of an attempt writes. */
export function decideFinish(
  state: FinishState,
  outcome: Recorded,
  fold: boolean,
  given: Given,
): Decision<ExecuteResult> {
  switch (outcome.kind) {
    case "completed":
    case "skipped":
      return done(state, outcome, fold, given);
    case "suspended":
      return state.run.error === null
        ? suspended(state, outcome, given)
        : cancelledByFailure(state, outcome, fold, given);
    case "failed":
      return isFinal(state, outcome.retryable)
        ? failed(state, outcome, fold, given)
        : retrying(state, outcome, given);
  }
}

function done(
  state: FinishState,
  outcome: Extract<Recorded, { kind: "completed" | "skipped" }>,
  fold: boolean,
  given: Given,
): Decision<ExecuteResult> {
  const { job } = state;
  const completed = outcome.kind === "completed";
  const record = recordOf(state, {
    status: completed ? "COMPLETED" : "SKIPPED",
    output: completed ? outcome.output : null,
    reason: completed ? null : outcome.reason,
  });
  const result: ExecuteResult = completed
    ? { outcome: "completed", output: outcome.value }
    : { outcome: "skipped" };
  const event: EventBody = completed
    ? { type: "stage:completed", payload: eventOf(job) }
    : {
        type: "stage:skipped",
        payload: { ...eventOf(job), ...(outcome.reason === null ? {} : { reason: outcome.reason }) },
      };
  return settleStage(
    state,
    { record, events: [...outcome.events, event], result, fold, siblings: [], error: null },
    given,
  );
}

function failed(
  state: FinishState,
  outcome: Extract<Recorded, { kind: "failed" }>,
  fold: boolean,
  given: Given,
): Decision<ExecuteResult> {
  const { job } = state;
  const record = recordOf(state, { status: "FAILED", error: outcome.error, failures: job.failures + 1 });
  const event: EventBody = { type: "stage:failed", payload: { ...eventOf(job), error: outcome.error } };
  const result: ExecuteResult = { outcome: "failed", error: shown(outcome.error), retryable: false };
  return settleStage(
    state,
    {
      record,
      events: [...outcome.events, event],
      result,
      fold,
      siblings: state.siblings,
      error: { ...outcome.error, stageId: job.stageId },
    },
    given,
  );
}

/** A stage that suspends in a run that is failing is not waited for. */
function cancelledByFailure(
  state: FinishState,
  outcome: Extract<Recorded, { kind: "suspended" }>,
  fold: boolean,
  given: Given,
): Decision<ExecuteResult> {
  const record = recordOf(state, { status: "CANCELLED", reason: "a stage of its group failed" });
  return settleStage(
    state,
    { record, events: outcome.events, result: { outcome: "cancelled" }, fold, siblings: [], error: null },
    given,
  );
}

/** The end of a stage: its job goes, its record comes, one is taken off the counter, and the last one moves the run. */
export function settleStage(
  state: Pick<FinishState, "run" | "graph" | "job" | "key">,
  end: {
    readonly record: StageWrite;
    readonly events: readonly EventBody[];
    readonly result: ExecuteResult;
    readonly fold: boolean;
    /** The group's open jobs, where the stage failed for good. */
    readonly siblings: readonly Job[];
    readonly error: ErrorRecord | null;
    /** Whether the stage was counted as active: false when it ends while suspended. */
    readonly active?: boolean;
    readonly command?: string;
  },
  given: Given,
): Decision<ExecuteResult> {
  const { run, job } = state;
  // Siblings that nobody executes now are cancelled; the others finish, and whoever is last fails the run. Both are guarded as they were
  // seen: one that goes back to the queue at this moment must be cancelled too.
  const siblings =
    end.siblings.length === 0 ? NONE : end.siblings.filter(({ stageId }) => stageId !== job.stageId);
  const cancel = siblings.length === 0 ? NONE : siblings.filter(({ started }) => !started);
  const activeSiblings = cancel.filter(({ suspended }) => !suspended).length;
  const taken = { remaining: 1 + cancel.length, active: (end.active === false ? 0 : 1) + activeSiblings };
  const remaining = run.remaining - taken.remaining;
  const active = run.active - taken.active;
  const error = run.error ?? end.error;
  const last = remaining <= 0;
  const move =
    end.fold && (last || active <= 0) ? advance(run, state.graph, { remaining, active, error }, given) : null;
  const failsNow = end.error !== null && run.error === null;
  // A sibling that completes while others are open takes no part in the fight over the run's version.
  const versioned = move !== null || failsNow;
  // Set one by one: spreading an object for each field that may be there took a tenth of all that a stage allocates.
  const guards: Writable<Guards> = {
    epoch: job.epoch,
    jobs:
      siblings.length === 0
        ? [{ stageId: job.stageId, token: job.token }]
        : [
            { stageId: job.stageId, token: job.token },
            ...siblings.map(({ stageId, token, attempt }) => ({ stageId, token, attempt })),
          ],
  };
  if (versioned) {
    guards.version = run.version;
    guards.remaining = run.remaining;
  }
  // A sibling that is resumed at this moment only adds to the counter.
  if (move?.action === "suspended") guards.active = run.active;
  if (move?.registry !== undefined) guards.registry = move.registry;
  const entry: Writable<Entry> = {
    id: given.entry,
    runId: run.id,
    command: end.command ?? "job.execute",
    guards,
    dropJobs: [job.stageId, ...cancel.map(({ stageId }) => stageId)],
    stages: [end.record, ...cancel.map((sibling) => cancelledRecord(sibling, "a stage of its group failed"))],
    events: move === null ? end.events : [...end.events, ...move.events],
    counters: move?.counters ?? { add: { remaining: -taken.remaining, active: -taken.active } },
  };
  if (move !== null) entry.jobs = move.jobs;
  if (versioned) entry.state = move?.state ?? stateOf(run, { error });
  if (state.key !== null)
    entry.key = closedKey(state.key, job, { ...end.result, output: end.record.output }, given);
  return { entry, result: () => end.result };
}

function retrying(
  state: FinishState,
  outcome: Extract<Recorded, { kind: "failed" }>,
  given: Given,
): Decision<ExecuteResult> {
  const { run, job, node } = state;
  const delayMs = backoffMs(node.policy.backoff, job.failures + 1, given.random);
  const put = unleased(job, { kind: "execute", failures: job.failures + 1, dueAt: { in: delayMs } });
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "job.execute",
    // The version, because a run that began to fail meanwhile must not be retried in.
    guards: { version: run.version, epoch: job.epoch, jobs: [{ stageId: job.stageId, token: job.token }] },
    jobs: [put],
    events: [
      ...outcome.events,
      { type: "stage:retrying", payload: { ...eventOf(job), error: outcome.error, delayMs } },
    ],
    ...releasedKey(state),
  };
  return { entry, result: () => ({ outcome: "failed", error: shown(outcome.error), retryable: true }) };
}

function suspended(
  state: FinishState,
  outcome: Extract<Recorded, { kind: "suspended" }>,
  given: Given,
): Decision<ExecuteResult> {
  const { run, job, node } = state;
  const early =
    outcome.signal === null ? undefined : state.signals.find((signal) => signal.name === outcome.signal);
  const { kind, dueIn, deadlineAt } = early
    ? { kind: "execute" as const, dueIn: 0, deadlineAt: null }
    : waitOf(job, node, outcome);
  const put = unleased(job, {
    kind,
    dueAt: dueIn === null ? null : { in: dueIn },
    // What it waits for is there: it is due now, and the run doesn't sleep.
    suspended: early === undefined,
    resumes: true,
    signal: early ? null : outcome.signal,
    deadlineAt,
  });
  const sleeps = run.active - 1 <= 0 && early === undefined;
  const events: EventBody[] = [
    ...outcome.events,
    {
      type: "stage:suspended",
      payload: {
        ...eventOf(job),
        ...(outcome.signal === null ? {} : { signal: outcome.signal }),
        ...(outcome.dueIn === null ? {} : { checkIn: outcome.dueIn }),
      },
    },
  ];
  if (sleeps) events.push({ type: "workflow:suspended", payload: { epoch: run.epoch } });
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "job.execute",
    // The version, because a signal that comes at the same time must meet either the suspension or the list of early signals.
    guards: {
      version: run.version,
      epoch: job.epoch,
      jobs: [{ stageId: job.stageId, token: job.token }],
      // A sibling that is resumed at this moment only adds to the counter.
      ...(sleeps ? { active: run.active } : {}),
    },
    // Growing the version for each of 10,000 siblings that wait for a timer would make them fight; a guard alone doesn't.
    ...(sleeps || outcome.signal !== null
      ? { state: stateOf(run, sleeps ? { status: "SUSPENDED" } : {}) }
      : {}),
    ...(early === undefined ? { counters: { add: { remaining: 0, active: -1 } } } : {}),
    jobs: [put],
    stages: [
      {
        ...recordOf(state, { status: "SUSPENDED", state: outcome.state }),
        wake: early ? { kind: "signal", name: early.name, payload: early.payload } : null,
        endedAt: null,
      },
    ],
    events,
    ...(early ? { dropSignals: [early.id] } : {}),
    ...releasedKey(state),
  };
  return {
    entry,
    result: (committed) => ({
      outcome: "suspended",
      nextPollAt: dueIn === null || committed === null ? null : committed.at + dueIn,
    }),
  };
}

/**
 * What a suspended stage is due for, and when. A stage that its timer resumes and that suspends again goes on with its first deadline; what
 * would be due after the deadline waits for the deadline instead.
 */
function waitOf(
  job: Job,
  node: StageNode,
  { dueIn, maxWaitIn }: Extract<Recorded, { kind: "suspended" }>,
): { readonly kind: JobKind; readonly dueIn: number | null; readonly deadlineAt: Instant } {
  const begun = maxWaitIn === null ? null : job.deadlineAt;
  const left = begun === null ? maxWaitIn : Math.max(0, begun - (job.startedAt ?? begun));
  const deadlineAt = begun ?? (maxWaitIn === null ? null : { in: maxWaitIn });
  if (dueIn === null) return { kind: "wait", dueIn: left, deadlineAt };
  if (node.checks) return { kind: "check", dueIn: left === null ? dueIn : Math.min(dueIn, left), deadlineAt };
  if (left !== null && left <= dueIn) return { kind: "wait", dueIn: left, deadlineAt };
  return { kind: "execute", dueIn, deadlineAt };
}

/** A stage record made from a job and what it came to. */
export function recordOf(
  state: Pick<FinishState, "job">,
  change: Partial<StageWrite> & Pick<StageWrite, "status">,
): StageWrite {
  const { job } = state;
  return {
    runId: job.runId,
    stageId: job.stageId,
    epoch: job.epoch,
    group: job.group,
    attempt: job.attempt,
    failures: job.failures,
    crashes: job.crashes,
    worker: job.worker,
    startedAt: job.startedAt,
    endedAt: NOW,
    output: null,
    error: null,
    state: null,
    wake: null,
    reason: null,
    ...change,
  };
}

/** The record of a stage that was cancelled with its job. */
export function cancelledRecord(job: Job, reason: string | null): StageWrite {
  return recordOf({ job }, { status: "CANCELLED", reason });
}

/** What every event about an attempt says. */
export function eventOf(job: Job): { stageId: string; epoch: number; attempt: number } {
  return { stageId: job.stageId, epoch: job.epoch, attempt: job.attempt };
}

function shown(error: ErrorRecord): NonNullable<ExecuteResult["error"]> {
  return { name: error.name, code: error.code, message: error.message };
}

function closedKey(
  key: NonNullable<FinishState["key"]>,
  job: Job,
  result: Omit<ExecuteResult, "output"> & { readonly output: Payload | null },
  given: Given,
): NonNullable<Entry["key"]> {
  return {
    expect: key.entry,
    put: {
      type: "job.execute",
      key: key.key,
      hash: key.hash,
      runId: job.runId,
      entry: given.entry,
      createdAt: NOW,
      expiresAt: null,
      open: null,
      result,
    },
  };
}

function releasedKey(state: FinishState): Pick<Entry, "dropKeys"> {
  return state.key === null ? {} : { dropKeys: [{ type: "job.execute", key: state.key.key }] };
}
