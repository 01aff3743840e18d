import type { Graph } from "sluice";
import { describe, expect, it } from "vitest";
import { likelyRerun } from "./rerun.ts";
import type { RunView, StageState, StageView } from "./view.ts";

const graph = { groups: [["a"], ["b", "c"], ["d"]] } as unknown as Graph;

function rerunOf(run: Partial<RunView>, states: Readonly<Record<string, StageState>> = {}) {
  const view: RunView = {
    id: "r",
    workflowId: "w",
    status: "COMPLETED",
    epoch: 1,
    createdAt: 1,
    startedAt: 1,
    settledAt: 2,
    error: null,
    reason: null,
    ...run,
  };
  return likelyRerun(graph, view, (id) => ({ state: states[id] ?? "not-run" }) as StageView);
}

describe("likelyRerun", () => {
  it("begins a completed run anew", () => {
    expect(rerunOf({ status: "COMPLETED" })).toEqual({ from: "a", label: "Run again" });
  });

  it("goes from the stage that failed", () => {
    const error = { name: "Error", code: "E", message: "no", stageId: "c" };
    expect(rerunOf({ status: "FAILED", error })).toEqual({ from: "c", label: "Rerun from the failed stage" });
  });

  it("goes on where a run was cancelled, unless that is its beginning", () => {
    const states = { a: "succeeded", b: "skipped", c: "cancelled" } as const;
    expect(rerunOf({ status: "CANCELLED" }, states)).toEqual({ from: "c", label: "Go on where it stopped" });
    expect(rerunOf({ status: "CANCELLED" }, { a: "cancelled" })).toEqual({ from: "a", label: "Run again" });
  });

  it("offers nothing while the run is live", () => {
    expect(rerunOf({ status: "RUNNING", settledAt: null })).toBeNull();
  });
});
