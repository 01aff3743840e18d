import type { DocumentFormat } from "../document.ts";
import { DocumentError } from "../errors.ts";
import { byteOrderMark } from "./decode.ts";

/** First bytes (as Latin-1) of files that people try and that are not text, with the name to show. */
const REFUSED: readonly (readonly [magic: string, what: string])[] = [
  ["\x89PNG\r\n", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["PK\x03\x04", "a ZIP archive (docx, xlsx, odt and epub files are such archives)"],
  ["\x1f\x8b", "gzip-compressed data"],
  ["7z\xbc\xaf\x27\x1c", "a 7-Zip archive"],
  ["\x7fELF", "an executable"],
  ["MZ\x90", "an executable"],
  ["\0asm", "a WebAssembly module"],
  ["SQLite format 3\0", "an SQLite database"],
  ["\xd0\xcf\x11\xe0", "an old Office file (doc, xls, ppt)"],
  ["{\\rtf", "a rich text (RTF) file"],
];

const BY_EXTENSION: Readonly<Record<string, DocumentFormat>> = {
  html: "html",
  htm: "html",
  xhtml: "html",
  md: "markdown",
  markdown: "markdown",
};

const BY_TYPE: Readonly<Record<string, DocumentFormat>> = {
  "text/html": "html",
  "application/xhtml+xml": "html",
  "text/markdown": "markdown",
};

/** Text has hardly any control characters; compressed or executable data has about 10 in 100. */
const MOST_CONTROLS = 0.01;
const SAMPLE_BYTES = 65_536;

/**
 * Says what a file is written in: by its first bytes, then by its media type, then by its name, then by what the text
 * looks like.
 *
 * @param bytes - the whole file
 * @param hints - the file's name and media type, where known; both may be wrong
 * @throws {@link DocumentError} `DOCUMENT_BINARY` for what is neither text nor PDF
 */
export function detectFormat(
  bytes: Uint8Array,
  hints: { name?: string; type?: string } = {},
): DocumentFormat {
  const head = new TextDecoder("windows-1252").decode(bytes.subarray(0, 1024));
  const type = hints.type?.split(";")[0]?.trim().toLowerCase() ?? "";
  const extension = /\.([^./\\]+)$/u.exec(hints.name ?? "")?.[1]?.toLowerCase() ?? "";
  // Readers accept some bytes before a PDF's header, and such files exist; so do texts that quote the header.
  const saysPdf = type === "application/pdf" || extension === "pdf";
  if (head.startsWith("%PDF-") || (saysPdf && head.includes("%PDF-"))) return "pdf";
  refuseBinary(bytes, hints.name);
  if (looksLikeHtml(bytes)) return "html";
  return BY_TYPE[type] ?? BY_EXTENSION[extension] ?? "text";
}

function looksLikeHtml(bytes: Uint8Array): boolean {
  const head = new TextDecoder(byteOrderMark(bytes) ?? "utf-8").decode(bytes.subarray(0, 2048));
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b/iu.test(head);
}

function refuseBinary(bytes: Uint8Array, name: string | undefined): void {
  const file = name === undefined ? "the file" : JSON.stringify(name);
  const accepted = "expected text, HTML, Markdown or PDF";
  const latin1 = Array.from(bytes.subarray(0, 16), (byte) => String.fromCharCode(byte)).join("");
  const refused = REFUSED.find(([magic]) => latin1.startsWith(magic));
  if (refused) throw new DocumentError("DOCUMENT_BINARY", `${file} is ${refused[1]}; ${accepted}`);
  if (byteOrderMark(bytes)?.startsWith("utf-16")) return;
  const controls = countControls(bytes.subarray(0, SAMPLE_BYTES));
  if (bytes.includes(0) || controls > MOST_CONTROLS * Math.min(bytes.length, SAMPLE_BYTES)) {
    throw new DocumentError("DOCUMENT_BINARY", `${file} holds binary data; ${accepted}`);
  }
}

/** Counts control characters other than tab, line ends, form feed and the escape of terminal logs. */
function countControls(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) {
    if ((byte < 32 && !(byte >= 9 && byte <= 13) && byte !== 27) || byte === 127) count += 1;
  }
  return count;
}
