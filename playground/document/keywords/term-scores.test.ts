import { describe, expect, it } from "vitest";
import { readPhrases } from "./phrases.ts";
import { TermTable } from "./term-scores.ts";

function scoresOf(...sentences: string[]): ReadonlyMap<string, number> {
  const table = new TermTable();
  for (const sentence of sentences) table.addSentence(readPhrases(sentence));
  return table.scores();
}

function score(scores: ReadonlyMap<string, number>, key: string): number {
  const value = scores.get(key);
  if (value === undefined) throw new Error(`no score for ${key}`);
  return value;
}

describe("TermTable", () => {
  it("computes the paper's formulas", () => {
    // "boat": 3 times, in sentences 0, 1 and 2 of 4; once as a name. "oars": twice, in sentences 1 and 3.
    const scores = scoresOf("boat", "oars boat", "a Boat", "oars");
    const mean = 2.5;
    const deviation = 0.5;
    const casing = 1 / (1 + Math.log(3));
    const position = Math.log(Math.log(3 + 1));
    const frequency = 3 / (mean + deviation);
    // Left: "oars" and "a", 2 different of 2. Right: none.
    const related = 1 + 1 * (3 / 3);
    const spread = 3 / 4;
    expect(score(scores, "boat")).toBeCloseTo(
      (related * position) / (casing + frequency / related + spread / related),
    );
    expect([...scores.keys()]).toEqual(["boat", "oars"]);
  });

  it("prefers what comes early, often, as a name, and in steady company", () => {
    const early = scoresOf("kettle", "other words", "more words", "cups");
    expect(score(early, "kettle")).toBeLessThan(score(early, "cups"));
    const often = scoresOf("x kettle", "x cups", "x kettle");
    expect(score(often, "kettle")).toBeLessThan(score(often, "cups"));
    const named = scoresOf("the Kettle, the cabin");
    expect(score(named, "kettle")).toBeLessThan(score(named, "cabin"));
    const company = scoresOf("hot kettle, wide cabin", "hot kettle, dark cabin", "hot kettle, cold cabin");
    expect(score(company, "kettle")).toBeLessThan(score(company, "cabin"));
  });
});
