import type { Block, ParsedText } from "./blocks.ts";
import { stripGutenberg } from "./gutenberg.ts";
import { createUnwrap } from "./unwrap.ts";

/** `CHAPTER IV`, `Part 2.`, `BOOK THE FIRST`: a numbered division, with or without a title after it. */
const NUMBERED =
  /^(?:chapter|part|book|section|act|scene|canto|letter|stave|volume)\s+(?:the\s+)?(?:[IVXLCDM]+|[ivxlcdm]+|\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|fourth|fifth|last)(?=$|[\s.:,—–-])/iu;

/** Divisions that carry no number. */
const NAMED =
  /^(?:abstract|acknowledge?ments?|afterword|appendix|bibliography|conclusions?|contents|dedication|epilogue|footnotes|foreword|glossary|index|introduction|notes|preface|prologue|references)[.:]?$/iu;

/** A line longer than this (characters) was not wrapped by hand or by a tool. */
const WIDEST_WRAP = 100;
const LONGEST_HEADING_LINES = 5;

/**
 * Reads plain text into headings and paragraphs. Blank lines part paragraphs; in a text whose lines are not wrapped,
 * each line is a paragraph. Headings are numbered divisions (`CHAPTER I: DISCUSSION AND BED`) and a few known names;
 * a text with fewer than two numbered ones has its lines in capitals taken for headings.
 *
 * @param feed - awaited between paragraphs, so that a caller can give way to other work
 */
export async function parsePlainText(
  source: string,
  feed: () => Promise<void> = async () => {},
): Promise<ParsedText> {
  const text = source.replace(/\r\n?/gu, "\n").replace(/\f/gu, "\n\n");
  // Before lines are joined, as the header of a Gutenberg book tells its title from its subtitle by the line.
  const book = stripGutenberg(
    splitParagraphs(text).map((paragraph) => ({ kind: "paragraph", text: paragraph })),
  );
  const paragraphs = book.blocks.map((block) => block.text);
  const numbered = paragraphs.filter(isNumberedHeading).length >= 2;
  const unwrap = await createUnwrap(paragraphs, feed);
  const blocks: Block[] = [];
  let headings = 0;
  for (const paragraph of paragraphs) {
    await feed();
    const isHeading =
      isNumberedHeading(paragraph) ||
      NAMED.test(paragraph) ||
      // Above the first chapter only one block, the title page's first, can be a heading.
      (isCapitals(paragraph) && (!numbered || headings === 0));
    if (isHeading) headings += 1;
    blocks.push({ kind: isHeading ? "heading" : "paragraph", text: withoutUnderscores(unwrap(paragraph)) });
  }
  return { ...book, blocks };
}

function splitParagraphs(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const wide = lines.filter((line) => line.length > WIDEST_WRAP).length;
  // One line in ten is more than the odd table row or address in a wrapped text.
  const wrapped = wide <= lines.length / 10;
  return (wrapped ? text.split(/\n(?:[^\S\n]*\n)+/u) : lines)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Whether a block of lines is a numbered division's heading, such as `CHAPTER II: A MORNING BATH`. */
export function isNumberedHeading(block: string): boolean {
  if (block.length > 150 || block.split("\n").length > 3) return false;
  const number = NUMBERED.exec(block);
  if (!number) return false;
  const title = block.slice(number[0].length);
  // "Part one of the plan was done." opens a paragraph; a line that ends in a page number stands in a table of contents.
  if (/^\s+(?:of|in|and|was|is)\b/u.test(title)) return false;
  return !/[.?!;,]$/u.test(title.replace(/^[.,:]/u, "")) && !/[\s.]\d+$/u.test(title);
}

function isCapitals(paragraph: string): boolean {
  return (
    paragraph.length <= 150 &&
    paragraph.split("\n").length <= LONGEST_HEADING_LINES &&
    /\p{Lu}{2}/u.test(paragraph) &&
    !/\p{Ll}/u.test(paragraph)
  );
}

/** `_Commonweal_` is italic in plain text, and so is a part of `_mis_managed`: the underscores belong to no word. */
function withoutUnderscores(text: string): string {
  return text.replace(/(^|[^\p{L}\p{N}_])_([^_]+)_(?!_)/gu, "$1$2");
}
