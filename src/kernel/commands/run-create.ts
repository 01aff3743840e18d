/** `run.create`: a PENDING run, or, where the asking host has room and nobody waits before it, one that is under way at once. */
import type { EventBody, Graph, RunBody, RunState } from "../../model.ts";
import { type CursorWrite, type Entry, NOW } from "../../ports/store.ts";
import type { Results } from "../api.ts";
import type { Decision, Given } from "../decision.ts";
import { enqueueGroup } from "../jobs.ts";

/** What the decision needs: everything was parsed, encoded and hashed before. Nothing is read. */
export interface NewRun {
  readonly graph: Graph;
  readonly body: Omit<RunBody, "runId">;
  readonly key: string;
  readonly hash: string;
  readonly priority: number;
  readonly annotations: Readonly<Record<string, unknown>>;
  /** Subscribers whose events the creating kernel delivers as they are committed. */
  readonly deliverTo: readonly string[];
  readonly holder: string;
}

/** Inserts the run with its key: who comes second with the same key is given the first one's result. */
export function decideCreate(create: NewRun, given: Given): Decision<Results["run.create"]> {
  const { graph } = create;
  const claims = given.lease !== null && given.lease.slots > 0;
  const state: RunState = {
    status: claims ? "RUNNING" : "PENDING",
    epoch: 1,
    group: 0,
    error: null,
    delivered: false,
  };
  const run = { id: given.runId, workflowId: graph.workflowId, priority: create.priority, ...state };
  const first = claims ? enqueueGroup(run, graph, 0, given) : { jobs: [], events: [] };
  const events: EventBody[] = [
    { type: "workflow:created", payload: { graph: graph.hash, priority: create.priority } },
    ...Object.entries(create.annotations).map(
      ([name, value]): EventBody => ({ type: "annotation:created", payload: { name, value } }),
    ),
  ];
  if (claims) events.push({ type: "workflow:started", payload: { epoch: 1, group: 0 } }, ...first.events);
  const result = { workflowRunId: given.runId, status: state.status };
  const entry: Entry = {
    id: given.entry,
    runId: given.runId,
    command: "run.create",
    guards: {},
    create: { ...run, graph: graph.hash, key: create.key, forkedFrom: null },
    graph,
    body: { runId: given.runId, ...create.body },
    counters: { set: { remaining: first.jobs.length, active: first.jobs.length } },
    jobs: first.jobs,
    events,
    ...(create.deliverTo.length === 0
      ? {}
      : { cursors: heldCursors(create.deliverTo, create.holder, given) }),
    key: {
      expect: null,
      put: {
        type: "run.create",
        key: create.key,
        hash: create.hash,
        runId: given.runId,
        entry: given.entry,
        createdAt: NOW,
        expiresAt: null,
        open: null,
        result,
      },
    },
  };
  return { entry, result: () => result };
}

function heldCursors(names: readonly string[], holder: string, given: Given): Record<string, CursorWrite> {
  const cursor: CursorWrite = {
    position: 0,
    token: 1,
    holder,
    heldUntil: { in: given.policy.holdMs },
    failures: 0,
    dueAt: 0,
  };
  return Object.fromEntries(names.map((name) => [name, cursor]));
}
