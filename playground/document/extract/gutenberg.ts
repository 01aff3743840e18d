import type { Block, ParsedText } from "./blocks.ts";

/** Project Gutenberg puts its own words before the first and after the second of these lines, in every edition. */
const START = /^\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK/iu;
const END = /^\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK/iu;

/** The transcriber's credit, which follows the first marker. */
const CREDIT = /^(?:transcribed from|produced by|e-?text prepared by)\b/iu;

/**
 * Takes the header, the transcriber's credit and the licence off a Project Gutenberg book, and reads the title and
 * author from the header. Any other document comes back as it was.
 */
export function stripGutenberg(blocks: readonly Block[]): ParsedText {
  const start = blocks.findIndex((block) => START.test(block.text.trim()));
  if (start === -1) return { blocks };
  const header = blocks.slice(0, start).map((block) => block.text.trim());
  const end = blocks.findIndex((block, index) => index > start && END.test(block.text.trim()));
  const body = blocks.slice(start + 1, end === -1 ? blocks.length : end);
  const first = body[0];
  return {
    blocks: first && CREDIT.test(first.text.trim()) ? body.slice(1) : body,
    title: headerField(header, "Title"),
    author: headerField(header, "Author"),
  };
}

/** The first line of a `Name: value` field; its further lines hold the subtitle. */
function headerField(header: readonly string[], name: string): string | undefined {
  for (const text of header) {
    const value = new RegExp(`^${name}:[ \\t]*(.+)$`, "imu").exec(text)?.[1]?.trim();
    if (value) return value;
  }
  return undefined;
}
