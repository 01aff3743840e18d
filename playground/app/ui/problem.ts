/** Errors in words: what happened, and what to do about it. */

/** An error as it is shown. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  /** What the reader can do; null where the message says it. */
  readonly advice: string | null;
}

/** What to do, by the error's stable code. */
const advice: Readonly<Record<string, string>> = {
  DOCUMENT_BINARY: "Choose a text, HTML, Markdown or PDF file.",
  DOCUMENT_EMPTY: "Choose a file with something in it.",
  DOCUMENT_TOO_LARGE: "Split it, or save it as plain text first.",
  DOCUMENT_ENCRYPTED: "Save a copy without the password and try that.",
  DOCUMENT_NO_TEXT: "Choose a document that holds text; a scan needs text recognition first.",
  DOCUMENT_UNREADABLE: "Open it in the program that made it, save it again, and try the new copy.",
  STAGE_ERROR: "Mend the cause and rerun from this stage; what the earlier stages found is kept.",
  STAGE_TIMEOUT:
    "Rerun from this stage; if it happens again, the document is too much for the stage's time limit.",
  QUARANTINED: "Its worker died too often. Rerun from this stage once the cause is mended.",
  STORAGE_FULL: "Free some space or remove old runs; the engine goes on when there is room.",
  BLOB_MISSING: "A part of the stored data is gone. Run the document again.",
  INVALID_WORKFLOW_INPUT: "Choose a file; nothing was started.",
  STORE_UNAVAILABLE:
    "Allow this site to keep data (private windows often don't), close its other tabs, or go on in memory.",
  STORE_CORRUPT: "Go on in memory, or clear this site's data to begin anew.",
  STORE_LOST: "Reload the page; what was acknowledged is safe.",
  STORE_CLOSED: "Reload the page.",
  STAGE_MODULE: "Check the connection and reload the page.",
  UNSUPPORTED: "Open the page over https or from localhost, in a current browser.",
  NOT_CONNECTED: "Reload the page; what was acknowledged is safe.",
  STOPPED: "Reload the page to start the engine again.",
  RUN_NOT_SETTLED: "Cancel the run first, or wait until it has ended.",
};

/** What to do about an error of this code; null where nothing more can be said. */
export function adviceFor(code: string): string | null {
  return advice[code] ?? null;
}

/** The codes for which there is advice. */
export const advisedCodes: readonly string[] = Object.keys(advice);

/** Any error as it is shown. Foreign ones keep their name for a code. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof Error)) return { code: "ERROR", message: String(error), advice: null };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return { code, message: error.message || "It gave no reason.", advice: adviceFor(code) };
}
