import { describe, expect, it } from "vitest";
import { forgetRarest } from "./forget.ts";

function table(counts: Record<string, number>): Map<string, { count: number }> {
  return new Map(Object.entries(counts).map(([key, count]) => [key, { count }]));
}

describe("forgetRarest", () => {
  it("leaves a table alone that is within its bound", () => {
    const full = table({ a: 1, b: 1, c: 1, d: 1 });
    forgetRarest(full, 4);
    expect([...full.keys()]).toEqual(["a", "b", "c", "d"]);
  });

  it("forgets the rarest until half the bound is left", () => {
    const over = table({ a: 9, b: 1, c: 3, d: 2, e: 1 });
    forgetRarest(over, 4);
    expect([...over.keys()]).toEqual(["a", "c"]);
  });
});
