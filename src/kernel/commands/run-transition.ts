/** `run.transition`: moves a run on whose group is done. By hand after `job.execute`; hosts fold it into the finish. */
import { RunNotFoundError } from "../../errors.ts";
import type { Loaded, Scope } from "../../ports/store.ts";
import { advance } from "../advance.ts";
import type { Results, RunTransition } from "../api.ts";
import type { Decision, Given } from "../decision.ts";

/** The run's head and graph. */
export function scopeTransition(command: RunTransition): Scope {
  return { of: "run", runId: command.workflowRunId, graph: true };
}

/** Guarded by the version and by the counter that it is decided from. */
export function decideTransition(
  command: RunTransition,
  loaded: Loaded,
  given: Given,
): Decision<Results["run.transition"]> {
  const [found] = loaded.runs;
  if (found?.graph == null) throw new RunNotFoundError(command.workflowRunId);
  const { run, graph } = found;
  const move = advance(run, graph, run, given);
  if (move === null) return { entry: null, result: () => ({ action: "noop" }) };
  return {
    entry: {
      id: given.entry,
      runId: run.id,
      command: "run.transition",
      guards: {
        version: run.version,
        remaining: run.remaining,
        ...(move.action === "suspended" ? { active: run.active } : {}),
        ...(move.registry === undefined ? {} : { registry: move.registry }),
      },
      state: move.state,
      ...(move.counters === undefined ? {} : { counters: move.counters }),
      jobs: move.jobs,
      events: move.events,
    },
    result: () => ({
      action: move.action,
      ...(move.nextGroup === undefined ? {} : { nextGroup: move.nextGroup }),
    }),
  };
}
