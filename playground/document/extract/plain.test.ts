import { describe, expect, it } from "vitest";
import { blocksToSections } from "./blocks.ts";
import { isNumberedHeading, parsePlainText } from "./plain.ts";

async function read(text: string): Promise<unknown> {
  return blocksToSections((await parsePlainText(text)).blocks);
}

describe("isNumberedHeading", () => {
  it.each([
    "CHAPTER I: DISCUSSION AND BED",
    "CHAPTER XV: ON THE LACK OF INCENTIVE TO LABOUR IN A COMMUNIST\nSOCIETY",
    "Chapter 12",
    "Part Two. The Return",
    "BOOK THE FIRST",
    "Letter 4",
    "CHAPTER III.\n\tA Caucus-Race",
  ])("%j is one", (text) => {
    expect(isNumberedHeading(text)).toBe(true);
  });

  it.each([
    "Part one of the plan was done before noon.",
    "Part of the crowd went home",
    "CHAPTER I: DISCUSSION AND BED .... 17",
    "Chapter and verse were quoted",
    "Section 5 was read out, and nobody spoke.",
    "Book me a room",
    "CHAPTER I\nis where\nit all\nbegins",
  ])("%j is none", (text) => {
    expect(isNumberedHeading(text)).toBe(false);
  });
});

describe("parsePlainText", () => {
  it("parts paragraphs at blank lines and joins their lines", async () => {
    expect(await read("One\ntwo.\n\n  \nThree\n  four.\r\n\r\nFive.\fSix.")).toEqual([
      { heading: "", paragraphs: ["One two.", "Three four.", "Five.", "Six."] },
    ]);
  });

  it("takes each line of an unwrapped text for a paragraph", async () => {
    const long = "words and more words ".repeat(8).trim();
    expect(await read(`${long}\n${long}\nshort`)).toEqual([
      { heading: "", paragraphs: [long, long, "short"] },
    ]);
  });

  it("takes lines in capitals for headings where nothing is numbered", async () => {
    expect(
      await read("THE KETTLE\n\nIt boiled.\n\nTHE CUP\n\nIt broke.\n\nUNESCO, 1999 is no heading."),
    ).toEqual([
      { heading: "THE KETTLE", paragraphs: ["It boiled."] },
      { heading: "THE CUP", paragraphs: ["It broke.", "UNESCO, 1999 is no heading."] },
    ]);
  });

  it("takes shouting inside numbered chapters for text", async () => {
    const text =
      "MY BOOK\n\nby me\n\nCHAPTER I\n\nHe cried:\n\nFIRE! FIRE!\n\nCHAPTER II\n\nIt was out.\n\nNOTES\n\nNone.";
    expect(await read(text)).toEqual([
      { heading: "MY BOOK", paragraphs: ["by me"] },
      { heading: "CHAPTER I", paragraphs: ["He cried:", "FIRE! FIRE!"] },
      { heading: "CHAPTER II", paragraphs: ["It was out."] },
      { heading: "NOTES", paragraphs: ["None."] },
    ]);
  });

  it("takes off the underscores of italics, also inside a word, and leaves those of names", async () => {
    expect(await read("The _Commonweal_, _mis_managed, _Mass._ by my_own_name and __init__.")).toEqual([
      { heading: "", paragraphs: ["The Commonweal, mismanaged, Mass. by my_own_name and __init__."] },
    ]);
  });

  it("closes a word that was broken at a line's end only where the text has it whole", async () => {
    expect(
      await read("The conver-\nsation after-\nlecture, a conversation up-\nstairs, go up-stairs, upstairs."),
    ).toEqual([
      {
        heading: "",
        paragraphs: ["The conversation after-lecture, a conversation up-stairs, go up-stairs, upstairs."],
      },
    ]);
  });

  it("is not held up by a word, a gap or a row of hyphens as long as the file", async () => {
    const long = 200_000;
    // Each would run into the test's time limit where a pattern is tried again from every character.
    for (const text of [
      "w".repeat(long),
      `a${" ".repeat(long)}b`,
      "a-\n".repeat(long / 4),
      " _a".repeat(long / 4),
    ]) {
      const { blocks } = await parsePlainText(text);
      expect(blocks).toHaveLength(1);
    }
  });

  it("strips a Gutenberg book whose end is missing, and leaves a text that mentions the marker", async () => {
    const start = "*** START OF THIS PROJECT GUTENBERG EBOOK TEA ***";
    expect(await parsePlainText(`Title: Tea\n\n${start}\n\nProduced by Someone\n\nIt was hot.`)).toEqual({
      title: "Tea",
      author: undefined,
      blocks: [{ kind: "paragraph", text: "It was hot." }],
    });
    expect((await parsePlainText(`Look for ${start}.\n\nThen read.`)).blocks).toHaveLength(2);
  });
});
