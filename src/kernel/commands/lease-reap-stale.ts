/**
 * `lease.reapStale`: frees what dead or silent workers hold. A body that was under way counts as a crash; one whose worker died under it
 * too often is quarantined, so that no poison job loops for ever.
 */
import { QuarantinedError, toRecord } from "../../errors.ts";
import type { EventBody, Graph, Job, Run } from "../../model.ts";
import { type Entry, type Loaded, NOW, type Scope } from "../../ports/store.ts";
import type { LeaseReapStale, Results } from "../api.ts";
import type { Decision, Given } from "../decision.ts";
import { nodeOf, unleased } from "../jobs.ts";
import { eventOf, recordOf, settleStage } from "./job-execute-finish.ts";

/** Jobs freed in one round; the kernel goes on until a round is not full. */
export const REAP_ROUND = 500;

/** Leased jobs whose lease is over, by the store's clock, or whose worker is dead. */
export function scopeReapStale(command: LeaseReapStale, dead: readonly string[]): Scope {
  return { of: "stale", staleMs: command.staleThresholdMs, dead, limit: REAP_ROUND };
}

/** Decides about one stale job; the kernel calls it for each, so that each has its own verdict. */
export function decideReap(
  state: {
    readonly run: Run;
    readonly graph: Graph;
    readonly job: Job;
    readonly siblings: readonly Job[];
    readonly dead: ReadonlySet<string>;
  },
  given: Given,
): Decision<boolean> {
  const { run, graph, job, dead } = state;
  // A completion check is user code too, and one that kills its worker must not be asked for ever.
  const underWay = job.started || job.kind === "check";
  const crashes = job.crashes + (underWay ? 1 : 0);
  const cause = job.worker !== null && dead.has(job.worker) ? "dead" : "expired";
  const reaped: EventBody = { type: "lease:reaped", payload: { ...eventOf(job), worker: job.worker, cause } };
  const counted = { ...job, crashes };
  // The expiry is part of the guard: a heartbeat that came after the load keeps the lease.
  const { stageId, token, attempt, leaseUntil } = job;
  const lease = { stageId, token, attempt, leaseUntil };
  if (crashes >= nodeOf(graph, job.stageId).policy.maxCrashes && underWay) {
    const error = toRecord(new QuarantinedError(job.stageId, crashes));
    const { entry } = settleStage(
      { run, graph, job: counted, key: null },
      {
        record: recordOf({ job: counted }, { status: "FAILED", error }),
        events: [reaped, { type: "stage:failed", payload: { ...eventOf(job), error } }],
        result: { outcome: "failed" },
        fold: true,
        siblings: state.siblings,
        error: { ...error, stageId: job.stageId },
        active: !job.suspended,
        command: "lease.reapStale",
      },
      given,
    );
    const guards =
      entry === null ? {} : { ...entry.guards, jobs: [lease, ...(entry.guards.jobs ?? []).slice(1)] };
    return { entry: entry === null ? null : { ...entry, guards }, result: () => true };
  }
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "lease.reapStale",
    guards: { epoch: job.epoch, jobs: [lease] },
    jobs: [unleased(counted, { dueAt: NOW })],
    events: [reaped],
  };
  return { entry, result: () => true };
}

/** How many were freed. */
export function resultOfReap(freed: readonly boolean[]): Results["lease.reapStale"] {
  return { released: freed.filter(Boolean).length };
}

/** The stale jobs of what was loaded. */
export function staleJobs(loaded: Loaded): { run: Run; graph: Graph; job: Job }[] {
  return loaded.runs.flatMap(({ run, graph, jobs }) =>
    graph === null ? [] : jobs.map((job) => ({ run, graph, job })),
  );
}
