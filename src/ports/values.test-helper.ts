/** Arbitrary payload values, for the property tests of what copies, encodes and compares them. */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";

/** Any text, with lone surrogates, NUL and names that hurt. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "\0",
    "\ud800",
    "\udc00x",
    "<script>",
    "\u2028",
    "constructor",
    "toString",
    "length",
    'a\\b"c',
  ),
);

const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0));

const bytes = fc.uint8Array({ maxLength: 100 });

const binary = fc.oneof(
  bytes,
  bytes.map((source) => source.slice().buffer),
  bytes.map((source) => new DataView(source.slice().buffer)),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

/** Any value that a payload may carry, but for Blobs. */
export const payloadValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(null, undefined, true, false),
    number,
    text,
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    binary,
  ),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      text.filter((name) => name !== "__proto__"),
      tie("value"),
      { maxKeys: 5 },
    ),
    fc.uniqueArray(tie("value"), { maxLength: 4 }).map((members) => new Set(members)),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
})).value;

/**
 * Whether two values are the same to a payload: deeply, with -0 apart from 0, and a null prototype like any other. Node's own comparison
 * tells prototypes apart, so both sides go through {@link plain} first.
 */
export function same(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(plain(left), plain(right));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [plain(key), plain(item)]));
  if (value instanceof Set) return new Set(Array.from(value, plain));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value;
  if (typeof value !== "object" || value === null) return value;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== null && proto !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}
