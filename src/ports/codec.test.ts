import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodecError, PayloadError } from "../errors.ts";
import { CODEC, decodeText, encodeText } from "./codec.ts";
import { payloadValue, same } from "./values.test-helper.ts";

describe("the text codec", () => {
  it("gives back what it was given", () => {
    fc.assert(
      fc.property(payloadValue, (value) => {
        const text = encodeText(value);
        expect(same(decodeText(CODEC, text), value)).toBe(true);
        expect(same(decodeText(CODEC, encodeText(structuredClone(value))), value)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("writes text that every database can hold", () => {
    fc.assert(
      fc.property(payloadValue, (value) => {
        const text = encodeText(value);
        expect(text.includes("\0")).toBe(false);
        expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe(text);
        expect(() => JSON.parse(text) as unknown).not.toThrow();
      }),
    );
  });

  it("gives a private value each time", () => {
    const text = encodeText({ list: [1] });
    const first = decodeText(CODEC, text) as { list: number[] };
    first.list.push(2);
    expect(decodeText(CODEC, text)).toEqual({ list: [1] });
  });

  it.each<[string, unknown]>([
    ["value.f", { f: () => 1 }],
    ["value.r", { r: /x/ }],
    ["value.file", { file: new Blob(["x"]) }],
    ["value.__proto__", JSON.parse('{"__proto__":{"admin":true}}')],
  ])("refuses %s", (path, value) => {
    expect(() => encodeText(value)).toThrow(PayloadError);
    expect(() => encodeText(value)).toThrow(path);
  });

  it("refuses a codec that it doesn't know, by its name", () => {
    expect(() => decodeText("msgpack@1", "x")).toThrow(CodecError);
    expect(() => decodeText("msgpack@1", "x")).toThrow(/"msgpack@1".*devalue/);
  });

  it.each([
    ["broken JSON", '[{"a":1'],
    ["a reference that leads nowhere", '[{"a":7}]'],
    ["an unknown type", '[["Zebra",1],1]'],
    ["a prototype", '[{"__proto__":1},2]'],
    ["nesting without end", "[".repeat(100_000)],
  ])("refuses a text with %s", (_, text) => {
    expect(() => decodeText(CODEC, text)).toThrow(CodecError);
  });

  it.each([
    ["a cycle", '[{"self":0}]'],
    ["a RegExp", '[["RegExp","(a+)+$"]]'],
    ["an array of four billion holes", "[[-7,4294967295]]"],
    ["a boxed number", '[["Object",1],5]'],
  ])("refuses a text with %s, which no payload holds", (_, text) => {
    expect(() => decodeText(CODEC, text)).toThrow(PayloadError);
  });
});
