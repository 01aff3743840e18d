import { describe, expect, it } from "vitest";
import { extractDocument } from "../extract/extract.ts";
import { fixture } from "../fixtures/files.ts";
import { extractKeywords } from "./keywords.ts";

const TEA = [
  {
    heading: "One",
    paragraphs: ["There the copper kettle was. And that copper kettle, said Clara, was old."],
  },
  {
    heading: "Two",
    paragraphs: ["They put the copper kettle on the stoves.", "The stove was hot, and Clara drank."],
  },
];

describe("extractKeywords", () => {
  it("ranks phrases with their counts and places, the most telling first", async () => {
    const { keywords } = await extractKeywords(TEA);
    expect(keywords[0]).toEqual({
      phrase: "copper kettle",
      score: keywords[0]?.score,
      count: 3,
      sections: [
        { section: 0, count: 2 },
        { section: 1, count: 1 },
      ],
    });
    expect(keywords.map(({ score }) => score)).toEqual(
      keywords.map(({ score }) => score).toSorted((a, b) => a - b),
    );
    expect(keywords.every(({ score }) => score > 0)).toBe(true);
  });

  it("lists a thing once: not the words of a better phrase, nor a plural", async () => {
    const phrases = (await extractKeywords(TEA)).keywords.map(({ phrase }) => phrase);
    expect(phrases).not.toContain("kettle");
    expect(phrases).not.toContain("copper");
    expect(phrases.filter((phrase) => /^stoves?$/u.test(phrase))).toHaveLength(1);
    expect(phrases).toContain("Clara");
    expect(phrases).not.toContain("old");
  });

  it("gives no more than asked for, and nothing for nothing", async () => {
    expect((await extractKeywords(TEA, { limit: 2 })).keywords).toHaveLength(2);
    expect((await extractKeywords([])).keywords).toEqual([]);
    expect((await extractKeywords([{ heading: "", paragraphs: ["It was and it is."] }])).keywords).toEqual(
      [],
    );
  });

  it("wants a phrase twice in a long text", async () => {
    const filler = { heading: "", paragraphs: Array.from({ length: 400 }, () => "The miller ground corn.") };
    const once = { heading: "", paragraphs: ["A purple elephant came."] };
    const phrases = async (...sections: (typeof filler)[]) =>
      (await extractKeywords(sections, { limit: 1000 })).keywords.map(({ phrase }) => phrase);
    expect(await phrases(once)).toEqual(["purple elephant"]);
    expect(await phrases(once, filler)).toEqual(["miller ground corn"]);
  });

  it("finds what the book's chapters are about, and neither grammar nor the licence", async () => {
    const sample = await extractDocument(fixture("../sample/news-from-nowhere.md"));
    const { keywords } = await extractKeywords(sample.sections);
    const phrases = keywords.map(({ phrase }) => phrase);
    expect(phrases).toEqual(expect.arrayContaining(["government", "people", "Hammond", "property"]));
    expect(phrases.join(" ")).not.toMatch(/\b(?:said|upon|quite|one|gutenberg)\b/iu);
    const hammond = keywords.find(({ phrase }) => phrase === "Hammond");
    const inText = sample.sections.map(
      ({ paragraphs }) => paragraphs.join("\n").match(/\bHammond\b/gu)?.length ?? 0,
    );
    expect(hammond?.sections).toEqual(
      inText.flatMap((count, section) => (count > 0 ? [{ section, count }] : [])),
    );
  });

  it("reports progress up to 1, and stops when it is told to", async () => {
    const seen: number[] = [];
    await extractKeywords(TEA, { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([0.45, 0.9, 1]);
    const reason = new Error("stop");
    await expect(extractKeywords(TEA, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
