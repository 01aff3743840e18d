/** Parsing by a stage's schemas on the hot path. */
import { formatPath, parse, type Schema, type SchemaResult } from "../define/schema.ts";
import type { Issue } from "../errors.ts";
import type { Parsed } from "../ports/registry.ts";

/** Schemas that were met to need `safeParseAsync`. */
const asynchronous = new WeakSet<Schema>();

/**
 * Parses without waiting where the schema can: zod's synchronous parser is three times cheaper than its asynchronous one. A schema
 * that can't is remembered, so that its functions are called twice for one value at most.
 */
export function parseQuick(schema: Schema, value: unknown): Parsed | Promise<Parsed> {
  const quick = schema as Schema & { safeParse?: (value: unknown) => SchemaResult<unknown> };
  if (typeof quick.safeParse !== "function" || asynchronous.has(schema)) return parse(schema, value);
  let result: SchemaResult<unknown>;
  try {
    result = quick.safeParse(value);
  } catch {
    // Either it has asynchronous parts, or its own code threw: which of the two, the other way tells.
    return parse(schema, value).then((parsed) => {
      asynchronous.add(schema);
      return parsed;
    });
  }
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.map(({ path, message }): Issue => ({ path: formatPath(path), message }));
  return { ok: false, issues };
}
