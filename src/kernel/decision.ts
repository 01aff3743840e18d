/** What a command's pure half is given and what it answers. */
import type { Graph, Run, RunState } from "../model.ts";
import type { Committed, Entry, Registry, Verdict } from "../ports/store.ts";

/** Identity, chance and policy, drawn before the decision, so that the decision is a function of its arguments. */
export interface Given {
  /** Id of the entry; several entries of one decision get `.1`, `.2` and so on. */
  readonly entry: string;
  /** Id of a run that the decision creates. */
  readonly runId: string;
  /** Uniform in [0, 1). */
  readonly random: number;
  readonly registry: Registry;
  readonly policy: KernelPolicy;
  readonly lease: LeaseGrant | null;
}

/** How many jobs a decision that enqueues may lease at once to the worker that asked for it. */
export interface LeaseGrant {
  readonly workerId: string;
  readonly slots: number;
  /** The `workflowId/stageId` that the worker has code for; absent for all that the executor has. Others are enqueued for who has it. */
  readonly handlers?: ReadonlySet<string> | undefined;
}

/** The kernel's tunable bounds. */
export interface KernelPolicy {
  /** How long a claim or heartbeat holds a job. */
  readonly leaseMs: number;
  /** Failed deliveries of one event to one subscriber before it is a dead letter. */
  readonly maxDeliveries: number;
  /** First delay after a failed delivery; doubles with each further one. */
  readonly deliveryBackoffMs: number;
  /** Longest single delivery: what takes longer was refused. */
  readonly deliveryTimeoutMs: number;
  /** How long a flusher holds a cursor. */
  readonly holdMs: number;
  /** How long idempotency records are kept at least. */
  readonly keyRetentionMs: number;
  /** Time between completion checks where a stage names none. */
  readonly pollMs: number;
}

/** The decision of a command about one run: one entry, or nothing to write. */
export interface Decision<Result> {
  readonly entry: Entry | null;
  readonly result: (committed: Committed | null) => Result;
}

/** The decision of a command about many runs: each entry stands for itself. */
export interface Decisions<Result> {
  readonly entries: readonly Entry[];
  /** Verdicts in the order of the entries. */
  readonly result: (verdicts: readonly Verdict[]) => Result;
}

/** The versioned part of a run's head. */
export function stateOf(run: RunState, change: Partial<RunState> = {}): RunState {
  return {
    status: run.status,
    epoch: run.epoch,
    group: run.group,
    error: run.error,
    delivered: run.delivered,
    ...change,
  };
}

/** The stage ids of a run's current group. */
export function groupOf(graph: Graph, group: number): readonly string[] {
  return graph.groups[group] ?? [];
}

/** Whether a registered subscriber has yet to be given, or passed over, an event of the run up to `sequence`. */
export function isUndelivered(
  run: Run,
  registry: Registry,
  sequence: number,
  moved: ReadonlyMap<string, number> = new Map(),
): boolean {
  return registry.subscribers.some(({ name, since }) => {
    const position = moved.get(name) ?? run.cursors[name]?.position;
    // Without a cursor, what was committed before it subscribed is not owed to it.
    return position === undefined ? since <= run.updatedAt : position < sequence;
  });
}
