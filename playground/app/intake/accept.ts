import { DocumentError } from "../../document/errors.ts";
import { detectFormat } from "../../document/extract/detect.ts";
import { checkSize } from "../../document/extract/extract.ts";

/** A file that can be worked on, or why not, in words. */
export type Accepted =
  | { readonly ok: true; readonly file: File }
  | { readonly ok: false; readonly name: string; readonly code: string; readonly message: string };

/** As much as the detection of a format looks at. */
const HEAD_BYTES = 65_536;

/**
 * Refuses what can't be a document before a run is created for it: by its size, and by its first bytes, so that a file of any size is
 * answered at once. Whatever only the whole file can tell (a damaged PDF, no text in it) fails its stage.
 */
export async function acceptFile(file: File): Promise<Accepted> {
  try {
    checkSize(file.size, file.name);
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    detectFormat(head, { name: file.name, type: file.type });
    return { ok: true, file };
  } catch (error) {
    return { ok: false, name: file.name, ...refusal(error, file.name) };
  }
}

function refusal(error: unknown, name: string): { code: string; message: string } {
  if (error instanceof DocumentError) {
    return { code: error.code, message: sentence(error.message) };
  }
  // The browser's own error says only that it couldn't: the file moved, may not be read, or is a folder.
  const message = `${JSON.stringify(name)} can't be read. If it is a folder, choose a file in it; if it was moved or renamed, choose it again.`;
  return { code: "DOCUMENT_UNREADABLE", message };
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/**
 * What was pasted, as a file: a copied file itself, or else the text. Null when there is neither, or only white space.
 *
 * @param data - the event's `clipboardData`
 */
export function pastedFile(data: {
  readonly files: ArrayLike<File>;
  getData(type: string): string;
}): File | null {
  const [file] = Array.from(data.files);
  if (file !== undefined) return file;
  const text = data.getData("text/plain");
  return text.trim() === "" ? null : new File([text], "Pasted text.txt", { type: "text/plain" });
}
