import { beforeAll, describe, expect, it } from "vitest";
import { extractDocument } from "./extract/extract.ts";
import { fixture } from "./fixtures/files.ts";
import { analyzeSentiment, sentimentLabel, sentimentScore } from "./sentiment.ts";

const MOODS = [
  {
    heading: "Joy",
    paragraphs: ["They were happy and good. The stones lay there.", "A beautiful, wonderful day of joy."],
  },
  { heading: "Things", paragraphs: ["The stone lay on the table."] },
  {
    heading: "Grief",
    paragraphs: ["It rained. The misery and terror of the war killed hope; death and despair."],
  },
];

describe("the score", () => {
  it("runs from -1 to 1, is 0 without opinions, and wants more than one word", () => {
    expect(sentimentScore({ positive: 0, negative: 0 })).toBe(0);
    expect(sentimentScore({ positive: 5, negative: 0 })).toBe(0.5);
    expect(sentimentScore({ positive: 0, negative: 5 })).toBe(-0.5);
    expect(sentimentScore({ positive: 1e6, negative: 0 })).toBeCloseTo(1);
    expect(sentimentScore({ positive: 20, negative: 20 })).toBe(0);
  });

  it("has its labels from 0.1 and -0.1", () => {
    expect([0.1, 0.0999, -0.0999, -0.1].map(sentimentLabel)).toEqual([
      "positive",
      "neutral",
      "neutral",
      "negative",
    ]);
  });
});

describe("analyzeSentiment", () => {
  it("scores paragraphs and sections, and quotes the sentence that tells", async () => {
    const report = await analyzeSentiment(MOODS);
    expect(report.sections.map(({ heading, label }) => [heading, label])).toEqual([
      ["Joy", "positive"],
      ["Things", "neutral"],
      ["Grief", "negative"],
    ]);
    expect(report.sections.map(({ paragraphs }) => paragraphs.length)).toEqual([2, 1, 1]);
    expect(report.sections[1]).toEqual({
      heading: "Things",
      words: 6,
      score: 0,
      label: "neutral",
      paragraphs: [0],
    });
    expect(report.mostPositive.map(({ section, paragraph }) => [section, paragraph])).toEqual([
      [0, 1],
      [0, 0],
    ]);
    expect(report.mostPositive[1]?.quote).toBe("They were happy and good.");
    expect(report.mostNegative).toEqual([
      {
        section: 2,
        paragraph: 0,
        score: report.sections[2]?.score,
        label: "negative",
        quote: "The misery and terror of the war killed hope; death and despair.",
      },
    ]);
    expect(report.lexicon).toBe("AFINN-165");
  });

  it("weighs a section by all its opinions, not by the mean of its paragraphs", async () => {
    const [section] = (
      await analyzeSentiment([{ heading: "", paragraphs: ["good", "war war war war war war"] }])
    ).sections;
    // P = 3, N = 12
    expect(section?.score).toBeCloseTo((3 - 12) / (3 + 12 + 5), 4);
  });

  it("answers for nothing at all", async () => {
    expect(await analyzeSentiment([])).toMatchObject({ score: 0, label: "neutral", hits: 0, sections: [] });
  });

  it("reports each section, and stops when it is told to", async () => {
    const seen: [number, string][] = [];
    await analyzeSentiment(MOODS, { onProgress: (progress, message) => seen.push([progress, message]) });
    expect(seen).toEqual([
      [1 / 3, "Joy"],
      [2 / 3, "Things"],
      [1, "Grief"],
    ]);
    const reason = new Error("stop");
    await expect(analyzeSentiment(MOODS, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("on the book", () => {
  let scores: Record<string, number>;

  beforeAll(async () => {
    const sample = await extractDocument(fixture("../sample/news-from-nowhere.md"));
    const report = await analyzeSentiment(sample.sections);
    scores = Object.fromEntries(report.sections.map(({ heading, score }) => [heading.split(":")[0], score]));
  });

  it("finds the dinner in the hall brighter than the chapters on government and crime", () => {
    expect(scores["CHAPTER XVI"]).toBeGreaterThan(0.5);
    expect(scores["CHAPTER XI"]).toBeLessThan(0.1);
    expect(scores["CHAPTER XII"]).toBeLessThan(-0.1);
  });
});
