import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { deepFreeze } from "./watch.test-helper.ts";

const folder = new URL("./commands/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.includes(".test"));

describe("the commands", () => {
  it("are there", () => {
    expect(files.length).toBeGreaterThanOrEqual(15);
  });

  it.each(files)("mistake 9: %s decides synchronously, from its arguments alone", (file) => {
    const code = readFileSync(new URL(file, folder), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    const impure =
      /\b(async|await|Promise|setTimeout|queueMicrotask|Date|Math\.random|crypto|performance|process|globalThis)\b/;
    expect(code.match(impure)?.[0]).toBeUndefined();
    // No state of its own, either: what a module keeps between calls would be an argument that nobody sees.
    expect(code.match(/^(let|var)\b.*$/m)?.[0]).toBeUndefined();
  });

  it("are given frozen rows by the tests' store, so that one that changes its arguments throws", () => {
    const rows = deepFreeze({ runs: [{ run: { cursors: {} } }] });
    expect(() => Object.assign(rows.runs[0]?.run ?? {}, { version: 1 })).toThrow(TypeError);
    expect(() => Object.assign(rows.runs[0]?.run.cursors ?? {}, { audit: 1 })).toThrow(TypeError);
  });
});
