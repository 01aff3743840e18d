/** Why a document was refused. The codes are stable; the message says what was found and what would be accepted. */
export type DocumentErrorCode =
  | "DOCUMENT_NOT_FOUND"
  | "DOCUMENT_IS_DIRECTORY"
  | "DOCUMENT_UNREADABLE"
  | "DOCUMENT_EMPTY"
  | "DOCUMENT_TOO_LARGE"
  | "DOCUMENT_BINARY"
  | "DOCUMENT_ENCRYPTED"
  | "DOCUMENT_NO_TEXT";

/**
 * A document that can't be processed.
 *
 * @example
 * ```ts
 * try {
 *   await extractDocument(new Blob([]));
 * } catch (error) {
 *   if (error instanceof DocumentError) console.error(error.code); // "DOCUMENT_EMPTY"
 * }
 * ```
 */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
  readonly code: DocumentErrorCode;
  /** None of its causes goes away by trying again: a stage that throws it fails at its first attempt. */
  readonly retryable = false;

  constructor(code: DocumentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
