import type { Graph } from "sluice";
import type { RunView, StageView } from "./view.ts";

/** What to offer for a run that has ended: from which stage it would go, and how that is called. */
export interface Rerun {
  readonly from: string;
  readonly label: string;
}

/**
 * The rerun that a reader most likely wants: from the stage that failed, from where it was cancelled (what was finished is kept), or
 * from the beginning.
 */
export function likelyRerun(
  graph: Graph,
  run: RunView,
  stage: (stageId: string) => StageView | undefined,
): Rerun | null {
  const first = graph.groups[0]?.[0];
  if (run.settledAt === null || first === undefined) return null;
  const failed = run.status === "FAILED" ? run.error?.stageId : undefined;
  if (failed !== undefined) return { from: failed, label: "Rerun from the failed stage" };
  if (run.status === "CANCELLED") {
    const open = graph.groups.flat().find((id) => !isDone(stage(id)));
    if (open !== undefined && open !== first) return { from: open, label: "Go on where it stopped" };
  }
  return { from: first, label: "Run again" };
}

function isDone(stage: StageView | undefined): boolean {
  return stage?.state === "succeeded" || stage?.state === "skipped";
}
