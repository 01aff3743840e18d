import { readFileSync } from "node:fs";
import { RunNotFoundError } from "sluice";
import { describe, expect, it } from "vitest";

const source = readFileSync(new URL("../../src/errors.ts", import.meta.url), "utf8");
const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

const written = [...source.matchAll(/super\(\s*"([A-Z_]+)"/g)].map((match) => match[1] ?? "");
const schemas = [...source.matchAll(/"((?:workflow|stage) (?:input|output|config))"/g)].map(
  (match) => `INVALID_${(match[1] ?? "").toUpperCase().replace(" ", "_")}`,
);
const fallbacks = ["STAGE_ERROR", "DELIVERY_FAILED"];
const explained = [...page.matchAll(/^### ([A-Z_]+)$/gm)].map((match) => match[1] ?? "");

describe("docs/errors.md", () => {
  it("explains every code that can be thrown, and no other", () => {
    expect(written.length).toBeGreaterThan(30);
    expect(schemas.length).toBe(5);
    expect([...explained].sort()).toEqual([...new Set([...written, ...schemas, ...fallbacks])].sort());
  });

  it("is where an error's link leads", () => {
    const { link, code } = new RunNotFoundError("r");
    expect(link).toBe(`docs/errors.md#${code.toLowerCase()}`);
    expect(page).toContain(`### ${code}\n`);
  });
});
