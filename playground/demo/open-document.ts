import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { DocumentError, type DocumentErrorCode } from "../document/errors.ts";
import { checkSize } from "../document/extract/extract.ts";
import { detectFormat } from "../document/extract/detect.ts";

/** What to answer for the file system's own errors; any other is `DOCUMENT_UNREADABLE` with its code. */
const KNOWN: Readonly<Record<string, readonly [code: DocumentErrorCode, says: string]>> = {
  ENOENT: ["DOCUMENT_NOT_FOUND", "there is no such file"],
  ENOTDIR: ["DOCUMENT_NOT_FOUND", "there is no such file: a part of its path is not a directory"],
  EISDIR: ["DOCUMENT_IS_DIRECTORY", "that is a directory; expected a file"],
  EACCES: ["DOCUMENT_UNREADABLE", "this user may not read it"],
  EPERM: ["DOCUMENT_UNREADABLE", "this user may not read it"],
};

/**
 * Opens a document from the disk, refusing what can't be one before anything is started: the size is looked at before
 * the bytes are read, and the first bytes before a run is created.
 *
 * @throws {@link DocumentError} `DOCUMENT_NOT_FOUND`, `DOCUMENT_IS_DIRECTORY`, `DOCUMENT_UNREADABLE`, `DOCUMENT_EMPTY`,
 * `DOCUMENT_TOO_LARGE`, `DOCUMENT_BINARY`
 */
export async function openDocument(path: string): Promise<File> {
  const name = basename(path);
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw refused(path, "EISDIR");
    // A device or a pipe has no size to check, and might never end.
    if (!info.isFile()) {
      throw new DocumentError("DOCUMENT_UNREADABLE", `${JSON.stringify(path)}: expected a regular file`);
    }
    checkSize(info.size, name);
    const bytes = await readFile(path);
    detectFormat(bytes, { name });
    return new File([bytes], name);
  } catch (error) {
    if (error instanceof DocumentError) throw error;
    throw refused(path, codeOf(error), error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : String(error);
}

function refused(path: string, systemCode: string, cause?: unknown): DocumentError {
  const [code, says] = KNOWN[systemCode] ?? ["DOCUMENT_UNREADABLE", `it can't be read (${systemCode})`];
  return new DocumentError(code, `${JSON.stringify(path)}: ${says}`, { cause });
}
