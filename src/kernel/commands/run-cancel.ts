/** `run.cancel`: run, open stages and jobs become CANCELLED in one commit; what bodies still give is a ghost. */
import { RunNotFoundError } from "../../errors.ts";
import { isSettled } from "../../model.ts";
import type { Loaded, Scope } from "../../ports/store.ts";
import { settle } from "../advance.ts";
import type { Results, RunCancel } from "../api.ts";
import type { Decision, Given } from "../decision.ts";
import { cancelledRecord } from "./job-execute-finish.ts";

/** The run with all its open jobs. */
export function scopeCancel(command: RunCancel): Scope {
  return { of: "run", runId: command.workflowRunId, jobs: "all" };
}

/** A settled run is left as it is. */
export function decideCancel(
  command: RunCancel,
  loaded: Loaded,
  given: Given,
): Decision<Results["run.cancel"]> {
  const [found] = loaded.runs;
  if (found === undefined) throw new RunNotFoundError(command.workflowRunId);
  const { run, jobs } = found;
  if (isSettled(run.status)) return { entry: null, result: () => ({ cancelled: false }) };
  const { state, registry } = settle(run, given, { status: "CANCELLED" });
  return {
    entry: {
      id: given.entry,
      runId: run.id,
      command: "run.cancel",
      // A sibling's completion doesn't change the version, so the counter is guarded too: its record must not be overwritten.
      guards: { version: run.version, remaining: run.remaining, registry },
      state,
      counters: { set: { remaining: 0, active: 0 } },
      dropJobs: "all",
      stages: jobs.map((job) => cancelledRecord(job, command.reason ?? null)),
      events: [
        {
          type: "workflow:cancelled",
          payload: { epoch: run.epoch, ...(command.reason === undefined ? {} : { reason: command.reason }) },
        },
      ],
    },
    result: () => ({ cancelled: true }),
  };
}
