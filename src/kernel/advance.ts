/** How a run moves on when its group is done: the only place that knows the order of groups and what ends a run. */
import type { EventBody, Graph, Run, RunState } from "../model.ts";
import type { Entry } from "../ports/store.ts";
import type { TransitionAction } from "./api.ts";
import { type Given, stateOf } from "./decision.ts";
import { enqueueGroup } from "./jobs.ts";

/** What moving on writes, to be merged into an entry. */
export interface Move {
  readonly action: TransitionAction;
  readonly nextGroup?: number;
  readonly state: RunState;
  readonly counters?: NonNullable<Entry["counters"]>;
  readonly jobs: NonNullable<Entry["jobs"]>;
  readonly events: readonly EventBody[];
  /** Set where the decision relied on the list of subscribers. */
  readonly registry?: number;
}

/**
 * Moves on a run whose current group has `remaining` open stages, `active` of them not suspended. Null: nothing to do.
 */
export function advance(
  run: Run,
  graph: Graph,
  open: { readonly remaining: number; readonly active: number; readonly error?: RunState["error"] },
  given: Pick<Given, "lease" | "policy" | "registry">,
): Move | null {
  const error = open.error ?? run.error;
  if (run.status !== "RUNNING" && run.status !== "SUSPENDED") return null;
  if (open.remaining > 0) {
    if (open.active > 0) {
      // A stage was resumed by a kernel that didn't know that the run slept.
      return run.status === "RUNNING"
        ? null
        : { action: "resumed", state: stateOf(run, { status: "RUNNING", error }), jobs: [], events: [] };
    }
    if (run.status === "SUSPENDED") return null;
    return {
      action: "suspended",
      state: stateOf(run, { status: "SUSPENDED", error }),
      jobs: [],
      events: [{ type: "workflow:suspended", payload: { epoch: run.epoch } }],
    };
  }
  if (error !== null) {
    return {
      action: "failed",
      ...settle(run, given, { status: "FAILED", error }),
      jobs: [],
      events: [{ type: "workflow:failed", payload: { epoch: run.epoch, error } }],
    };
  }
  const next = run.group + 1;
  if (next < graph.groups.length) {
    const { jobs, events } = enqueueGroup(run, graph, next, given);
    return {
      action: "advanced",
      nextGroup: next,
      state: stateOf(run, { status: "RUNNING", group: next }),
      counters: { set: { remaining: jobs.length, active: jobs.length } },
      jobs,
      events,
    };
  }
  return {
    action: "completed",
    ...settle(run, given, { status: "COMPLETED" }),
    jobs: [],
    events: [{ type: "workflow:completed", payload: { epoch: run.epoch } }],
  };
}

/** A settled state. With no subscriber there is nothing left to deliver, and no further entry is needed. */
export function settle(
  run: RunState,
  given: Pick<Given, "registry">,
  change: Partial<RunState>,
): { readonly state: RunState; readonly registry: number } {
  return {
    state: {
      status: run.status,
      epoch: run.epoch,
      group: run.group,
      error: run.error,
      ...change,
      delivered: given.registry.subscribers.length === 0,
    },
    registry: given.registry.version,
  };
}
