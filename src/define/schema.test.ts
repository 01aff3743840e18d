import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import { formatPath, isSchema, parse } from "./schema.ts";

describe("formatPath", () => {
  it.each([
    [[], ""],
    [["extract-text", "maxBytes"], "extract-text.maxBytes"],
    [["items", 3, "name"], "items[3].name"],
    [[0, 1], "[0][1]"],
    [["v1.2:x", "a"], '["v1.2:x"].a'],
    [["a", "two words"], 'a["two words"]'],
    [["a", ""], 'a[""]'],
    [["a", 'q"'], String.raw`a["q\""]`],
    [["3"], '["3"]'],
    [["a", Symbol("s")], "a[Symbol(s)]"],
  ])("of %j is %s", (path, expected) => {
    expect(formatPath(path)).toBe(expected);
  });
});

describe("isSchema", () => {
  it.each([
    ["zod's", z.string(), true],
    ["zod/mini's", mini.string(), true],
    ["a text", "none", false],
    ["null", null, false],
    ["undefined", undefined, false],
    ["what only parses", { parse: () => 1 }, false],
    ["what has another safeParseAsync", { safeParseAsync: true }, false],
  ])("of %s is %s", (_, value, expected) => {
    expect(isSchema(value)).toBe(expected);
  });
});

describe("parse", () => {
  it("gives what the schema makes of the value, asynchronous transforms included", async () => {
    const schema = z.object({
      n: z.string().transform(async (text) => text.length),
      d: z.number().default(7),
    });
    expect(await parse(schema, { n: "four", extra: 1 })).toEqual({ ok: true, value: { n: 4, d: 7 } });
  });

  it("says where the value doesn't fit, below the given root", async () => {
    const schema = z.object({ items: z.array(z.object({ name: z.string() })) });
    const result = await parse(schema, { items: [{ name: "a" }, { name: 2 }] }, ["stage-1"]);
    expect(result).toEqual({
      ok: false,
      issues: [{ path: "stage-1.items[1].name", message: expect.stringContaining("string") }],
    });
  });

  it("works with zod/mini", async () => {
    expect(await parse(mini.object({ a: mini.number() }), { a: "x" })).toMatchObject({
      ok: false,
      issues: [{ path: "a" }],
    });
  });

  it("passes on an error that the schema's own code throws", async () => {
    const schema = z.string().refine(() => {
      throw new RangeError("no such table");
    });
    await expect(parse(schema, "x")).rejects.toThrow(RangeError);
  });
});
