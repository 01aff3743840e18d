/** What every error of Sluice has, and how values are named in messages. */

/** Where the page of each code is, relative to the project's documentation. */
const DOCS = "docs/errors.md";

/** The base of all errors that Sluice throws. `code` is stable; messages may improve. */
export class SluiceError extends Error {
  /** Stable, for programs. */
  readonly code: string;
  /** The page that explains it. */
  readonly link: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = nameOf(code);
    this.code = code;
    this.link = `${DOCS}#${code.toLowerCase()}`;
  }
}

/** `RUN_NOT_FOUND` is thrown as `RunNotFoundError`. Not the class's own name: in a minified bundle that is any letter, and it is kept in stored records. */
function nameOf(code: string): string {
  const words = code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return `${words}Error`;
}

/** Any value in a few words, for messages. Never throws, as revoked proxies and getters would. */
export function describe(value: unknown): string {
  try {
    return inWords(value);
  } catch {
    return "an object that can't be read";
  }
}

function inWords(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "number" || typeof value === "boolean" || value === undefined || value === null)
    return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "Object" && name !== ""
    ? `an instance of ${name}`
    : "an object";
}
