/** Anything as a payload value, for log lines and progress: what can't be carried is described, and nothing is ever refused. */
import { describe } from "../errors.ts";
import { ROW_DEPTH, type Visitor, walkValue } from "../ports/copy.ts";

/** Larger values are described: a log is no place to keep them. */
const MAX_BYTES = 65_536;
const MAX_DEPTH = 6;
const MAX_PARTS = 100;

/** Longest message that is kept whole. */
const MAX_TEXT = 10_000;

/** What may stand in a log line or event: the levels of {@link parts} that stand around a part fit into what that leaves. */
const inRow: Visitor = {
  blob: (blob) => `a Blob of ${blob.size} bytes`,
  maxDepth: ROW_DEPTH,
};

/** A private copy of a value, in which functions, class instances, Blobs and the like are described; errors keep name, message and stack. */
export function loggable(value: unknown): unknown {
  try {
    const { value: copy, bytes } = walkValue(value, "meta", inRow);
    return bytes > MAX_BYTES ? `${describe(copy)} of about ${bytes} bytes, too large for a log` : copy;
  } catch {
    return parts(value, 0);
  }
}

/** A text as it is kept. */
export function clipped(text: string): string {
  return text.length > MAX_TEXT
    ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more characters)`
    : text;
}

/** Any value as a message. */
export function textOf(value: unknown): string {
  return clipped(typeof value === "string" ? value : describe(value));
}

function parts(value: unknown, depth: number): unknown {
  try {
    if (typeof value === "string") return clipped(value);
    if (value instanceof Error)
      return { name: value.name, message: clipped(value.message), stack: clipped(value.stack ?? "") };
    if (typeof value !== "object" || value === null || depth >= MAX_DEPTH) return plain(value);
    if (Array.isArray(value)) return Array.from(value.slice(0, MAX_PARTS), (item) => parts(item, depth + 1));
    const proto: unknown = Object.getPrototypeOf(value);
    if (proto !== Object.prototype && proto !== null) return plain(value);
    const entries = Object.entries(value).slice(0, MAX_PARTS);
    return Object.fromEntries(
      entries.flatMap(([name, part]) => (name === "__proto__" ? [] : [[name, parts(part, depth + 1)]])),
    );
  } catch {
    return "unreadable";
  }
}

/** A part that has no parts of its own: as it is where it can be carried. */
function plain(value: unknown): unknown {
  try {
    const { value: copy, bytes } = walkValue(value, "meta", inRow);
    if (bytes <= MAX_BYTES) return copy;
  } catch {
    // Described below.
  }
  return describe(value);
}
