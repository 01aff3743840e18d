import { describe, expect, it } from "vitest";
import { findNames, textValence } from "./valence.ts";

describe("textValence", () => {
  it("sums AFINN's valences by sign", () => {
    // happy 3, good 3, ugly -3
    expect(textValence("A happy day, a good house; an ugly bridge.")).toEqual({
      positive: 6,
      negative: 3,
      hits: 3,
    });
  });

  it("turns a negated word round, weakened, within three words and one clause", () => {
    expect(textValence("It was not a good day")).toEqual({ positive: 0, negative: 3 * 0.74, hits: 1 });
    expect(textValence("It wasn’t ugly").positive).toBeCloseTo(2.22);
    expect(textValence("Not one of the houses was good").positive).toBe(3);
    expect(textValence("No, it was good").positive).toBe(3);
    expect(textValence("No pleasure").negative).toBeCloseTo(2.22);
  });

  it("knows pairs of words, in place of their first", () => {
    // kind 2, "kind of" 0; luck 3, bad -3, "bad luck" -2
    expect(textValence("a kind of boat")).toEqual({ positive: 0, negative: 0, hits: 0 });
    expect(textValence("a kind boat").positive).toBe(2);
    expect(textValence("bad luck")).toEqual({ positive: 0, negative: 2, hits: 1 });
    expect(textValence("bad, luck")).toEqual({ positive: 3, negative: 3, hits: 2 });
  });

  it("has no opinion on words of grammar, and none on words of JavaScript", () => {
    expect(textValence("like a matter of constructor and toString").hits).toBe(0);
  });

  it("leaves out names", () => {
    expect(textValence("Dick smiled", new Set(["dick"]))).toEqual({ positive: 2, negative: 0, hits: 1 });
    expect(textValence("Dick smiled").negative).toBeGreaterThan(0);
  });
});

describe("findNames", () => {
  it("takes for a name what is capitalised inside sentences, more than once", () => {
    const names = findNames([
      "So Dick laughed, and Grace, Dick and Joy came. Happy they were. In Joy’s house, joy and joyful joy.",
      "There Dick met Grace in Great Britain, a great and great country. The Great one. SAD NEWS was SAD.",
    ]);
    expect([...names].toSorted()).toEqual(["dick", "grace"]);
  });
});
