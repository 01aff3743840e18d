import { describe, expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { type ExtractedDocument, type Section, textStats } from "./document.ts";
import { extractKeywords } from "./keywords/keywords.ts";
import { analyzeSentiment } from "./sentiment.ts";

const SECTIONS: Section[] = [
  { heading: "", paragraphs: ["The copper kettle sang, happy and good."] },
  { heading: "Stoves", paragraphs: ["A stove, a stove, the stove and a kettle."] },
  { heading: "War", paragraphs: ["War is misery, war is death, said the stove."] },
];

async function report(document: Partial<ExtractedDocument>) {
  const sections = document.sections ?? SECTIONS;
  return aggregate({
    document: { format: "text", sections, stats: await textStats(sections), ...document },
    sentiment: await analyzeSentiment(sections),
    keywords: await extractKeywords(sections),
  });
}

describe("aggregate", () => {
  it("joins the counts, the moods and the places", async () => {
    const { keywords, ...rest } = await report({ title: "Tea", author: "A. Cook" });
    expect(rest).toMatchObject({
      title: "Tea",
      author: "A. Cook",
      words: 27,
      paragraphs: 3,
      readingMinutes: 1,
      sentiment: { label: "negative", lexicon: "AFINN-165" },
    });
    expect(rest.sections.map(({ heading, label }) => [heading, label])).toEqual([
      ["Section 1", "positive"],
      ["Stoves", "neutral"],
      ["War", "negative"],
    ]);
    expect(rest.mostPositive.map(({ heading }) => heading)).toEqual(["Section 1"]);
    expect(rest.mostNegative.map(({ heading }) => heading)).toEqual(["War"]);
    expect(keywords.find(({ phrase }) => phrase === "stove")).toMatchObject({
      count: 4,
      sections: 2,
      where: [
        { heading: "Stoves", count: 3 },
        { heading: "War", count: 1 },
      ],
    });
  });

  it("gives each section the keywords that stand there more than elsewhere", async () => {
    const { sections } = await report({});
    expect(sections[1]?.keywords[0]).toBe("stove");
    expect(sections[2]?.keywords).toContain("misery");
    expect(sections[2]?.keywords[0]).not.toBe("stove");
  });

  it("finds a title in the title, the first heading or the file's name", async () => {
    expect((await report({ title: "Tea", name: "a.txt" })).title).toBe("Tea");
    expect((await report({ name: "a.txt" })).title).toBe("Stoves");
    const bare = [{ heading: "", paragraphs: ["Words."] }];
    expect((await report({ name: "a.txt", sections: bare })).title).toBe("a.txt");
    expect((await report({ sections: bare })).title).toBe("Untitled document");
  });

  it("reckons reading time at 238 words a minute", async () => {
    const stats = { words: 2380, characters: 12_000, paragraphs: 3, sections: 3 };
    expect((await report({ stats })).readingMinutes).toBe(10);
  });
});
