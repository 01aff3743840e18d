import type { Event, RunProgress } from "sluice";

/** Where one stage of the run stands, as its events tell. */
export interface StageView {
  readonly id: string;
  readonly name: string;
  readonly status: "waiting" | "running" | "retrying" | "completed" | "failed" | "cancelled" | "skipped";
  /** From 0 to 1. */
  readonly progress: number;
  /** What it said last, or why it failed. */
  readonly message: string;
  readonly attempts: number;
  /** From the first attempt's start to the end, in milliseconds on the store's clock; null until then. */
  readonly elapsedMs: number | null;
}

/** Follows a run by its events and its live progress. Each method returns the stage that changed, if one did. */
export interface Tracker {
  /** The stages in the order of the graph. */
  readonly stages: readonly StageView[];
  /** Takes a committed event. Progress in the journal is passed over: it is committed with the stage's end. */
  accept(event: Event): StageView | undefined;
  /** Takes a live report. It may come before the event of its stage's start, or after that of its end. */
  report(progress: RunProgress): StageView | undefined;
  /** Notes that the run was cancelled, for which open stages have no events of their own. */
  cancel(): void;
}

/** Makes a tracker for the stages of a graph. */
export function createTracker(nodes: readonly { readonly id: string; readonly name: string }[]): Tracker {
  const stages = nodes.map(
    ({ id, name }): StageView => ({
      id,
      name,
      status: "waiting",
      progress: 0,
      message: "",
      attempts: 0,
      elapsedMs: null,
    }),
  );
  const startedAt = new Map<string, number>();

  const change = (
    stageId: string,
    changesOf: (stage: StageView) => Partial<StageView> | undefined,
  ): StageView | undefined => {
    const index = stages.findIndex(({ id }) => id === stageId);
    const stage = stages[index];
    const changes = stage && changesOf(stage);
    if (!changes) return undefined;
    const changed = { ...stage, ...changes };
    stages[index] = changed;
    return changed;
  };

  return {
    stages,
    accept(event) {
      const { payload, timestamp } = event;
      if (!("stageId" in payload) || payload.stageId === undefined) return undefined;
      const { stageId } = payload;
      if (event.type === "stage:started" && !startedAt.has(stageId)) startedAt.set(stageId, timestamp);
      return change(stageId, (stage) =>
        changesBy(event, stage, timestamp - (startedAt.get(stageId) ?? timestamp)),
      );
    },
    report({ stageId, attempt, progress, message = "" }) {
      return change(stageId, (stage) => {
        const isNews = attempt > stage.attempts || (attempt === stage.attempts && stage.status === "running");
        return isNews ? { status: "running", attempts: attempt, progress, message } : undefined;
      });
    },
    cancel() {
      for (const { id } of nodes) {
        change(id, ({ status }) =>
          status === "waiting" || status === "running" || status === "retrying"
            ? { status: "cancelled" }
            : undefined,
        );
      }
    },
  };
}

function changesBy(event: Event, stage: StageView, elapsedMs: number): Partial<StageView> | undefined {
  switch (event.type) {
    case "stage:started": {
      const { attempt } = event.payload;
      // A live report of this attempt was faster.
      if (stage.attempts === attempt && stage.status === "running") return undefined;
      return { status: "running", progress: 0, message: "", attempts: attempt };
    }
    case "stage:completed":
      return { status: "completed", progress: 1, elapsedMs };
    case "stage:skipped":
      return { status: "skipped", message: event.payload.reason ?? "", elapsedMs };
    case "stage:failed":
      return { status: "failed", message: event.payload.error.message, elapsedMs };
    case "stage:retrying":
      return { status: "retrying", message: event.payload.error.message };
    default:
      return undefined;
  }
}
