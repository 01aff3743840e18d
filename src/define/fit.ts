/**
 * Whether what one schema gives can ever be what another takes, read from zod's definitions. TypeScript says it for
 * typed code; this says it for workflows composed at run-time. It speaks only when no value at all could fit, so that it never
 * refuses a workflow that works: whatever it can't read (transforms, custom schemas, lazies, other libraries) fits.
 */
import { formatPath, type Schema } from "./schema.ts";

/** What a stage is given: one schema's output, or the outputs of a group by stage id. */
export type Given =
  | { readonly of: "schema"; readonly schema: Schema }
  | { readonly of: "group"; readonly outputs: ReadonlyMap<string, Schema> };

type Kind = keyof typeof words;

const words = {
  string: "a string",
  number: "a number",
  boolean: "a boolean",
  bigint: "a bigint",
  symbol: "a symbol",
  undefined: "undefined",
  null: "null",
  object: "an object",
  array: "an array",
  date: "a Date",
  map: "a Map",
  set: "a Set",
  file: "a File",
} as const;

/** The part of zod's definitions that is read; see `$ZodTypeDef` and its descendants in zod/v4/core. */
interface Definition {
  readonly type: string;
  readonly coerce?: boolean;
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly out?: unknown;
  readonly options?: readonly unknown[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly catchall?: unknown;
  readonly checks?: readonly { readonly _zod: { readonly def: { check: string; type?: string } } }[];
}

/** Deeper than schemas nest; ends the walk of an object that requires itself. */
const maxDepth = 32;

/**
 * Why no value that is given can be one that `wanted` takes, in words that follow a colon; null if one can, or if that can't be known.
 */
export function misfit(given: Given, wanted: Schema): string | null {
  try {
    return compare(given, wanted, []);
  } catch {
    // A schema's getters are the user's code, and may name schemas that are defined further down.
    return null;
  }
}

/** Whether a config schema is to be given an empty object, rather than undefined, where a run has no config for it. */
export function wantsObject(schema: Schema): boolean {
  let wants = wanting.get(schema);
  if (wants === undefined) {
    const taken = kinds(schema, "takes");
    wants = taken === null || (taken.has("object") && !taken.has("undefined"));
    wanting.set(schema, wants);
  }
  return wants;
}

/** Asked twice for every stage of every run, and a schema's definition doesn't change. */
const wanting = new WeakMap<Schema, boolean>();

function compare(given: Given, wanted: unknown, path: readonly string[]): string | null {
  const gives = given.of === "group" ? new Set<Kind>(["object"]) : kinds(given.schema, "gives");
  const takes = kinds(wanted, "takes");
  if (gives !== null && takes !== null && ![...gives].some((kind) => takes.has(kind))) {
    return `${formatPath(path) || "the whole"} must be ${list(takes)}, and is ${list(gives)}`;
  }
  const target = objectTaken(wanted);
  const source = given.of === "group" ? null : objectGiven(given.schema);
  if (target === null || path.length > maxDepth) return null;
  if (given.of === "group") return compareKeys(given.outputs, true, target, path);
  if (source === null) return null;
  const shape = new Map(Object.entries(source.shape ?? {}));
  const exact = keepsItsShape(source);
  const problem = compareKeys(shape, exact && isStrictOrStrips(source), target, path);
  return problem ?? (exact ? surplus(shape, target, path) : null);
}

/** @param closed whether there are no other keys than these */
function compareKeys(
  source: ReadonlyMap<string, unknown>,
  closed: boolean,
  target: Definition,
  path: readonly string[],
): string | null {
  for (const [key, wanted] of Object.entries(target.shape ?? {})) {
    const at = [...path, key];
    if (source.has(key)) {
      const problem = compare({ of: "schema", schema: source.get(key) as Schema }, wanted, at);
      if (problem !== null) return problem;
    } else if (closed) {
      const takes = kinds(wanted, "takes");
      if (takes !== null && !takes.has("undefined")) return `${formatPath(at)} is required, and is not there`;
    }
  }
  return null;
}

/** A key that is surely there, and that a strict object surely refuses. */
function surplus(
  source: ReadonlyMap<string, unknown>,
  target: Definition,
  path: readonly string[],
): string | null {
  if (definition(target.catchall)?.type !== "never") return null;
  for (const [key, schema] of source) {
    if (Object.hasOwn(target.shape ?? {}, key)) continue;
    const gives = kinds(schema, "gives");
    if (gives !== null && !gives.has("undefined")) {
      return `${formatPath([...path, key])} is there, and the schema is strict and has no such key`;
    }
  }
  return null;
}

function definition(schema: unknown): Definition | null {
  if (typeof schema !== "object" || schema === null) return null;
  const { _zod: internals } = schema as { readonly _zod?: { readonly def?: Definition } };
  return internals?.def ?? null;
}

/** The kinds of values that a schema gives or takes, none of them left out; null if that can't be known. */
function kinds(schema: unknown, side: "gives" | "takes"): Set<Kind> | null {
  const def = definition(schema);
  switch (def?.type) {
    case "string":
    case "number":
    case "boolean":
    case "bigint":
    case "date":
      return side === "takes" && def.coerce ? null : new Set<Kind>([def.type]);
    case "symbol":
    case "undefined":
    case "null":
    case "array":
    case "map":
    case "set":
    case "file":
      return new Set<Kind>([def.type]);
    case "nan":
      return new Set<Kind>(["number"]);
    case "template_literal":
      return new Set<Kind>(["string"]);
    case "void":
      return new Set<Kind>(["undefined"]);
    case "tuple":
      return new Set<Kind>(["array"]);
    case "record":
      return new Set<Kind>(["object"]);
    case "object":
      // It takes class instances too: a Date parses as z.object({}).
      return new Set<Kind>(side === "gives" ? ["object"] : ["object", "date", "map", "set", "file"]);
    case "literal":
      return new Set((def.values ?? []).map(kindOf));
    case "enum":
      return new Set(Object.values(def.entries ?? {}).map(kindOf));
    case "union":
      return union((def.options ?? []).map((option) => kinds(option, side)));
    case "optional":
      return union([kinds(def.innerType, side), new Set<Kind>(["undefined"])]);
    case "nullable":
      return union([kinds(def.innerType, side), new Set<Kind>(["null"])]);
    case "default":
    case "prefault":
      return union([kinds(def.innerType, side), new Set<Kind>(side === "takes" ? ["undefined"] : [])]);
    case "nonoptional":
    case "readonly":
      return kinds(def.innerType, side);
    case "pipe":
      return kinds(side === "takes" ? def.in : def.out, side);
    default:
      return null;
  }
}

function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  const type = typeof value;
  return type === "function" ? "object" : type;
}

function union(sets: readonly (Set<Kind> | null)[]): Set<Kind> | null {
  const all = new Set<Kind>();
  for (const set of sets) {
    if (set === null) return null;
    for (const kind of set) all.add(kind);
  }
  return all;
}

/** The object schema that an object surely has to fit. */
function objectTaken(schema: unknown): Definition | null {
  const def = definition(schema);
  switch (def?.type) {
    case "object":
      return def;
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "nonoptional":
    case "readonly":
      return objectTaken(def.innerType);
    case "pipe":
      return objectTaken(def.in);
    default:
      return null;
  }
}

/** The object schema that surely made what is given. */
function objectGiven(schema: unknown): Definition | null {
  const def = definition(schema);
  switch (def?.type) {
    case "object":
      return def;
    case "readonly":
      return objectGiven(def.innerType);
    case "pipe":
      return objectGiven(def.out);
    default:
      return null;
  }
}

/** Whether an object schema lets through no keys but its shape's. */
function isStrictOrStrips(def: Definition): boolean {
  return def.catchall === undefined || definition(def.catchall)?.type === "never";
}

/**
 * Whether a schema gives the value that its own definition describes. `.refine` can only refuse (its check and its type are
 * "custom"); `.overwrite` and `.check(fn)` may put another value in its place.
 */
function keepsItsShape(def: Definition): boolean {
  return (def.checks ?? []).every(({ _zod: { def: check } }) =>
    check.check === "custom" ? check.type === "custom" : check.check !== "overwrite",
  );
}

function list(set: ReadonlySet<Kind>): string {
  const shown = [...set].map((kind) => words[kind]);
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}` : (shown[0] ?? "nothing");
}
