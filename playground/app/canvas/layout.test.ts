import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layoutPlan, type Metrics, type Plan, planOf } from "./layout.ts";

const metrics: Metrics = { node: { width: 100, height: 40 }, gap: { along: 50, across: 20 } };

const stage = (id: string): Plan => ({ kind: "stage", id });
const series = (...parts: Plan[]): Plan => ({ kind: "series", parts });
const parallel = (...parts: Plan[]): Plan => ({ kind: "parallel", parts });

describe("planOf", () => {
  it("makes a series of stages and parallels from the groups", () => {
    expect(planOf({ groups: [["a"], ["b", "c"], ["d"]] })).toEqual(
      series(stage("a"), parallel(stage("b"), stage("c")), stage("d")),
    );
  });
});

describe("layoutPlan", () => {
  const pipeline = planOf({ groups: [["a"], ["b", "c"], ["d"]] });

  it("sets steps one after another and siblings beside each other, centred", () => {
    const { stages, links, width, height } = layoutPlan(pipeline, "right", metrics);
    expect(stages).toEqual([
      { id: "a", x: 0, y: 30 },
      { id: "b", x: 150, y: 0 },
      { id: "c", x: 150, y: 60 },
      { id: "d", x: 300, y: 30 },
    ]);
    expect(links.map(({ from, to }) => from + to)).toEqual(["ab", "ac", "bd", "cd"]);
    expect([width, height]).toEqual([400, 100]);
  });

  it("flows down where the screen is narrow", () => {
    const { stages, width, height } = layoutPlan(pipeline, "down", metrics);
    expect(stages).toEqual([
      { id: "a", x: 60, y: 0 },
      { id: "b", x: 0, y: 90 },
      { id: "c", x: 120, y: 90 },
      { id: "d", x: 60, y: 180 },
    ]);
    expect([width, height]).toEqual([220, 220]);
  });

  it("joins two wide steps in a point instead of with a line for each pair", () => {
    const { joints, links } = layoutPlan(
      planOf({
        groups: [
          ["a", "b"],
          ["c", "d", "e"],
        ],
      }),
      "right",
      metrics,
    );
    expect(joints).toEqual([{ id: "a→c", x: 125, y: 80 }]);
    expect(links).toHaveLength(5);
  });

  it("nests", () => {
    const nested = series(stage("a"), parallel(series(stage("b"), stage("c")), stage("d")));
    const { stages, links } = layoutPlan(nested, "right", metrics);
    expect(stages.find(({ id }) => id === "d")).toEqual({ id: "d", x: 225, y: 60 });
    expect(links.map(({ from, to }) => from + to).toSorted()).toEqual(["ab", "ad", "bc"]);
  });

  it("draws nothing of nothing", () => {
    expect(layoutPlan(planOf({ groups: [] }), "right", metrics)).toMatchObject({
      stages: [],
      links: [],
      width: 0,
      height: 0,
    });
  });

  it("never lets two stages overlap, nor any stand outside", () => {
    const { plan } = fc.letrec<{ plan: Plan }>((tie) => ({
      plan: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constant(stage("")),
        fc.record({
          kind: fc.constantFrom("series" as const, "parallel" as const),
          parts: fc.array(tie("plan"), { maxLength: 4 }),
        }),
      ),
    }));
    const named = (tree: Plan, next: { id: number }): Plan => {
      if (tree.kind !== "stage") return { ...tree, parts: tree.parts.map((part) => named(part, next)) };
      next.id += 1;
      return stage(`s${next.id}`);
    };
    fc.assert(
      fc.property(plan, fc.constantFrom("right" as const, "down" as const), (tree, direction) => {
        const { stages, width, height } = layoutPlan(named(tree, { id: 0 }), direction, metrics);
        for (const [index, a] of stages.entries()) {
          expect(a.x >= 0 && a.x + 100 <= width && a.y >= 0 && a.y + 40 <= height).toBe(true);
          for (const b of stages.slice(index + 1)) {
            expect(Math.abs(a.x - b.x) >= 100 || Math.abs(a.y - b.y) >= 40).toBe(true);
          }
        }
      }),
    );
  });
});
