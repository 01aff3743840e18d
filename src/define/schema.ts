/**
 * What Sluice asks of a zod schema. Structural, so that `zod` and `zod/mini` both fit and neither is loaded from here.
 */
import type { Issue } from "../errors.ts";
import type { Parsed } from "../ports/registry.ts";

/** Any zod 4 schema, of `zod` or `zod/mini`: what it accepts (`Input`) and what it makes of it (`Output`). */
export interface Schema<Output = unknown, Input = unknown> {
  readonly _zod: { readonly output: Output; readonly input: Input };
  safeParseAsync(value: unknown): Promise<SchemaResult<Output>>;
}

/** What `safeParseAsync` answers. */
export type SchemaResult<Output> =
  | { success: true; data: Output }
  | {
      success: false;
      error: { issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] };
    };

/** The type of values that a schema accepts. */
export type SchemaInput<S extends Schema> = S["_zod"]["input"];

/** The type of values that a schema gives. */
export type SchemaOutput<S extends Schema> = S["_zod"]["output"];

/** Whether something can be used as a schema. */
export function isSchema(value: unknown): value is Schema {
  return (
    typeof value === "object" &&
    value !== null &&
    "safeParseAsync" in value &&
    typeof value.safeParseAsync === "function"
  );
}

/**
 * Parses a value. What doesn't fit is an answer, not an error; an error that the schema's own code throws is passed on.
 *
 * @param root where the value stands, put before each issue's path
 */
export async function parse(
  schema: Schema,
  value: unknown,
  root: readonly PropertyKey[] = [],
): Promise<Parsed> {
  return parsed(await schema.safeParseAsync(value), root);
}

/** Schemas that were met to need `safeParseAsync`. */
const asynchronous = new WeakSet<Schema>();

/**
 * {@link parse} without waiting where the schema can: zod's synchronous parser is three times cheaper than its asynchronous one. A schema
 * that can't is remembered, so that its functions are called twice for one value at most.
 */
export function parseQuick(
  schema: Schema,
  value: unknown,
  root: readonly PropertyKey[] = [],
): Parsed | Promise<Parsed> {
  const quick = schema as Schema & { safeParse?: (value: unknown) => SchemaResult<unknown> };
  if (typeof quick.safeParse !== "function" || asynchronous.has(schema)) return parse(schema, value, root);
  let result: SchemaResult<unknown>;
  try {
    result = quick.safeParse(value);
  } catch {
    // Either it has asynchronous parts, or its own code threw: which of the two, the other way tells.
    return parse(schema, value, root).then((answer) => {
      asynchronous.add(schema);
      return answer;
    });
  }
  return parsed(result, root);
}

function parsed(result: SchemaResult<unknown>, root: readonly PropertyKey[]): Parsed {
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    issues: result.error.issues.map(
      ({ path, message }): Issue => ({ path: formatPath([...root, ...path]), message }),
    ),
  };
}

/** Keys that stand after a dot; stage ids such as `extract-text` among them. All others are quoted in brackets. */
const plainKey = /^[A-Za-z_$][\w$-]*$/;

/**
 * The text of a path into a value.
 *
 * @example formatPath(["items", 3, "file name"]) // items[3]["file name"]
 */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "string" && plainKey.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${typeof key === "string" ? JSON.stringify(key) : String(key)}]`;
  }
  return text;
}
