import { describe, expect, it } from "vitest";
import { readPhrases } from "./phrases.ts";
import { isStopword } from "./stopwords.ts";

function surfaces(sentence: string): string[] {
  return readPhrases(sentence).map((phrase) =>
    phrase.map(({ surface, stop }) => (stop ? "·" : surface)).join(" "),
  );
}

function capitals(sentence: string): string[] {
  return readPhrases(sentence).flatMap((phrase) =>
    phrase.filter(({ capital }) => capital).map(({ surface }) => surface),
  );
}

describe("readPhrases", () => {
  it("splits at punctuation and dashes, not at hyphens and apostrophes", () => {
    expect(surfaces("The guest-house, by Hammond’s river--near (old) elms")).toEqual([
      "· guest-house",
      "· Hammond river",
      "·",
      "old",
      "elms",
    ]);
  });

  it("counts no capital that the place asks for, and keeps those inside words", () => {
    expect(capitals('Boats came. "Dick came," said Clara; "Ellen too."')).toEqual(["Clara"]);
    expect(capitals("FIRE IN THE HALL")).toEqual([]);
    expect(surfaces("Boats met iPhone and Dick")).toEqual(["boats met iPhone · Dick"]);
  });

  it("takes numbers, single letters, contractions and adverbs in -ly for silent", () => {
    expect(surfaces("I'll finally row 12 boats, x don’t 19-20 family")).toEqual([
      "· · row · boats",
      "· · · family",
    ]);
    expect(surfaces(`${"w".repeat(41)} ${"v".repeat(40)}`)).toEqual([`· ${"v".repeat(40)}`]);
    expect(isStopword("nay")).toBe(true);
    expect(isStopword("july")).toBe(false);
  });
});
