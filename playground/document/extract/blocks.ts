import type { Section } from "../document.ts";
import { squeeze } from "../text.ts";

/** A paragraph or a heading on its way from a file to a section. Line ends of the source are still in `text`. */
export interface Block {
  readonly kind: "heading" | "paragraph";
  readonly text: string;
}

/** What a file says, in the order of reading. */
export interface ParsedText {
  readonly blocks: readonly Block[];
  readonly title?: string | undefined;
  readonly author?: string | undefined;
}

/** A heading longer than this (characters) is a paragraph that was marked up as one. */
const LONGEST_HEADING = 200;

/**
 * A paragraph longer than this (characters) is a file without line ends; it is cut, so that nothing that works by
 * paragraphs holds the thread for long or needs memory without bound. A novel's longest had 3,100.
 */
const LONGEST_PARAGRAPH = 20_000;

/** Marks that point to a footnote, `[1]` or `{12}`: not words of the text. */
const FOOTNOTE_MARK = /\s?(?:\[\d{1,3}\]|\{\d{1,3}\})/gu;

/**
 * Groups blocks into sections. Blocks without a letter or digit (`* * *`) are left out. A heading with nothing under
 * it is put before the one that follows (`PART ONE: CHAPTER I`), unless it is the document's title; of a longer row
 * of bare headings, which is a table of contents, only the last stays.
 */
export function blocksToSections(blocks: readonly Block[], title?: string): Section[] {
  const sections: { heading: string; paragraphs: string[] }[] = [];
  let bare: string[] = [];
  let current: string[] | undefined;
  for (const block of blocks) {
    const text = squeeze(block.text.replace(FOOTNOTE_MARK, ""));
    if (!/[\p{L}\p{N}]/u.test(text)) continue;
    if (block.kind === "heading" && text.length <= LONGEST_HEADING) {
      bare.push(text);
      current = undefined;
      continue;
    }
    if (!current) {
      current = [];
      if (bare.length > 1) bare = bare.filter((heading) => heading !== title);
      sections.push({ heading: (bare.length <= 2 ? bare : bare.slice(-1)).join(": "), paragraphs: current });
      bare = [];
    }
    current.push(...cut(text));
  }
  return sections;
}

/** Pieces of at most the longest paragraph's length, cut after a sentence if there is one, else after a word. */
function cut(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (text.length - from > LONGEST_PARAGRAPH) {
    const piece = text.slice(from, from + LONGEST_PARAGRAPH);
    const end = /^[^]*[.!?]["'”’)]*(?=\s)/u.exec(piece)?.[0].length ?? piece.lastIndexOf(" ");
    const length = end > 0 ? end : LONGEST_PARAGRAPH;
    pieces.push(piece.slice(0, length).trim());
    from += length;
  }
  const rest = text.slice(from).trim();
  if (rest !== "") pieces.push(rest);
  return pieces;
}
