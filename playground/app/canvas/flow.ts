/** A layout as React Flow's nodes and edges. They change with the graph only: status is followed by each node by itself. */
import { type Edge, type Node, Position } from "@xyflow/react";
import type { Graph } from "sluice";
import { count } from "../ui/format.ts";
import { type Direction, type Layout, layoutPlan, type Metrics, planOf } from "./layout.ts";

/** Fixed sizes, so that nothing has to be measured before it can be drawn. */
const metrics: Readonly<Record<Direction, Metrics>> = {
  right: { node: { width: 212, height: 92 }, gap: { along: 52, across: 20 } },
  down: { node: { width: 170, height: 104 }, gap: { along: 36, across: 12 } },
};

/** Side of a joint's dot. */
const JOINT = 8;

export type StageNode = Node<
  { readonly name: string; readonly step: string; readonly bounds: string },
  "stage"
>;
export type JointNode = Node<Record<string, never>, "joint">;
/** `after`: the stages that must have succeeded for the work to have passed here. */
export type FlowEdge = Edge<{ readonly after: readonly string[] }, "flow">;

/** What is drawn, and how much room it takes. */
export interface Flow {
  readonly nodes: readonly (StageNode | JointNode)[];
  readonly edges: readonly FlowEdge[];
  readonly width: number;
  readonly height: number;
}

/** Draws a graph. */
export function flowOf(graph: Graph, direction: Direction): Flow {
  const { node } = metrics[direction];
  const layout = layoutPlan(planOf(graph), direction, metrics[direction]);
  const ends =
    direction === "right"
      ? { targetPosition: Position.Left, sourcePosition: Position.Right }
      : { targetPosition: Position.Top, sourcePosition: Position.Bottom };
  const byId = new Map(graph.stages.map((stage) => [stage.id, stage]));
  const stages = layout.stages.map(({ id, x, y }): StageNode => {
    const { name, group, policy } = byId.get(id) ?? { name: id, group: 0, policy: { maxAttempts: 1 } };
    const isWide = (graph.groups[group]?.length ?? 0) > 1;
    const step = `Step ${group + 1} of ${graph.groups.length}${isWide ? ", in parallel" : ""}`;
    const bounds = `up to ${count(policy.maxAttempts, "attempt")}`;
    return { id, type: "stage", position: { x, y }, ...node, ...ends, data: { name, step, bounds } };
  });
  const joints = layout.joints.map(
    ({ id, x, y }): JointNode => ({
      id,
      type: "joint",
      position: { x: x - JOINT / 2, y: y - JOINT / 2 },
      width: JOINT,
      height: JOINT,
      ...ends,
      data: {},
    }),
  );
  return {
    nodes: [...stages, ...joints],
    edges: edgesOf(layout),
    width: layout.width,
    height: layout.height,
  };
}

function edgesOf({ joints, links }: Layout): FlowEdge[] {
  const isJoint = new Set(joints.map(({ id }) => id));
  const before = (id: string): string[] => links.filter(({ to }) => to === id).map(({ from }) => from);
  return links.map(({ from, to }) => ({
    id: `${from} to ${to}`,
    type: "flow",
    source: from,
    target: to,
    data: { after: isJoint.has(from) ? before(from) : [from] },
  }));
}
