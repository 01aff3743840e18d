import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import { misfit, wantsObject } from "./fit.ts";
import type { Schema } from "./schema.ts";

const between = (gives: Schema, takes: Schema): string | null =>
  misfit({ of: "schema", schema: gives }, takes);
const o = z.object;
const iso = z.codec(z.string(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

describe("misfit says", () => {
  it.each([
    ["a missing key", o({ a: z.string() }), o({ b: z.string() }), "b is required, and is not there"],
    ["a missing key of nothing", o({}), o({ b: z.date() }), "b is required, and is not there"],
    [
      "a deep missing key",
      o({ a: o({}) }),
      o({ a: o({ b: z.string() }) }),
      "a.b is required, and is not there",
    ],
    ["another primitive", z.string(), z.number(), "the whole must be a number, and is a string"],
    [
      "another kind",
      o({ a: z.string() }),
      o({ a: z.array(z.string()) }),
      "a must be an array, and is a string",
    ],
    [
      "no common kind of unions",
      z.union([z.string(), z.number()]),
      z.union([z.boolean(), z.null()]),
      "the whole must be a boolean or null, and is a string or a number",
    ],
    [
      "no common kind of optionals",
      o({ a: z.string().optional() }),
      o({ a: z.number() }),
      "a must be a number, and is a string or undefined",
    ],
    ["a literal", z.literal("x"), z.literal(1), "the whole must be a number, and is a string"],
    ["an enum", z.enum(["x"]), z.int(), "the whole must be a number, and is a string"],
    [
      "an object for a text",
      o({ a: z.string() }),
      z.string(),
      "the whole must be a string, and is an object",
    ],
    [
      "a class instance for a record",
      z.date(),
      z.record(z.string(), z.unknown()),
      "the whole must be an object, and is a Date",
    ],
    ["a codec's other side", iso, z.string(), "the whole must be a string, and is a Date"],
    ["a codec's near side", z.date(), iso, "the whole must be a string, and is a Date"],
    [
      "what stands before a transform",
      z.number(),
      z.string().transform(Number),
      "the whole must be a string, and is a number",
    ],
    [
      "keys before a transform",
      o({}),
      o({ a: z.string() }).transform((x) => x.a),
      "a is required, and is not there",
    ],
    [
      "a key that a pipe's end hasn't",
      o({ a: z.string() })
        .transform((x) => ({ b: x.a }))
        .pipe(o({ b: z.string() })),
      o({ a: z.string() }),
      "a is required, and is not there",
    ],
    ["keys of an optional object", o({}), o({ a: z.string() }).optional(), "a is required, and is not there"],
    [
      "keys through readonly",
      o({}).readonly(),
      o({ a: z.string() }).readonly(),
      "a is required, and is not there",
    ],
    [
      "a key too many for a strict object",
      o({ a: z.string(), b: z.string() }),
      z.strictObject({ a: z.string() }),
      "b is there, and the schema is strict and has no such key",
    ],
    [
      "a refined object's missing key",
      o({}).refine(() => true),
      o({ a: z.string() }),
      "a is required, and is not there",
    ],
    [
      "a text for a Set",
      z.templateLiteral(["a", z.number()]),
      z.set(z.string()),
      "the whole must be a Set, and is a string",
    ],
    [
      "nothing for something",
      z.void(),
      z.tuple([z.string()]),
      "the whole must be an array, and is undefined",
    ],
    [
      "zod/mini's",
      mini.object({ a: mini.string() }),
      mini.object({ b: mini.string() }),
      "b is required, and is not there",
    ],
    ["a quoted key", o({}), o({ "two words": z.string() }), '["two words"] is required, and is not there'],
  ])("%s", (_, gives, takes, message) => {
    expect(between(gives, takes)).toBe(message);
  });
});

interface Node {
  readonly next: Node;
}
const Endless: z.ZodType<Node> = o({
  get next() {
    return Endless;
  },
});
const endless = (a: z.ZodType): z.ZodType => {
  const self: z.ZodType = o({
    get next() {
      return self;
    },
    a,
  });
  return self;
};

it("misfit ends a walk that would have no end, and goes on", () => {
  expect(between(endless(z.string()), endless(z.number()))).toMatch(
    /^next\..*\.a must be a number, and is a string$/,
  );
});

describe("misfit is silent about", () => {
  it.each<[string, Schema, Schema]>([
    ["the same schema", o({ a: z.string() }), o({ a: z.string() })],
    ["keys to spare", o({ a: z.string(), b: z.string() }), o({ a: z.string() })],
    [
      "optional keys",
      o({}),
      o({ a: z.string().optional(), b: z.string().nullish(), c: z.string().default("c") }),
    ],
    ["a caught key", o({}), o({ a: z.string().catch("a") })],
    ["a preprocessed key", o({}), o({ a: z.preprocess((x) => x ?? "a", z.string()) })],
    ["a coerced key", o({}), o({ a: z.coerce.string() })],
    ["any and unknown keys", o({}), o({ a: z.any(), b: z.unknown(), c: z.undefined(), d: z.custom() })],
    ["a loose object's missing key", z.looseObject({}), o({ a: z.string() })],
    ["an object with a catchall", o({}).catchall(z.string()), o({ a: z.string() })],
    ["an object that a check may change", o({}).overwrite((x) => x), o({ a: z.string() })],
    ["an object that a raw check may change", o({}).check(() => undefined), o({ a: z.string() })],
    ["a superRefine", o({}).superRefine(() => undefined), o({ a: z.string() })],
    ["a possible key too many", o({ a: z.string().optional() }), z.strictObject({})],
    ["coercion", z.string(), z.coerce.number()],
    ["a transform's result", z.string().transform(Number), z.boolean()],
    ["unknown, any, custom", z.unknown(), z.string()],
    ["what custom takes", z.string(), z.custom<number>()],
    ["instances", z.instanceof(Map), z.string()],
    ["a lazy", z.lazy(() => z.string()), z.number()],
    ["a catch", z.string().catch("x"), z.number().catch(1)],
    ["some common kind", z.union([z.string(), z.number()]), z.number()],
    ["a common undefined", z.string().optional(), z.number().optional()],
    ["a common null", z.string().nullable(), z.number().nullable()],
    ["an optional object", o({}).optional(), o({ a: z.string() }).optional()],
    ["a Date for an object", z.date(), o({})],
    ["a Map for an object", z.map(z.string(), z.string()), o({})],
    ["a union of objects", z.union([o({ a: z.string() }), o({ b: z.string() })]), o({ b: z.string() })],
    [
      "a discriminated union",
      o({ t: z.literal("a") }),
      z.discriminatedUnion("t", [o({ t: z.literal("b") })]),
    ],
    ["an intersection", o({ a: z.string() }), o({ a: z.string() }).and(o({ b: z.string() }))],
    ["a record of keys", z.record(z.string(), z.string()), o({ a: z.string() })],
    ["a nested default", o({ a: o({}).optional() }), o({ a: o({ b: z.string() }).default({ b: "b" }) })],
    ["an int for a number", z.int(), z.number()],
    ["an email for a text", z.email(), z.string().trim()],
    ["JSON", z.json(), o({ a: z.string() })],
    ["recursion without end", Endless, Endless],
    ["what isn't zod's", { safeParseAsync: () => 1 } as unknown as Schema, z.string()],
  ])("%s", (_, gives, takes) => {
    expect(between(gives, takes)).toBeNull();
  });

  it("a schema whose getter fails for now, as when it names one that is defined further down", () => {
    const later = o({
      get a(): z.ZodString {
        throw new ReferenceError("Cannot access 'B' before initialization");
      },
    });
    expect(between(o({}), later)).toBeNull();
  });
});

/** Schemas as what they are made of, so that a failing case prints readably. */
const schemas: fc.Arbitrary<Schema> = fc.letrec<{ schema: z.ZodType }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<z.ZodType>(
      z.string(),
      z.number(),
      z.boolean(),
      z.null(),
      z.undefined(),
      z.date(),
      z.literal(["a", 1]),
      z.enum(["a", "b"]),
      z.coerce.string(),
      z.coerce.number(),
      z.unknown(),
      z.string().transform((text) => text.length),
      z.preprocess((value) => value ?? "a", z.string()),
      z.string().default("a"),
      z.number().prefault(1),
      z.string().catch("a"),
    ),
    tie("schema").map((inner) => inner.optional()),
    tie("schema").map((inner) => inner.nullable()),
    tie("schema").map((inner) => inner.readonly()),
    tie("schema").map((inner) => z.array(inner)),
    tie("schema").map((inner) => z.record(z.string(), inner)),
    fc.tuple(tie("schema"), tie("schema")).map((options) => z.union(options)),
    fc
      .tuple(
        fc.dictionary(fc.constantFrom("a", "b"), tie("schema"), { maxKeys: 2, noNullPrototype: true }),
        fc.constantFrom(z.object, z.strictObject, z.looseObject),
      )
      .map(([shape, make]) => make(shape)),
  ),
})).schema;

const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom("a", "text", 1, 0.5, true, null, undefined, new Date(0)),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

describe("misfit", () => {
  it("never speaks when a value of the one is accepted by the other", async () => {
    let alarms = 0;
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(
        schemas,
        schemas,
        fc.array(values, { minLength: 5, maxLength: 15 }),
        async (gives, takes, inputs) => {
          const problem = between(gives, takes);
          if (problem !== null) alarms += 1;
          for (const input of inputs) {
            const made = await gives.safeParseAsync(input);
            if (!made.success) continue;
            const taken = await takes.safeParseAsync(made.data);
            if (taken.success) passed += 1;
            expect(taken.success && problem !== null, problem ?? "").toBe(false);
          }
        },
      ),
      { numRuns: 1500, seed: 20260426 },
    );
    // The property says nothing unless both sides of it were met.
    expect(alarms).toBeGreaterThan(200);
    expect(passed).toBeGreaterThan(200);
  });
});

describe("wantsObject", () => {
  it.each<[string, boolean, Schema]>([
    ["an object", true, o({ a: z.string() })],
    ["a record", true, z.record(z.string(), z.string())],
    ["unknown", true, z.unknown()],
    ["an object with a default", false, o({}).default({})],
    ["an optional object", false, o({}).optional()],
    ["a text", false, z.string()],
    ["a number with a default", false, z.number().default(1)],
  ])("of %s is %s", (_, expected, schema) => {
    expect(wantsObject(schema)).toBe(expected);
  });
});
