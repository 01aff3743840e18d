/**
 * `run.reapStuck`: live runs without any job. A lease, a timer, a queued job or an awaited signal all are jobs, so a run that sleeps or
 * heartbeats is never met here, however old it is.
 */
import { RunStuckError, toRecord } from "../../errors.ts";
import { isSettled } from "../../model.ts";
import type { Entry, Loaded, Scope } from "../../ports/store.ts";
import { advance, settle } from "../advance.ts";
import type { Results, RunReapStuck } from "../api.ts";
import { type Decisions, type Given, groupOf } from "../decision.ts";

/** Live runs without jobs. */
export function scopeReapStuck(command: RunReapStuck): Scope {
  return { of: "stuck", idleMs: command.stuckThresholdMs ?? 0, limit: 100 };
}

/** Moves on what only waits for its transition, and fails what lost rows. */
export function decideReapStuck(loaded: Loaded, given: Given): Decisions<Results["run.reapStuck"]> {
  const entries: Entry[] = [];
  const mended: boolean[] = [];
  for (const [index, { run, graph, jobs, stages }] of loaded.runs.entries()) {
    if (graph === null || jobs.length > 0) continue;
    // The record of a suspended stage moves nothing by itself: without its job the stage is as lost as without a record.
    const done = new Set(stages.filter(({ status }) => isSettled(status)).map(({ stageId }) => stageId));
    const lost = groupOf(graph, run.group).filter((stageId) => !done.has(stageId));
    const base = { id: `${given.entry}.${index}`, runId: run.id, command: "run.reapStuck" };
    const guards = { version: run.version, remaining: run.remaining };
    if (lost.length > 0) {
      const error = run.error ?? toRecord(new RunStuckError(run.id, lost));
      const { state, registry } = settle(run, given, { status: "FAILED", error });
      mended.push(false);
      entries.push({
        ...base,
        guards: { ...guards, registry },
        state,
        counters: { set: { remaining: 0, active: 0 } },
        events: [{ type: "workflow:failed", payload: { epoch: run.epoch, error } }],
      });
      continue;
    }
    const move = advance(run, graph, { remaining: 0, active: 0 }, given);
    if (move === null) continue;
    mended.push(true);
    entries.push({
      ...base,
      guards: { ...guards, ...(move.registry === undefined ? {} : { registry: move.registry }) },
      state: move.state,
      counters: move.counters ?? { set: { remaining: 0, active: 0 } },
      jobs: move.jobs,
      events: move.events,
    });
  }
  return {
    entries,
    result: (verdicts) => {
      const done = verdicts.map((verdict) => verdict.status === "committed");
      return {
        transitioned: mended.filter((is, index) => is && done[index]).length,
        failed: mended.filter((is, index) => !is && done[index]).length,
      };
    },
  };
}
