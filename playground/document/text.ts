const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;

/**
 * The words of a text, as written. Hyphens and apostrophes inside a word belong to it (`after-lecture`, `didn't`);
 * a double hyphen is a dash and parts two words.
 */
export function words(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** How many words {@link words} would give. */
export function countWords(text: string): number {
  return words(text).length;
}

/** A word as it is compared and counted: lower case, with one kind of apostrophe. */
export function foldWord(word: string): string {
  return word.toLowerCase().replaceAll("’", "'");
}

const segmenters = new Map<string, Intl.Segmenter>();

/**
 * The sentences of a paragraph, by the Unicode rules (UAX #29) that `Intl.Segmenter` implements; but what goes on in
 * lower case, as after a quoted question, is no new one.
 */
export function sentences(paragraph: string, locale = "en"): string[] {
  let segmenter = segmenters.get(locale);
  if (!segmenter) {
    segmenter = new Intl.Segmenter(locale, { granularity: "sentence" });
    segmenters.set(locale, segmenter);
  }
  const found: string[] = [];
  for (const { segment } of segmenter.segment(paragraph)) {
    const text = segment.trim();
    const last = found.at(-1);
    if (last !== undefined && /^\p{Ll}/u.test(text)) found[found.length - 1] = `${last} ${text}`;
    else if (text !== "") found.push(text);
  }
  return found;
}

/** One line: every run of white space (no-break spaces too) becomes a single space, and the ends are trimmed. */
export function squeeze(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}

/** The text, or its beginning cut at a word and closed with an ellipsis, in at most `length` characters. */
export function quote(text: string, length = 160): string {
  const line = squeeze(text);
  if (line.length <= length) return line;
  const cut = line.slice(0, length - 1);
  const lastSpace = cut.lastIndexOf(" ");
  return `${(lastSpace > length / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s,;:.—-]+$/u, "")}…`;
}
