/** `run.claimPending`: waiting runs become RUNNING, and the jobs of the group they start with are enqueued in the same commit. */
import type { Entry, Loaded, Scope } from "../../ports/store.ts";
import { jobId, type Results, type RunClaimPending } from "../api.ts";
import { type Decisions, type Given, groupOf, stateOf } from "../decision.ts";
import { enqueueGroup } from "../jobs.ts";

/** The longest-waiting runs of the highest priority. */
export function scopeClaimPending(command: RunClaimPending, workflowIds: readonly string[] | null): Scope {
  return { of: "pending", workflowIds, limit: command.maxClaims ?? 10 };
}

/** One entry a run; a run that another claimed first is left out of the result. */
export function decideClaimPending(loaded: Loaded, given: Given): Decisions<Results["run.claimPending"]> {
  let slots = given.lease?.slots ?? 0;
  const entries: Entry[] = [];
  for (const [index, { run, graph }] of loaded.runs.entries()) {
    if (graph === null || run.status !== "PENDING") continue;
    const lease = given.lease === null ? null : { ...given.lease, slots };
    const { jobs, events } = enqueueGroup(run, graph, run.group, { policy: given.policy, lease });
    slots -= jobs.filter((job) => job.started).length;
    entries.push({
      id: `${given.entry}.${index}`,
      runId: run.id,
      command: "run.claimPending",
      guards: { version: run.version },
      state: stateOf(run, { status: "RUNNING" }),
      counters: { set: { remaining: jobs.length, active: jobs.length } },
      jobs,
      events: [{ type: "workflow:started", payload: { epoch: run.epoch, group: run.group } }, ...events],
    });
  }
  return {
    entries,
    result: (verdicts) => ({
      claimed: entries.flatMap((entry, index) => {
        const loadedRun = loaded.runs.find(({ run }) => run.id === entry.runId);
        if (verdicts[index]?.status !== "committed" || loadedRun?.graph == null) return [];
        const { run, graph } = loadedRun;
        return [
          {
            workflowRunId: run.id,
            workflowId: run.workflowId,
            jobIds: groupOf(graph, run.group).map((stageId) => jobId(run.id, stageId)),
          },
        ];
      }),
    }),
  };
}
