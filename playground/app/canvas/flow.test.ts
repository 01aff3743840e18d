import type { Graph } from "sluice";
import { describe, expect, it } from "vitest";
import { flowOf } from "./flow.ts";

function graphOf(...groups: string[][]): Graph {
  return {
    hash: "h",
    workflowId: "w",
    name: "W",
    groups,
    kinds: groups.map((ids) => (ids.length > 1 ? "parallel" : "pipe")),
    stages: groups.flatMap((ids, group) =>
      ids.map((id) => ({
        id,
        name: id.toUpperCase(),
        group,
        input: "previous" as const,
        dependencies: null,
        checks: false,
        policy: {
          maxAttempts: 3,
          maxCrashes: 5,
          timeoutMs: null,
          backoff: { initialMs: 1, factor: 2, maxMs: 1, jitter: 0 },
        },
      })),
    ),
  };
}

describe("flowOf", () => {
  it("draws each stage as a node of one size with its name and step", () => {
    const { nodes, edges } = flowOf(graphOf(["a"], ["b", "c"]), "right");
    expect(nodes.map(({ id, type, data }) => [id, type, data])).toEqual([
      ["a", "stage", { name: "A", step: "Step 1 of 2", bounds: "up to 3 attempts" }],
      ["b", "stage", { name: "B", step: "Step 2 of 2, in parallel", bounds: "up to 3 attempts" }],
      ["c", "stage", { name: "C", step: "Step 2 of 2, in parallel", bounds: "up to 3 attempts" }],
    ]);
    expect(new Set(nodes.map(({ width, height }) => `${width}x${height}`)).size).toBe(1);
    expect(edges.map(({ source, target, data }) => [source, target, data?.after])).toEqual([
      ["a", "b", ["a"]],
      ["a", "c", ["a"]],
    ]);
  });

  it("lets what leaves a joint wait for all that enters it", () => {
    const { nodes, edges } = flowOf(graphOf(["a", "b"], ["c", "d"]), "down");
    const joint = nodes.find(({ type }) => type === "joint");
    expect(joint).toBeDefined();
    expect(edges.filter(({ source }) => source === joint?.id).map(({ data }) => data?.after)).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });
});
