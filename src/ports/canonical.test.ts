import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PayloadError, TooLargeError } from "../errors.ts";
import { canonical, canonicalWithBlobs, hashOf } from "./canonical.ts";
import { copyValue } from "./copy.ts";
import { payloadValue, same } from "./values.test-helper.ts";

describe("canonical", () => {
  it.each<[unknown, string]>([
    [{ b: 1, a: [true, null, undefined] }, '{"a":[true,null,undefined],"b":1}'],
    [{ 10: 1, 9: 2 }, '{"10":1,"9":2}'],
    [{ a: undefined }, "{}"],
    [[-0, 0, Number.NaN, Number.POSITIVE_INFINITY, 1e21], "[-0,0,NaN,Infinity,1e+21]"],
    [12n, "12n"],
    [new Date(5), "Date(5)"],
    [new Date(Number.NaN), "Date(NaN)"],
    [
      new Map<unknown, unknown>([
        ["b", 1],
        ["a", 2],
      ]),
      'Map{"a"=>2,"b"=>1}',
    ],
    [new Set([2, 1]), "Set{1,2}"],
    [new Uint16Array([1, 256]), "Uint16Array(01000001)"],
    [new Uint8Array([1, 2]).buffer, "ArrayBuffer(0102)"],
    ['\ud800"\n', '"\\ud800\\"\\n"'],
  ])("writes %o", (value, text) => {
    expect(canonical(value)).toBe(text);
  });

  it("tells kinds apart that look alike", () => {
    const alike = [
      1,
      "1",
      1n,
      [1],
      { 0: 1 },
      new Set([1]),
      new Map([[0, 1]]),
      new Date(1),
      new Uint8Array([1]),
    ];
    expect(new Set([...alike, new Int8Array([1])].map(canonical)).size).toBe(alike.length + 1);
  });

  it("doesn't depend on the order of keys, entries and members", () => {
    fc.assert(
      fc.property(payloadValue, (value) => {
        expect(canonical(reversed(value))).toBe(canonical(value));
      }),
    );
  });

  it("is different for different values, and equal for equal ones", () => {
    fc.assert(
      fc.property(payloadValue, payloadValue, (left, right) => {
        expect(canonical(left) === canonical(right)).toBe(same(ordered(left), ordered(right)));
        expect(canonical(copyValue(left))).toBe(canonical(left));
      }),
      { numRuns: 500 },
    );
  });

  it("hashes large arrays of bytes instead of writing them", () => {
    const zeros = canonical(new Uint8Array(10_000));
    const one = new Uint8Array(10_000);
    one[9999] = 1;
    expect(zeros.length).toBeLessThan(120);
    expect(canonical(one)).not.toBe(zeros);
  });

  it.each<[string, unknown]>([
    ["a function", { f: () => 1 }],
    ["an instance of RegExp", [/x/]],
    ["a Blob where only its digest can stand", { file: new Blob(["x"]) }],
  ])("refuses %s", (what, value) => {
    expect(() => canonical(value)).toThrow(PayloadError);
    expect(() => canonical(value)).toThrow(what);
  });

  it("refuses a cycle", () => {
    const value: Record<string, unknown> = {};
    value.self = value;
    expect(() => canonical(value)).toThrow(/cycle/);
  });
});

describe("canonicalWithBlobs", () => {
  it("is the plain text where there are none", async () => {
    expect(await canonicalWithBlobs({ n: 1 })).toBe(canonical({ n: 1 }));
  });

  it("stands for Blobs by their bytes and type", async () => {
    const text = async (parts: string[], type = "text/plain"): Promise<string> =>
      canonicalWithBlobs({ file: new Blob(parts, { type }) });
    expect(await text(["hello ", "world"])).toBe(await text(["hello world"]));
    expect(await text(["hello world"])).not.toBe(await text(["hello World"]));
    expect(await text(["hello"])).not.toBe(await text(["hello"], "text/html"));
    // SHA-256 of "abc", FIPS 180-4.
    expect(await text(["abc"])).toContain("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("stands for Files also by their name, not by their date", async () => {
    const text = async (name: string, lastModified: number): Promise<string> =>
      canonicalWithBlobs([new File(["x"], name, { lastModified })]);
    expect(await text("a", 1)).toBe(await text("a", 2));
    expect(await text("a", 1)).not.toBe(await text("b", 1));
    expect(await text("a", 1)).not.toBe(await canonicalWithBlobs([new Blob(["x"])]));
  });

  it.each<[string, unknown]>([
    ["input.items[1].done is a function", { items: [1, { done: () => 1 }] }],
    ["input[0][1] is a symbol", new Map([["k", Symbol("x")]])],
    ["input[0][0] is a function", new Map([[() => 1, 1]])],
    ["input.s[1] is an instance of RegExp", { s: new Set([1, /x/]) }],
    ["input is unreadable (boom)", Object.defineProperty({}, "a", { enumerable: true, get: boom })],
  ])("says that %s", async (message, value) => {
    await expect(canonicalWithBlobs(value, "input")).rejects.toThrow(PayloadError);
    await expect(canonicalWithBlobs(value, "input")).rejects.toThrow(message);
  });

  it("doesn't write out what is shared beyond the bounds of a payload", async () => {
    let doubled: unknown = 1;
    for (let level = 0; level < 40; level += 1) doubled = [doubled, doubled];
    await expect(canonicalWithBlobs({ doubled })).rejects.toThrow(TooLargeError);
    const text = "x".repeat(1 << 20);
    await expect(canonicalWithBlobs(Array.from({ length: 300 }, () => text))).rejects.toThrow(TooLargeError);
    const nested = (depth: number): unknown =>
      Array.from({ length: depth }).reduce<unknown>((inner) => new Map([[1, inner]]), "bottom");
    expect(await canonicalWithBlobs(nested(250))).toContain("bottom");
    expect(copyValue(nested(250))).toEqual(nested(250));
    await expect(canonicalWithBlobs(nested(251))).rejects.toThrow("nested deeper than 500");
    expect(() => copyValue(nested(251))).toThrow("nested deeper than 500");
  });

  it("hashes what is larger than one slice like the whole", async () => {
    const bytes = new Uint8Array(2_500_000).fill(7);
    const whole = await crypto.subtle.digest("SHA-256", bytes);
    expect(await canonicalWithBlobs(new Blob([bytes]))).toContain(Buffer.from(whole).toString("hex"));
  });
});

describe("hashOf", () => {
  it("keeps short texts and hashes longer ones", () => {
    expect(hashOf("x".repeat(128))).toBe("x".repeat(128));
    expect(hashOf("x".repeat(129))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(hashOf("x".repeat(129))).not.toBe(hashOf("x".repeat(130)));
    expect(hashOf("\u00e9".repeat(129))).not.toBe(hashOf("e".repeat(129)));
  });
});

function boom(): never {
  throw new Error("boom");
}

/** The same value, built the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value instanceof Map)
    return new Map([...value].toReversed().map(([key, item]) => [reversed(key), reversed(item)]));
  if (value instanceof Set) return new Set([...value].toReversed().map(reversed));
  if (typeof value !== "object" || value === null || tagged(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, part]) => [name, reversed(part)]),
  );
}

/** The same value without what the canonical text leaves open: order, and properties that are undefined. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value instanceof Map)
    return ["Map", ...[...value].map(([key, item]) => [ordered(key), ordered(item)]).toSorted(byText)];
  if (value instanceof Set) return ["Set", ...[...value].map(ordered).toSorted(byText)];
  if (typeof value !== "object" || value === null || tagged(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => [name, ordered(part)]),
  );
}

function tagged(value: object): boolean {
  return Object.prototype.toString.call(value) !== "[object Object]";
}

function byText(left: unknown, right: unknown): number {
  const [one, two] = [canonical(left), canonical(right)];
  return one < two ? -1 : one > two ? 1 : 0;
}
