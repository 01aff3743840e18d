import type { Graph } from "sluice";
import type { Direction } from "./layout.ts";

/** The arrow keys, with the flow or across it. */
const steps: Readonly<Record<Direction, Readonly<Record<string, "next" | "previous" | "up" | "down">>>> = {
  right: { ArrowRight: "next", ArrowLeft: "previous", ArrowUp: "up", ArrowDown: "down" },
  down: { ArrowDown: "next", ArrowUp: "previous", ArrowLeft: "up", ArrowRight: "down" },
};

/**
 * The stage that an arrow key leads to: the next or previous step of the flow, or the sibling before or after; null where there is none.
 * A step into a wide group leads to the stage at the same height, as far as there is one.
 */
export function neighbourOf(
  graph: Pick<Graph, "groups">,
  stageId: string,
  key: string,
  direction: Direction,
): string | null {
  const step = steps[direction][key];
  const group = graph.groups.findIndex((ids) => ids.includes(stageId));
  const row = graph.groups[group]?.indexOf(stageId) ?? -1;
  if (step === undefined || row === -1) return null;
  if (step === "up" || step === "down") return graph.groups[group]?.[row + (step === "up" ? -1 : 1)] ?? null;
  const other = graph.groups[group + (step === "next" ? 1 : -1)];
  return other?.[Math.min(row, other.length - 1)] ?? null;
}
