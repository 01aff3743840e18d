import { describe, expect, it } from "vitest";
import { keywordBars, moodBars, moodLimit } from "./scale.ts";

const section = (words: number, score = 0) => ({
  heading: "h",
  words,
  score,
  label: "neutral" as const,
  keywords: [],
});

describe("moodBars", () => {
  it("gives each section its share of the words, side by side, and fills the width", () => {
    const bars = moodBars([section(100, 0.5), section(300, -0.5)]);
    expect(bars).toEqual([
      { index: 0, left: 0, width: 0.25, score: 0.5 },
      { index: 1, left: 0.25, width: 0.75, score: -0.5 },
    ]);
  });

  it("keeps a tiny section visible", () => {
    const bars = moodBars([section(0), section(1000), section(1000)]);
    expect(bars[0]?.width).toBeGreaterThan(0.1);
    expect(bars.reduce((sum, bar) => sum + bar.width, 0)).toBeCloseTo(1);
  });

  it("manages documents without words, and no sections", () => {
    expect(moodBars([section(0), section(0)]).map(({ width }) => width)).toEqual([0.5, 0.5]);
    expect(moodBars([])).toEqual([]);
  });
});

describe("moodLimit", () => {
  it.each([
    [[], 0.25],
    [[0.01], 0.25],
    [[0.25], 0.25],
    [[0.2, -0.3], 0.5],
    [[0.81], 1],
    [[-1], 1],
  ])("of %j is %d", (scores, limit) => {
    expect(moodLimit(scores.map((score) => section(1, score)))).toBe(limit);
  });
});

describe("keywordBars", () => {
  const bars = (...scores: number[]) => keywordBars(scores.map((score) => ({ score })));

  it("makes the lowest score the longest bar, in the order of the ranks", () => {
    const lengths = bars(1e-6, 1e-5, 1e-4);
    expect(lengths[0]).toBe(1);
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
    expect(lengths[2]).toBeGreaterThan(0.1);
  });

  it("bears equal scores, scores above 1, one keyword and none", () => {
    expect(bars(0.1, 0.1)).toEqual([1, 1]);
    expect(bars(0.5, 2).every((length) => length > 0 && length <= 1)).toBe(true);
    expect(bars(2, 4).every((length) => length > 0 && length <= 1)).toBe(true);
    expect(bars(1)).toEqual([1]);
    expect(bars()).toEqual([]);
  });
});
