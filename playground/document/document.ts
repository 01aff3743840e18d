import { countWords } from "./text.ts";

/** What a document was written in. */
export type DocumentFormat = "text" | "html" | "markdown" | "pdf";

/** A heading with what stands under it. What comes before the first heading has the heading `""`. */
export interface Section {
  readonly heading: string;
  /** Plain text, one line each, white space squeezed. */
  readonly paragraphs: readonly string[];
}

/** Counts over the headings and paragraphs. */
export interface TextStats {
  readonly words: number;
  /** UTF-16 code units, as `String.length` counts them. */
  readonly characters: number;
  readonly paragraphs: number;
  readonly sections: number;
}

/** A document as plain text in sections: what every later stage works on. */
export interface ExtractedDocument {
  /** The file's name, where it had one. */
  readonly name?: string | undefined;
  readonly title?: string | undefined;
  readonly author?: string | undefined;
  readonly format: DocumentFormat;
  /** The character encoding that was decoded, by its WHATWG name; absent for PDF, which has its own. */
  readonly encoding?: string | undefined;
  readonly sections: readonly Section[];
  readonly stats: TextStats;
}

/**
 * Counts the words, characters and paragraphs of some sections.
 *
 * @param feed - awaited between sections, so that a caller can give way to other work
 */
export async function textStats(
  sections: readonly Section[],
  feed: () => Promise<void> = async () => {},
): Promise<TextStats> {
  let words = 0;
  let characters = 0;
  let paragraphs = 0;
  for (const section of sections) {
    await feed();
    paragraphs += section.paragraphs.length;
    for (const text of [section.heading, ...section.paragraphs]) {
      words += countWords(text);
      characters += text.length;
    }
  }
  return { words, characters, paragraphs, sections: sections.length };
}
