import { createBreather, type WorkOptions } from "../breathe.ts";
import { type DocumentFormat, type ExtractedDocument, textStats } from "../document.ts";
import { DocumentError } from "../errors.ts";
import { blocksToSections, type ParsedText } from "./blocks.ts";
import { decodeText } from "./decode.ts";
import { detectFormat } from "./detect.ts";
import { stripGutenberg } from "./gutenberg.ts";
import { parseHtml } from "./html.ts";
import { parseMarkdown } from "./markdown.ts";
import { parsePdf } from "./pdf.ts";
import { parsePlainText } from "./plain.ts";

/** The largest document that is read, in bytes (50 MB). It is held in memory several times over while it is worked on. */
export const MAX_DOCUMENT_BYTES = 50_000_000;

/** How to read a document. */
export interface ExtractOptions extends WorkOptions {
  /** The file's name, for its extension and for messages; default: the `name` of a `File`. */
  readonly name?: string | undefined;
}

/**
 * Reads a text, HTML, Markdown or PDF document into titled sections of plain paragraphs. A Project Gutenberg book
 * comes without its header and licence.
 *
 * @throws {@link DocumentError} `DOCUMENT_EMPTY`, `DOCUMENT_TOO_LARGE`, `DOCUMENT_BINARY`, `DOCUMENT_ENCRYPTED`,
 * `DOCUMENT_UNREADABLE`, or `DOCUMENT_NO_TEXT` for a document without a single word, such as a scanned PDF
 *
 * @example
 * ```ts
 * const { title, sections } = await extractDocument(new File(["# Tea\n\nIt was hot."], "tea.md"));
 * ```
 */
export async function extractDocument(file: Blob, options: ExtractOptions = {}): Promise<ExtractedDocument> {
  const name = options.name ?? (file instanceof File ? file.name : undefined);
  checkSize(file.size, name);
  const report = options.onProgress ?? (() => {});
  const breathe = createBreather(options.signal);

  report(0.05, `reading ${file.size.toLocaleString("en")} bytes`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  await breathe();
  const format = detectFormat(bytes, { type: file.type, ...(name !== undefined && { name }) });
  report(0.2, `parsing ${format}`);
  const parsed = await parse(bytes, format, file.type, options, breathe);
  await breathe();

  report(0.8, "finding sections");
  const sections = blocksToSections(parsed.blocks, parsed.title);
  await breathe();
  const stats = await textStats(sections, breathe);
  if (stats.words === 0) {
    const hint = format === "pdf" ? "; a scanned PDF holds pictures of text and would need OCR first" : "";
    throw new DocumentError("DOCUMENT_NO_TEXT", `${quoted(name)} holds no text${hint}`);
  }
  report(1, `${stats.words.toLocaleString("en")} words in ${stats.sections} sections`);
  return {
    name,
    title: parsed.title,
    author: parsed.author,
    format,
    encoding: parsed.encoding,
    sections,
    stats,
  };
}

/**
 * Refuses a size that no document has or that is too much to hold.
 *
 * @param size - bytes
 * @throws {@link DocumentError} `DOCUMENT_EMPTY`, `DOCUMENT_TOO_LARGE`
 */
export function checkSize(size: number, name?: string): void {
  if (size === 0) throw new DocumentError("DOCUMENT_EMPTY", `${quoted(name)} is empty: 0 bytes`);
  if (size > MAX_DOCUMENT_BYTES) {
    throw new DocumentError(
      "DOCUMENT_TOO_LARGE",
      `${quoted(name)} has ${megabytes(size)} MB; at most ${megabytes(MAX_DOCUMENT_BYTES)} MB are read`,
    );
  }
}

async function parse(
  bytes: Uint8Array,
  format: DocumentFormat,
  type: string,
  options: ExtractOptions,
  breathe: () => Promise<void>,
): Promise<ParsedText & { encoding?: string }> {
  if (format === "pdf") {
    return parsePdf(bytes, {
      signal: options.signal,
      onPage: async (page, pages) => {
        options.onProgress?.(0.2 + (0.6 * page) / pages, `page ${page} of ${pages}`);
        await breathe();
      },
    });
  }
  const { text, encoding } = decodeText(bytes, { type, markup: format === "html" });
  await breathe();
  if (format === "text") return { ...(await parsePlainText(text, breathe)), encoding };
  const page = await (format === "html" ? parseHtml : parseMarkdown)(text, breathe);
  const book = stripGutenberg(page.blocks);
  return {
    blocks: book.blocks,
    title: book.title ?? page.title,
    author: book.author ?? page.author,
    encoding,
  };
}

function quoted(name: string | undefined): string {
  return name === undefined ? "the document" : JSON.stringify(name);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
}
