import type { Event, Graph, RunProgress, RunStatus } from "sluice";
import type { AttemptEnd, AttemptView, RunView, StageState, StageView } from "./view.ts";

/** Follows one run by its events, in order, and its live progress. */
export interface Tracker {
  readonly run: RunView;
  stage(stageId: string): StageView | undefined;
  /** Takes a committed event; answers the stages that it changed. */
  accept(event: Event): ReadonlySet<string>;
  /** Takes a live report of the attempt under way; any other changes nothing. */
  report(progress: RunProgress): ReadonlySet<string>;
  /** Takes the run's head: a rerun is PENDING without an event that says so. */
  observe(head: { readonly status: RunStatus; readonly epoch: number }): ReadonlySet<string>;
}

/** Makes a tracker of a run of which nothing is known yet but its graph. */
export function createTracker(graph: Graph, runId: string): Tracker {
  return new RunTracker(graph, runId);
}

class RunTracker implements Tracker {
  run: RunView;
  readonly #graph: Graph;
  readonly #stages = new Map<string, StageView>();
  readonly #groupOf: ReadonlyMap<string, number>;
  /** Stages of each group that are not done: going through all of a wide group for each of them would be quadratic. */
  readonly #left: number[];
  #changed = new Set<string>();

  constructor(graph: Graph, runId: string) {
    this.#graph = graph;
    this.#groupOf = new Map(graph.stages.map(({ id, group }) => [id, group]));
    this.#left = graph.groups.map(({ length }) => length);
    for (const { id } of graph.stages) this.#stages.set(id, freshStage(id, []));
    this.run = {
      id: runId,
      workflowId: graph.workflowId,
      status: "PENDING",
      epoch: 1,
      createdAt: null,
      startedAt: null,
      settledAt: null,
      error: null,
      reason: null,
    };
  }

  stage(stageId: string): StageView | undefined {
    return this.#stages.get(stageId);
  }

  accept(event: Event): ReadonlySet<string> {
    this.#changed = new Set();
    const at = event.timestamp;
    switch (event.type) {
      case "workflow:created":
        this.#setRun({ createdAt: at });
        break;
      case "workflow:started":
        this.#begin(event.payload.epoch, event.payload.group, at);
        break;
      case "workflow:suspended":
        this.#setRun({ status: "SUSPENDED" });
        break;
      case "workflow:completed":
        this.#setRun({ status: "COMPLETED", settledAt: at });
        break;
      case "workflow:failed":
        this.#setRun({ status: "FAILED", settledAt: at, error: event.payload.error });
        this.#endOpenStages(at);
        break;
      case "workflow:cancelled":
        this.#setRun({ status: "CANCELLED", settledAt: at, reason: event.payload.reason ?? null });
        this.#endOpenStages(at);
        break;
      case "annotation:created":
        break;
      default:
        this.#acceptStageEvent(event, at);
    }
    return this.#changed;
  }

  report({ stageId, epoch, attempt, progress, message = "" }: RunProgress): ReadonlySet<string> {
    this.#changed = new Set();
    const stage = this.#stages.get(stageId);
    if (stage === undefined || epoch !== this.run.epoch) return this.#changed;
    if (stage.state === "running" && stage.attempt === attempt)
      this.#setStage(stageId, { progress, message });
    return this.#changed;
  }

  observe({ status, epoch }: { status: RunStatus; epoch: number }): ReadonlySet<string> {
    this.#changed = new Set();
    if (status === "PENDING" && epoch > this.run.epoch) {
      this.#setRun({ status, epoch, startedAt: null, settledAt: null, error: null, reason: null });
    }
    return this.#changed;
  }

  /** A group is queued in the commit that starts the run, or that starts it again. */
  #begin(epoch: number, group: number, at: number): void {
    this.#setRun({ status: "RUNNING", epoch, startedAt: at, settledAt: null, error: null, reason: null });
    for (const [index, { length }] of this.#graph.groups.entries()) {
      this.#left[index] = index < group ? 0 : length;
    }
    for (const [id, stage] of this.#stages) {
      const own = this.#groupOf.get(id) ?? 0;
      if (own >= group) {
        this.#stages.set(id, freshStage(id, stage.attempts, own === group ? "queued" : "waiting"));
        this.#changed.add(id);
      } else if (stage.state !== "succeeded" && stage.state !== "skipped") {
        // A fork starts with another run's outputs, for which it has no events.
        this.#setStage(id, { state: "succeeded", progress: 1 });
      }
    }
  }

  #acceptStageEvent(event: StageEventOf, at: number): void {
    const { stageId } = event.payload;
    switch (event.type) {
      case "stage:started":
        this.#startAttempt(event.payload, at);
        break;
      case "stage:progress": {
        const { attempt, progress, message } = event.payload;
        const stage = this.#stages.get(stageId);
        // Journaled with the attempt's end: live reports may have told it before.
        if (stage?.attempt === attempt && progress >= stage.progress) {
          this.#setStage(stageId, { progress, ...(message === undefined ? {} : { message }) });
        }
        break;
      }
      case "stage:completed":
        this.#endAttempt(stageId, "succeeded", at);
        this.#setStage(stageId, { state: "succeeded", progress: 1, endedAt: at, error: null });
        this.#queueNext(stageId);
        break;
      case "stage:skipped":
        this.#endAttempt(stageId, "skipped", at);
        this.#setStage(stageId, { state: "skipped", endedAt: at, reason: event.payload.reason ?? null });
        this.#queueNext(stageId);
        break;
      case "stage:failed":
        this.#endAttempt(stageId, "failed", at, event.payload.error);
        this.#setStage(stageId, { state: "failed", endedAt: at, error: event.payload.error });
        break;
      case "stage:retrying":
        this.#endAttempt(stageId, "will-retry", at, event.payload.error);
        this.#setStage(stageId, {
          state: "backoff",
          error: event.payload.error,
          dueAt: at + event.payload.delayMs,
        });
        break;
      case "stage:suspended":
        this.#endAttempt(stageId, "suspended", at);
        this.#setStage(stageId, { state: "suspended" });
        break;
      case "lease:reaped":
        this.#endAttempt(stageId, event.payload.cause === "dead" ? "worker-died" : "lease-expired", at);
        this.#setStage(stageId, { state: "lease-expired" });
        break;
    }
  }

  #startAttempt(payload: StageEventOf<"stage:started">["payload"], at: number): void {
    const { stageId, epoch, attempt, worker, resumed = false } = payload;
    // A lease that was given back (its host drained, its page closed) has no event of its own.
    this.#endAttempt(stageId, "given-back", at);
    const stage = this.#stages.get(stageId);
    if (stage === undefined) return;
    const begun: AttemptView = {
      epoch,
      attempt,
      worker,
      resumed,
      startedAt: at,
      endedAt: null,
      end: null,
      error: null,
    };
    this.#setStage(stageId, {
      state: "running",
      attempt,
      progress: 0,
      message: "",
      dueAt: null,
      error: null,
      startedAt: stage.startedAt ?? at,
      attempts: [...stage.attempts, begun],
    });
    if (this.run.status === "SUSPENDED") this.#setRun({ status: "RUNNING" });
  }

  #endAttempt(stageId: string, end: AttemptEnd, at: number, error: AttemptView["error"] = null): void {
    const stage = this.#stages.get(stageId);
    const last = stage?.attempts.at(-1);
    if (stage === undefined || last === undefined || last.end !== null) return;
    this.#setStage(stageId, {
      attempts: [...stage.attempts.slice(0, -1), { ...last, endedAt: at, end, error }],
    });
  }

  /** The commit that ends a group's last stage queues the next group. */
  #queueNext(stageId: string): void {
    const group = this.#groupOf.get(stageId) ?? 0;
    const left = (this.#left[group] ?? 0) - 1;
    this.#left[group] = left;
    if (left > 0) return;
    for (const id of this.#graph.groups[group + 1] ?? []) {
      if (this.#stages.get(id)?.state === "waiting") this.#setStage(id, { state: "queued" });
    }
  }

  /** Stages that had not ended have no events of their own when their run fails or is cancelled. */
  #endOpenStages(at: number): void {
    for (const [id, stage] of this.#stages) {
      if (stage.state === "waiting") this.#setStage(id, { state: "not-run" });
      else if (open.has(stage.state)) {
        this.#endAttempt(id, "cancelled", at);
        this.#setStage(id, { state: "cancelled", endedAt: at, dueAt: null });
      }
    }
  }

  #setStage(id: string, changes: Partial<StageView>): void {
    const stage = this.#stages.get(id);
    if (stage === undefined) return;
    this.#stages.set(id, { ...stage, ...changes });
    this.#changed.add(id);
  }

  #setRun(changes: Partial<RunView>): void {
    this.run = { ...this.run, ...changes };
  }
}

type StageEventType = Exclude<Extract<Event["type"], `stage:${string}` | "lease:reaped">, never>;
type StageEventOf<Type extends StageEventType = StageEventType> = Extract<Event, { type: Type }>;

const open: ReadonlySet<StageState> = new Set(["queued", "running", "backoff", "suspended", "lease-expired"]);

function freshStage(
  id: string,
  attempts: readonly AttemptView[],
  state: "waiting" | "queued" = "waiting",
): StageView {
  return {
    id,
    state,
    attempt: 0,
    progress: 0,
    message: "",
    dueAt: null,
    startedAt: null,
    endedAt: null,
    error: null,
    reason: null,
    attempts,
  };
}
