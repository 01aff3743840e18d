import { readdirSync, readFileSync } from "node:fs";
import { NonRetryableError, RunNotFoundError, SluiceError } from "sluice";
import { describe, expect, it } from "vitest";

const folder = new URL("../../src/errors/", import.meta.url);
const source = readdirSync(folder)
  .map((file) => readFileSync(new URL(file, folder), "utf8"))
  .join("\n");
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

  it("names each error as its class is called, whatever a bundler makes of the class", () => {
    const thrown = [...source.matchAll(/class (\w+) extends SluiceError \{([\s\S]*?)\n\}/g)];
    expect(thrown.length).toBeGreaterThan(30);
    for (const [, name = "", body = ""] of thrown) {
      const own = /this\.name = "(\w+)"/.exec(body)?.[1];
      const code = /super\(\s*"([A-Z_]+)"/.exec(body)?.[1] ?? "";
      expect(own ?? new SluiceError(code, "").name).toBe(name);
    }
    class Declined extends NonRetryableError {}
    expect(new Declined("no").name).toBe("Declined");
  });
});
