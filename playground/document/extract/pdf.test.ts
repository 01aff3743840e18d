import { describe, expect, it } from "vitest";
import { fixture, type PlacedText, writePdf } from "../fixtures/files.ts";
import { blocksToSections } from "./blocks.ts";
import { extractDocument } from "./extract.ts";
import { parsePdf } from "./pdf.ts";

async function read(...pages: PlacedText[][]): Promise<unknown> {
  return blocksToSections((await parsePdf(writePdf(pages))).blocks);
}

describe("PDF", () => {
  it("reads a printed excerpt of the book: title, chapters, paragraphs over page ends", async () => {
    const document = await extractDocument(fixture("excerpt.pdf"));
    expect(document).toMatchObject({ title: "News from Nowhere", author: "William Morris", format: "pdf" });
    const text = await extractDocument(fixture("excerpt.txt"));
    const tidy = (paragraph: string | undefined) => paragraph?.replaceAll("--", "—").replaceAll(/\s/gu, "");
    expect(document.sections.map(({ heading, paragraphs }) => [heading, paragraphs.length])).toEqual([
      ["CHAPTER I: DISCUSSION AND BED", 5],
      ["CHAPTER XIII: CONCERNING POLITICS", 3],
    ]);
    expect(document.sections[0]?.paragraphs.map(tidy)).toEqual(
      text.sections[1]?.paragraphs.slice(0, 5).map(tidy),
    );
    expect(document.sections[1]?.paragraphs.map(tidy)).toEqual(text.sections[2]?.paragraphs.map(tidy));
  });

  it("tells paragraphs by a gap or an indent, and headings by their size", async () => {
    expect(
      await read([
        { text: "Of Tea", y: 560, size: 16 },
        { text: "The kettle was on the", y: 530 },
        { text: "fire.", y: 518 },
        { text: "Then it boiled.", y: 506, x: 62 },
        { text: "So we drank.", y: 480 },
        { text: "Of Cups", y: 440, size: 16 },
        { text: "They were few.", y: 416 },
      ]),
    ).toEqual([
      { heading: "Of Tea", paragraphs: ["The kettle was on the fire.", "Then it boiled.", "So we drank."] },
      { heading: "Of Cups", paragraphs: ["They were few."] },
    ]);
  });

  it("carries a sentence over a page's end, without the page's number and running head", async () => {
    const page = (number: number, text: string): PlacedText[] => [
      { text: `Tea, page ${number}`, y: 590 },
      { text, y: 560 },
      { text: "and went on to the next", y: 548 },
      { text: String(number), y: 20 },
    ];
    expect(await read(page(1, "It began here"), page(2, "where it stayed"), page(3, "and came"))).toEqual([
      {
        heading: "",
        paragraphs: [
          "It began here and went on to the next where it stayed and went on to the next and came and went on to the next",
        ],
      },
    ]);
  });

  it("closes words that the printer broke", async () => {
    expect(
      await read([
        { text: "A conversation, a conver-", y: 500 },
        { text: "sation after-", y: 488 },
        { text: "lecture.", y: 476 },
      ]),
    ).toEqual([{ heading: "", paragraphs: ["A conversation, a conversation after-lecture."] }]);
  });

  it("leaves the caller's bytes as they were", async () => {
    const bytes = writePdf([[{ text: "Words", y: 500 }]]);
    const copy = bytes.slice();
    await parsePdf(bytes);
    expect(bytes).toEqual(copy);
  });
});
