import { Parser } from "htmlparser2";
import { DocumentError } from "../errors.ts";
import { squeeze } from "../text.ts";
import type { Block, ParsedText } from "./blocks.ts";

/** Elements whose content is not text to be read. `nav` holds the names of other pages. */
const SKIPPED = new Set(
  "script style template noscript iframe object svg math canvas audio video select textarea button nav".split(
    " ",
  ),
);

/** Elements that begin a new paragraph; all others (`i`, `span`, `a`...) run on inside theirs. */
const BLOCKS = new Set(
  (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer " +
    "form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu ol p pre section summary table tbody tfoot thead tr ul"
  ).split(" "),
);

const HEADING = /^h[1-6]$/u;

/**
 * Elements inside one another, at most. Browsers stop at 512 and close the rest for the author; here tags that were
 * never closed are let grow, until the parser's stack, which costs its length for each tag, takes seconds.
 */
const DEEPEST = 50_000;

/** Characters handed to the parser at a time: a few milliseconds' work. */
const PIECE = 131_072;

/**
 * Reads HTML of any quality into headings and paragraphs. It streams and builds no DOM, so it runs in workers, where
 * there is none. The title is the `title` element's, else the first heading of level 1.
 *
 * @param html - the page
 * @param feed - awaited between pieces of the page, so that a caller can give way to other work
 * @throws {@link DocumentError} `DOCUMENT_UNREADABLE` for a page of 50,000 elements inside one another
 */
export async function parseHtml(
  html: string,
  feed: () => Promise<void> = async () => {},
): Promise<ParsedText> {
  const reader = new PageReader();
  const parser = new Parser(reader);
  for (let at = 0; at < html.length; at += PIECE) {
    parser.write(html.slice(at, at + PIECE));
    await feed();
  }
  parser.end();
  return reader.result();
}

/** Collects the parser's calls into blocks. */
class PageReader {
  readonly #blocks: Block[] = [];
  #text = "";
  #title: string | undefined;
  #firstHeading: string | undefined;
  /** The element whose text is being collected into a heading or the title. */
  #within: string | undefined;
  #skipping = 0;
  #preformatted = 0;
  #depth = 0;

  onopentag(name: string): void {
    this.#depth += 1;
    if (this.#depth > DEEPEST) {
      throw new DocumentError(
        "DOCUMENT_UNREADABLE",
        `the page has more than ${DEEPEST.toLocaleString("en")} elements inside one another; expected HTML whose tags are closed`,
      );
    }
    if (SKIPPED.has(name)) this.#skipping += 1;
    if (this.#skipping > 0) return;
    if (name === "br") this.#text += "\n";
    else if (name === "td" || name === "th") this.#text += " ";
    else if (BLOCKS.has(name) || name === "title") {
      this.#endBlock();
      this.#within = HEADING.test(name) || name === "title" ? name : undefined;
      if (name === "pre") this.#preformatted += 1;
    }
  }

  ontext(text: string): void {
    if (this.#skipping === 0) this.#text += text;
  }

  onclosetag(name: string): void {
    this.#depth -= 1;
    if (SKIPPED.has(name)) this.#skipping -= 1;
    else if (this.#skipping === 0 && (BLOCKS.has(name) || name === "title")) {
      this.#endBlock();
      if (name === "pre") this.#preformatted -= 1;
    }
  }

  result(): ParsedText {
    this.#endBlock();
    return { blocks: this.#blocks, title: this.#title ?? this.#firstHeading };
  }

  #endBlock(): void {
    const [text, within] = [this.#text, this.#within];
    this.#text = "";
    this.#within = undefined;
    if (text.trim() === "") return;
    if (within === "title") {
      this.#title ??= squeeze(text);
      return;
    }
    if (within === "h1") this.#firstHeading ??= squeeze(text);
    // Blank lines part paragraphs only where white space counts.
    const parts = this.#preformatted > 0 ? text.split(/\n(?:[^\S\n]*\n)+/u) : [text];
    for (const part of parts) {
      if (part.trim() !== "") this.#blocks.push({ kind: within ? "heading" : "paragraph", text: part });
    }
  }
}
