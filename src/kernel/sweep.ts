/** The flows that look after what others left: stale leases, suspended stages that are due, settled runs. */
import { toRecord } from "../errors.ts";
import type { Claimed } from "../ports/store.ts";
import type { LeaseReapStale, Results, RunPurge } from "./api.ts";
import { REAP_ROUND, resultOfReap, scopeReapStale, staleJobs } from "./commands/lease-reap-stale.ts";
import { decidePurge, PURGE_ROUND, scopePurge } from "./commands/run-purge.ts";
import {
  type CheckResult,
  type CheckState,
  decideCheck,
  isOverdue,
} from "./commands/stage-poll-suspended.ts";
import type { Core } from "./core.ts";
import { endsGroup, mayDecideAgain, transition } from "./follow.ts";
import { nodeOf } from "./jobs.ts";
import { giveBack } from "./leases.ts";
import { reap, reapCrashed, siblingsOf } from "./reap.ts";
import { KernelObserver, taskOf } from "./task.ts";

/** Runs that one round of a purge looks at, at most. */
const MAX_PURGE_ROUND = 100_000;

/** Rounds of one sweep at most: what is left is found by the next. */
const MAX_ROUNDS = 50;

/** `lease.reapStale`: frees, or quarantines, what dead and silent workers hold. */
export async function reapStale(core: Core, command: LeaseReapStale): Promise<Results["lease.reapStale"]> {
  const { liveness, store } = core.ports;
  const dead = liveness === null ? [] : await liveness.dead(await store.jobs.holders());
  const freed: boolean[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const stale = staleJobs(await store.load(scopeReapStale(command, dead)));
    const results = await Promise.all(stale.map((found) => reap(core, found, new Set(dead))));
    freed.push(...results);
    if (stale.length < REAP_ROUND || !results.includes(true)) break;
  }
  return resultOfReap(freed);
}

/** `stage.pollSuspended`: leases suspended stages that are due, asks each, and records the answers. */
export async function pollSuspended(core: Core, maxChecks: number): Promise<Results["stage.pollSuspended"]> {
  const { store, executor, policy, name } = core.ports;
  const { claimed, now } = await store.jobs.claim({
    workerId: name,
    handlers: executor.handlers,
    kinds: ["check", "wait"],
    limit: maxChecks,
    leaseFor: policy.leaseMs,
  });
  const answers = await Promise.all(claimed.map((one) => poll(core, one, now)));
  const resumed = claimed.filter((_, index) => answers[index] === "resumed");
  return {
    checked: claimed.length,
    resumed: resumed.length,
    failed: answers.filter((answer) => answer === "failed").length,
    resumedWorkflowRunIds: [...new Set(resumed.map(({ run }) => run.id))],
  };
}

async function poll(core: Core, { job, run: head }: Claimed, now: number): Promise<CheckResult | null> {
  let stop: ((reason: "cancelled" | "lease-lost" | "draining") => void) | null = null;
  core.leases.hold(job, (reason) => stop?.(reason));
  try {
    const { runs } = await core.ports.store.load({
      of: "run",
      runId: head.id,
      graph: true,
      body: true,
      stages: [job.stageId],
    });
    const [found] = runs;
    const record = found?.stages[0];
    if (found?.graph == null || record === undefined) return null;
    const view = core.warm.set(found.run, core.intern(found.graph), found.body);
    const node = nodeOf(found.graph, job.stageId);
    const state: CheckState = { run: found.run, graph: found.graph, node, job, record, siblings: [], now };
    if (job.kind === "wait") return await recordAnswer(core, state, { kind: "overdue" });
    const check = core.ports.executor.check(
      await taskOf(core, view, node, job, { record }),
      new KernelObserver(core, job),
    );
    stop = (reason) => check.abort(reason);
    const outcome = await check.outcome;
    if (outcome.kind === "aborted") {
      if (outcome.reason === "draining") await core.ports.store.jobs.release({ leases: [job] });
      return null;
    }
    if (outcome.kind === "crashed") {
      await reapCrashed(core, job);
      return null;
    }
    if (outcome.kind === "ready") {
      for (const blob of outcome.output?.blobs ?? []) await core.ports.blobs.put(blob.key, blob.data);
    }
    const late = outcome.kind === "waiting" && isOverdue(job, now);
    return await recordAnswer(core, state, late ? { kind: "overdue" } : outcome);
  } catch (error) {
    // Its lease would run out, and count as a crash of its worker.
    await giveBack(core.ports.store.jobs, core.ports.clock, job);
    throw error;
  } finally {
    core.leases.letGo(job);
  }
}

/** Records an answer; a run that moved meanwhile is read again, a lost lease makes it a ghost. */
async function recordAnswer(
  core: Core,
  state: CheckState,
  outcome: Parameters<typeof decideCheck>[1],
): Promise<CheckResult | null> {
  let seen = state;
  let answer = outcome;
  for (let tries = 0; tries < 25; tries += 1) {
    const wide = await siblingsOf(
      core,
      seen.run,
      seen.graph,
      seen.job,
      answer.kind === "failed" || answer.kind === "overdue",
    );
    const { entry, result } = decideCheck({ ...seen, ...wide }, answer, await core.given());
    if (entry === null) return result(null);
    const { verdict, last } = await core.commit(entry);
    if (verdict.status === "committed") {
      if (last && endsGroup(entry, verdict)) await transition(core, entry.runId, null);
      return result(verdict);
    }
    if (verdict.status === "invalid")
      answer = { kind: "failed", error: toRecord(verdict.error), retryable: false };
    else if (verdict.status === "duplicate") return null;
    else if (!(await mayDecideAgain(core, entry, verdict.guard))) return null;
    else seen = { ...seen, run: (await core.view(seen.run.id)).run };
  }
  return null;
}

/**
 * `run.purge`: in rounds. Rows go before blobs, because a run that is rerun at the same moment must keep both; a store deletes its own blobs
 * in the same transaction, so that only blobs kept elsewhere can be orphaned by a crash in between.
 */
export async function purge(core: Core, command: RunPurge): Promise<Results["run.purge"]> {
  const { store, blobs } = core.ports;
  let purged = 0;
  let limit = PURGE_ROUND;
  await core.registry(true);
  for (;;) {
    const loaded = await store.load(scopePurge(command, limit));
    const { entries, result } = decidePurge(loaded, await core.given());
    if (entries.length === 0) {
      // A whole round of runs that are still owed something must not hide those behind them.
      if (loaded.runs.length < limit || limit >= MAX_PURGE_ROUND) break;
      limit *= 4;
      continue;
    }
    const verdicts = await core.commitAll(entries);
    for (const [index, entry] of entries.entries()) {
      if (entry.purge && verdicts[index]?.status === "committed") await blobs.remove(entry.runId);
    }
    const done = result(verdicts).purged;
    purged += done;
    if (loaded.runs.length < limit || done === 0) break;
  }
  return { purged };
}
