import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

describe("Random", () => {
  it("gives the same numbers for the same seed, and others for another", () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => random.bits());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("draws evenly enough that no tenth of the range is missed or preferred", () => {
    const random = new Random(1);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draws = 0; draws < 10_000; draws += 1) {
      const tenth = random.below(10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it("weighs, picks and shuffles without losing anything", () => {
    const random = new Random(3);
    const names = new Set(Array.from({ length: 500 }, () => random.weighted({ a: 9, b: 1, never: 0 })));
    expect(names).toEqual(new Set(["a", "b"]));
    expect(random.shuffled([1, 2, 3, 4, 5]).toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(() => random.pick([])).toThrow(RangeError);
    for (let draws = 0; draws < 200; draws += 1) expect([4, 5, 6]).toContain(random.between(4, 6));
  });

  it("branches: what a branch draws doesn't move its parent", () => {
    const one = new Random(5);
    const other = new Random(5);
    const branch = one.branch();
    other.branch();
    for (let draws = 0; draws < 10; draws += 1) branch.next();
    expect(one.bits()).toBe(other.bits());
  });
});
