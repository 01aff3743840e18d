import { foldWord, words } from "../text.ts";

/** Joins the lines of a paragraph to one. */
export type Unwrap = (paragraph: string) => string;

/** From a word's start on, or a word as long as the file would be tried from each of its letters. */
const BROKEN = /(?<![\p{L}\p{N}])([\p{L}\p{N}]+)-\n\s*([\p{L}\p{N}]+)/gu;

/**
 * Makes a function that joins the lines of this text's paragraphs. A hyphen at a line's end is taken for a break
 * inside a word (`conver-` `sation`) where the text has the whole word elsewhere, and more often than the hyphenated
 * one; else it belongs to the word (`after-` `lecture`).
 *
 * @param paragraphs - the whole text
 * @param feed - awaited between paragraphs, so that a caller can give way to other work
 */
export async function createUnwrap(
  paragraphs: readonly string[],
  feed: () => Promise<void> = async () => {},
): Promise<Unwrap> {
  // Only the words in question are counted: a text of 45 MB has some thousands of them among its millions.
  const counts = new Map<string, number>();
  for (const paragraph of paragraphs) {
    await feed();
    for (const [, before = "", after = ""] of paragraph.matchAll(BROKEN)) {
      counts.set(foldWord(before + after), 0);
      counts.set(foldWord(`${before}-${after}`), 0);
    }
  }
  if (counts.size > 0) {
    for (const paragraph of paragraphs) {
      await feed();
      for (const word of words(paragraph)) {
        const key = foldWord(word);
        const count = counts.get(key);
        if (count !== undefined) counts.set(key, count + 1);
      }
    }
  }
  return (paragraph) =>
    paragraph
      .replace(BROKEN, (_, before: string, after: string) => {
        const whole = counts.get(foldWord(before + after)) ?? 0;
        const hyphenated = counts.get(foldWord(`${before}-${after}`)) ?? 0;
        return whole > hyphenated ? before + after : `${before}-${after}`;
      })
      .replaceAll("\n", " ");
}
