import { DocumentError } from "../errors.ts";
import type { ParsedText } from "./blocks.ts";
import { linesToBlocks, type PdfLine, runsToLines } from "./pdf-layout.ts";

/** What to read a PDF with. */
export interface PdfOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each page. */
  readonly onPage?: (page: number, pages: number) => Promise<void>;
}

/**
 * Reads a PDF's text into headings and paragraphs with Mozilla's PDF.js, in the build of `unpdf` that runs in Node and
 * in workers alike. It is loaded on first use: it weighs 1.6 MB.
 *
 * @throws {@link DocumentError} `DOCUMENT_ENCRYPTED` when a password is needed, `DOCUMENT_UNREADABLE` when the file is
 * damaged
 */
export async function parsePdf(bytes: Uint8Array, options: PdfOptions = {}): Promise<ParsedText> {
  const { getDocumentProxy } = await import("unpdf");
  // PDF.js takes the buffer over (it is detached), hence the copy. Its warnings go to the console: only errors, please.
  const pdf = await getDocumentProxy(bytes.slice(), { verbosity: 0 }).catch((error: unknown) => {
    throw asDocumentError(error);
  });
  try {
    const lines: PdfLine[][] = [];
    for (let number = 1; number <= pdf.numPages; number += 1) {
      options.signal?.throwIfAborted();
      const { items } = await (await pdf.getPage(number)).getTextContent();
      lines.push(runsToLines(items.filter((item) => "str" in item)));
      await options.onPage?.(number, pdf.numPages);
    }
    const info = (await pdf.getMetadata()).info as Record<string, unknown>;
    const [title, author] = [info["Title"], info["Author"]];
    return {
      blocks: await linesToBlocks(lines),
      ...(typeof title === "string" && title.trim() !== "" && { title: title.trim() }),
      ...(typeof author === "string" && author.trim() !== "" && { author: author.trim() }),
    };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw asDocumentError(error);
  } finally {
    await pdf.destroy();
  }
}

function asDocumentError(error: unknown): DocumentError {
  const name = error instanceof Error ? error.name : "";
  return name === "PasswordException"
    ? new DocumentError(
        "DOCUMENT_ENCRYPTED",
        "the PDF is locked with a password; expected one that opens without",
        {
          cause: error,
        },
      )
    : new DocumentError("DOCUMENT_UNREADABLE", "the PDF is damaged: its structure can't be read", {
        cause: error,
      });
}
