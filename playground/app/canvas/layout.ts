/** Where a graph's stages stand on the canvas. Derived, so that nothing is ever placed by hand. */
import type { Graph } from "sluice";

/** A workflow as a tree: what React Flow draws and what the layout walks. */
export type Plan =
  | { readonly kind: "stage"; readonly id: string }
  | { readonly kind: "series" | "parallel"; readonly parts: readonly Plan[] };

/** Which way the work flows: to the right, or, on a narrow screen, down. */
export type Direction = "right" | "down";

/** Sizes in pixels. `along` is the gap between steps, `across` the one between siblings. */
export interface Metrics {
  readonly node: { readonly width: number; readonly height: number };
  readonly gap: { readonly along: number; readonly across: number };
}

/** A place on the canvas, from its top left. */
export interface Spot {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** Two stages, or a stage and a joint, that follow each other. */
export interface Link {
  readonly from: string;
  readonly to: string;
}

/** A drawn plan. Joints are points where a wide step meets a wide step: they spare m × n lines. */
export interface Layout {
  readonly stages: readonly Spot[];
  readonly joints: readonly Spot[];
  readonly links: readonly Link[];
  readonly width: number;
  readonly height: number;
}

/** The tree of a graph's execution groups. */
export function planOf(graph: Pick<Graph, "groups">): Plan {
  const parts = graph.groups.map((ids): Plan => {
    const stages = ids.map((id): Plan => ({ kind: "stage", id }));
    const [only] = stages;
    return stages.length === 1 && only !== undefined ? only : { kind: "parallel", parts: stages };
  });
  return { kind: "series", parts };
}

/** Places a plan: parts of a series one after another, parts of a parallel beside each other, all centred. */
export function layoutPlan(plan: Plan, direction: Direction, metrics: Metrics): Layout {
  const { node, gap } = metrics;
  const isDown = direction === "down";
  const own = isDown
    ? { along: node.height, across: node.width }
    : { along: node.width, across: node.height };
  const box = draw(plan, own, gap);
  const turn = ({ id, along, across }: Place): Spot =>
    isDown ? { id, x: across, y: along } : { id, x: along, y: across };
  return {
    stages: box.stages.map(turn),
    joints: box.joints.map(turn),
    links: box.links,
    width: isDown ? box.across : box.along,
    height: isDown ? box.along : box.across,
  };
}

/** A position with the flow and across it, whichever way it goes on the screen. */
interface Place {
  readonly id: string;
  readonly along: number;
  readonly across: number;
}

interface Box {
  readonly along: number;
  readonly across: number;
  readonly stages: readonly Place[];
  readonly joints: readonly Place[];
  readonly links: readonly Link[];
  /** What the step before leads to, and what leads to the step after. */
  readonly heads: readonly string[];
  readonly tails: readonly string[];
}

const nothing: Box = { along: 0, across: 0, stages: [], joints: [], links: [], heads: [], tails: [] };

function draw(plan: Plan, node: { along: number; across: number }, gap: Metrics["gap"]): Box {
  if (plan.kind === "stage") {
    const heads = [plan.id];
    return { ...nothing, ...node, stages: [{ id: plan.id, along: 0, across: 0 }], heads, tails: heads };
  }
  const parts = plan.parts.map((part) => draw(part, node, gap)).filter(({ heads }) => heads.length > 0);
  return plan.kind === "series" ? drawSeries(parts, gap.along) : drawParallel(parts, gap.across);
}

function drawSeries(parts: readonly Box[], gap: number): Box {
  const across = Math.max(0, ...parts.map((part) => part.across));
  const joints: Place[] = [];
  const links: Link[] = [];
  let along = 0;
  const placed = parts.map((part, index) => {
    const before = parts[index - 1];
    if (before !== undefined) {
      if (before.tails.length > 1 && part.heads.length > 1) {
        const joint = `${before.tails[0]}→${part.heads[0]}`;
        joints.push({ id: joint, along: along + gap / 2, across: across / 2 });
        links.push(...before.tails.map((from) => ({ from, to: joint })));
        links.push(...part.heads.map((to) => ({ from: joint, to })));
      } else {
        links.push(...before.tails.flatMap((from) => part.heads.map((to) => ({ from, to }))));
      }
      along += gap;
    }
    const moved = move(part, along, (across - part.across) / 2);
    along += part.along;
    return moved;
  });
  return {
    along,
    across,
    ...gather(placed, joints, links),
    heads: placed[0]?.heads ?? [],
    tails: placed.at(-1)?.tails ?? [],
  };
}

function drawParallel(parts: readonly Box[], gap: number): Box {
  const along = Math.max(0, ...parts.map((part) => part.along));
  let across = 0;
  const placed = parts.map((part, index) => {
    if (index > 0) across += gap;
    const moved = move(part, (along - part.along) / 2, across);
    across += part.across;
    return moved;
  });
  return {
    along,
    across,
    ...gather(placed, [], []),
    heads: placed.flatMap(({ heads }) => heads),
    tails: placed.flatMap(({ tails }) => tails),
  };
}

function gather(
  parts: readonly Box[],
  joints: readonly Place[],
  links: readonly Link[],
): Pick<Box, "stages" | "joints" | "links"> {
  return {
    stages: parts.flatMap((part) => part.stages),
    joints: [...parts.flatMap((part) => part.joints), ...joints],
    links: [...parts.flatMap((part) => part.links), ...links],
  };
}

function move(box: Box, along: number, across: number): Box {
  const by = (place: Place): Place => ({
    id: place.id,
    along: place.along + along,
    across: place.across + across,
  });
  return { ...box, stages: box.stages.map(by), joints: box.joints.map(by) };
}
