import { describe, expect, it } from "vitest";
import { neighbourOf } from "./neighbour.ts";

const graph = { groups: [["a"], ["b", "c"], ["d"]] };

describe("neighbourOf", () => {
  it.each([
    ["a", "ArrowRight", "b"],
    ["b", "ArrowDown", "c"],
    ["c", "ArrowUp", "b"],
    ["c", "ArrowRight", "d"],
    ["c", "ArrowLeft", "a"],
    ["d", "ArrowLeft", "b"],
    ["a", "ArrowLeft", null],
    ["d", "ArrowRight", null],
    ["a", "ArrowUp", null],
    ["c", "ArrowDown", null],
    ["a", "Enter", null],
    ["x", "ArrowRight", null],
  ])("leads from %s by %s to %s", (from, key, to) => {
    expect(neighbourOf(graph, from, key, "right")).toBe(to);
  });

  it("turns with the flow", () => {
    expect(neighbourOf(graph, "a", "ArrowDown", "down")).toBe("b");
    expect(neighbourOf(graph, "b", "ArrowRight", "down")).toBe("c");
    expect(neighbourOf(graph, "d", "ArrowUp", "down")).toBe("b");
  });
});
