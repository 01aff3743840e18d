/** The commands as callers send them, and what they answer. Names, fields and meaning are the engine's contract. */
import type { RunStatus } from "../model.ts";

/** Starts a workflow: writes a PENDING run. The same key gives the same run. */
export interface RunCreate {
  readonly type: "run.create";
  readonly workflowId: string;
  readonly input: unknown;
  readonly idempotencyKey: string;
  /** Config by stage id; the schemas' defaults fill in the rest. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Higher first; 0 by default, from -1000 to 1000. */
  readonly priority?: number;
  readonly annotations?: Readonly<Record<string, unknown>>;
}
/** PENDING runs become RUNNING; the jobs of their first group are enqueued in the same commit. */
export interface RunClaimPending {
  readonly type: "run.claimPending";
  readonly workerId: string;
  /** 10 by default, at most 1000. */
  readonly maxClaims?: number;
}
/** Executes one stage: start, body, finish. */
export interface JobExecute {
  readonly type: "job.execute";
  readonly workflowRunId: string;
  readonly workflowId: string;
  readonly stageId: string;
  /** For this execution only; the run's own config by default. */
  readonly config?: unknown;
  readonly idempotencyKey?: string;
  /** The token of a lease that the caller holds. Without one the job is claimed first. */
  readonly token?: number;
  /** Folds the run's transition into the finish. */
  readonly advance?: boolean;
}
/** Advances a run whose group is done, or completes or fails it. */
export interface RunTransition {
  readonly type: "run.transition";
  readonly workflowRunId: string;
}
/** Cancels a live run with its open stages and jobs. */
export interface RunCancel {
  readonly type: "run.cancel";
  readonly workflowRunId: string;
  readonly reason?: string;
}
/** Runs a settled run again from a stage's execution group on. */
export interface RunRerunFrom {
  readonly type: "run.rerunFrom";
  readonly workflowRunId: string;
  readonly fromStageId: string;
  readonly idempotencyKey?: string;
  /** Also a live run: what is under way becomes void. */
  readonly force?: boolean;
}
/** A new run of the same graph that starts before a stage with the earlier outputs. */
export interface RunFork {
  readonly type: "run.fork";
  readonly workflowRunId: string;
  readonly fromStageId: string;
  readonly idempotencyKey?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}
/** Wakes a stage that suspended on a signal; an early one is kept. */
export interface RunSignal {
  readonly type: "run.signal";
  readonly workflowRunId: string;
  readonly name: string;
  readonly payload: unknown;
  readonly idempotencyKey?: string;
}
/** Finds live runs that can't move by themselves, and mends or fails them. */
export interface RunReapStuck {
  readonly type: "run.reapStuck";
  /** Only runs that were not updated for so long; 0 by default, since being stuck is a matter of rows, not of age. */
  readonly stuckThresholdMs?: number;
}
/** Removes settled and delivered runs with all that hangs on them. */
export interface RunPurge {
  readonly type: "run.purge";
  readonly olderThanMs?: number;
  /** Keeps the newest so many. */
  readonly keep?: number;
  readonly status?: readonly RunStatus[];
}
/** Asks suspended stages that are due whether they are complete. */
export interface StagePollSuspended {
  readonly type: "stage.pollSuspended";
  readonly maxChecks?: number;
}
/** Frees jobs whose lease expired, was not renewed for that long, or whose worker is known to be dead. */
export interface LeaseReapStale {
  readonly type: "lease.reapStale";
  readonly staleThresholdMs: number;
}
/** Delivers undelivered events to this kernel's subscribers. */
export interface OutboxFlush {
  readonly type: "outbox.flush";
  /** Deliveries in this call at most; 1000 by default. */
  readonly maxEvents?: number;
}
/** Puts dead letters back for delivery. */
export interface PluginReplayDlq {
  readonly type: "plugin.replayDLQ";
  readonly maxEvents?: number;
  readonly workflowRunId?: string;
  readonly eventType?: string;
  readonly subscriber?: string;
}

/** Every command. */
export type Command =
  | RunCreate
  | RunClaimPending
  | JobExecute
  | RunTransition
  | RunCancel
  | RunRerunFrom
  | RunFork
  | RunSignal
  | RunReapStuck
  | RunPurge
  | StagePollSuspended
  | LeaseReapStale
  | OutboxFlush
  | PluginReplayDlq;

/** What each command answers. */
export interface Results {
  "run.create": { readonly workflowRunId: string; readonly status: RunStatus };
  "run.claimPending": {
    readonly claimed: readonly {
      readonly workflowRunId: string;
      readonly workflowId: string;
      readonly jobIds: readonly string[];
    }[];
  };
  "job.execute": ExecuteResult;
  "run.transition": { readonly action: TransitionAction; readonly nextGroup?: number };
  "run.cancel": { readonly cancelled: boolean };
  "run.rerunFrom": {
    readonly workflowRunId: string;
    readonly fromStageId: string;
    readonly deletedStages: readonly string[];
  };
  "run.fork": { readonly workflowRunId: string };
  "run.signal": { readonly delivered: boolean };
  "run.reapStuck": { readonly transitioned: number; readonly failed: number };
  "run.purge": { readonly purged: number };
  "stage.pollSuspended": {
    readonly checked: number;
    readonly resumed: number;
    readonly failed: number;
    readonly resumedWorkflowRunIds: readonly string[];
  };
  "lease.reapStale": { readonly released: number };
  "outbox.flush": { readonly published: number };
  "plugin.replayDLQ": { readonly replayed: number };
}

/** What a transition did. `noop`: there was nothing to do. */
export type TransitionAction = "advanced" | "completed" | "failed" | "suspended" | "resumed" | "noop";

/** What became of an execution. */
export interface ExecuteResult {
  readonly outcome: "completed" | "skipped" | "suspended" | "failed" | "cancelled";
  readonly output?: unknown;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  /** With `failed`: whether the stage is back in the queue. */
  readonly retryable?: boolean;
  /** The attempt no longer held its lease when it ended: nothing of it was recorded. */
  readonly ghost?: boolean;
  /** With `suspended`: when it is due next, on the store's clock; null while only a signal can wake it. */
  readonly nextPollAt?: number | null;
}

/** The id of a job: its run and its stage. */
export function jobId(runId: string, stageId: string): string {
  return `${runId}/${stageId}`;
}
