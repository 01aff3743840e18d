/** Frees, or quarantines, a job whose worker is silent or dead. */
import type { Graph, Job, Run } from "../model.ts";
import { decideReap } from "./commands/lease-reap-stale.ts";
import type { Core } from "./core.ts";
import { type Decision, groupOf } from "./decision.ts";
import { endsGroup, transition } from "./follow.ts";
import { nodeOf } from "./jobs.ts";

/** Tries against heartbeats that were under way when the worker died. */
const MAX_TRIES = 25;

/**
 * Frees a job whose worker died under it, as the executor knows for certain: what `lease.reapStale` would do once it hears of the death. Nothing,
 * where its lease is over already.
 */
export async function reapCrashed(core: Core, { runId, stageId, epoch, token }: Job): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { runs } = await core.ports.store.load({ of: "run", runId, graph: true, jobs: [stageId] });
    const [found] = runs;
    const job = found?.jobs[0];
    if (found?.graph == null || job === undefined || job.token !== token || job.epoch !== epoch) return;
    const dead = new Set(job.worker === null ? [] : [job.worker]);
    if (await reap(core, { run: found.run, graph: found.graph, job }, dead)) return;
  }
}

/** Frees one job; false where somebody was faster. */
export async function reap(
  core: Core,
  { run, graph, job }: { run: Run; graph: Graph; job: Job },
  dead: ReadonlySet<string>,
): Promise<boolean> {
  const seen = await siblingsOf(
    core,
    run,
    graph,
    job,
    job.crashes + 1 >= nodeOf(graph, job.stageId).policy.maxCrashes,
  );
  const decision = decideReap({ graph, job, dead, ...seen }, await core.given());
  return (await commitOne(core, decision)) ?? false;
}

/** The other jobs of a wide group, with the head as it was read together with them; nothing is read where they don't matter. */
export async function siblingsOf(
  core: Core,
  run: Run,
  graph: Graph,
  job: Job,
  matter: boolean,
): Promise<{ run: Run; siblings: readonly Job[] }> {
  if (!matter || groupOf(graph, job.group).length < 2) return { run, siblings: [] };
  const { runs } = await core.ports.store.load({ of: "run", runId: run.id, jobs: "all" });
  return { run: runs[0]?.run ?? run, siblings: runs[0]?.jobs ?? [] };
}

/** Commits a decision that nobody repeats: what loses is decided anew by the next sweep. Null: it lost. */
async function commitOne<R>(core: Core, { entry, result }: Decision<R>): Promise<R | null> {
  if (entry === null) return result(null);
  const { verdict, last } = await core.commit(entry);
  if (verdict.status === "invalid") throw verdict.error;
  if (verdict.status !== "committed") return null;
  if (last && endsGroup(entry, verdict)) await transition(core, entry.runId, null);
  return result(verdict);
}
