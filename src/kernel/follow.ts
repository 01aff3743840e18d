/** What follows a commit about a job, whichever command made it. */
import { RunNotFoundError, StaleVersionError } from "../errors.ts";
import type { Job } from "../model.ts";
import { stampJob } from "../ports/stamp.ts";
import type { Committed, Entry } from "../ports/store.ts";
import { decideTransition, scopeTransition } from "./commands/run-transition.ts";
import type { Core } from "./core.ts";
import type { LeaseGrant } from "./decision.ts";

/** Whether a fallen guard says that the attempt holds nothing any more. */
export function isFenced(guard: string): boolean {
  return guard === "job" || guard === "epoch" || guard === "run";
}

/**
 * Whether an entry about a job, the first that it guards, lost nothing but a race. A failing stage also guards the siblings that it
 * cancels, and which job's guard fell is not told.
 */
export async function mayDecideAgain(core: Core, { runId, guards }: Entry, fallen: string): Promise<boolean> {
  const [own, ...siblings] = guards.jobs ?? [];
  if (fallen !== "job" || own === undefined || siblings.length === 0) return !isFenced(fallen);
  const { runs } = await core.ports.store.load({ of: "run", runId, jobs: [own.stageId] });
  const job = runs[0]?.jobs[0];
  return job !== undefined && job.token === own.token && job.epoch === guards.epoch;
}

/** Whether an entry brought a counter to zero without having known that it would, and so left the run where it was. */
export function endsGroup({ state, counters }: Entry, { remaining, active }: Committed): boolean {
  const stays = state === undefined || state.status === "RUNNING";
  return stays && counters !== undefined && (remaining === 0 || active === 0);
}

/** The jobs that an entry leased and started. */
export function nextOf(entry: Entry, committed: Committed): Job[] {
  return (entry.jobs ?? [])
    .filter((job) => job.started && job.worker !== null)
    .map((job) => stampJob(job, committed.at));
}

/**
 * Moves a run on whose group was ended by siblings that didn't know of each other. The finish is in already, so losing this to
 * another writer, or to a purge, is nobody's error; whatever is left standing is found by `run.reapStuck`.
 */
export async function transition(
  core: Core,
  runId: string,
  lease: LeaseGrant | null,
): Promise<readonly Job[]> {
  const command = { type: "run.transition", workflowRunId: runId } as const;
  let next: readonly Job[] = [];
  try {
    await core.transact(
      "run.transition",
      runId,
      scopeTransition(command),
      (loaded, given) => decideTransition(command, loaded, given),
      {
        lease,
        onCommitted: (entry, committed) => {
          next = nextOf(entry, committed);
        },
      },
    );
  } catch (error) {
    if (!(error instanceof RunNotFoundError || error instanceof StaleVersionError)) throw error;
  }
  return next;
}
