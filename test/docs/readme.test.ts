import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, readPages } from "./markdown.test-helper.ts";
import { flags, root, run, TEST_MS } from "./program.test-helper.ts";

const pages = readPages();
const programs = pages.flatMap((page) => {
  const blocks = blocksOf(page);
  return blocks.flatMap((block, index) => {
    const next = blocks[index + 1];
    if (block.language !== "ts") return [];
    return {
      at: `${page.file}:${block.line}`,
      source: block.text,
      prints: next?.language === "text" ? next.text : null,
    };
  });
});

/** Inside the package, so that its own name leads to it; and in a `dist`, which git and every other walker of the tree pass over. */
const dist = path.join(root, "test/docs/dist");
let folder = "";
const saved = (index: number): string => path.join(folder, `block-${index}.ts`);

beforeAll(() => {
  mkdirSync(dist, { recursive: true });
  folder = mkdtempSync(path.join(dist, "run-"));
  for (const [index, { source }] of programs.entries()) writeFileSync(saved(index), source);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  // The tests may run twice at the same time.
  if (readdirSync(dist).length === 0) rmSync(dist, { recursive: true, force: true });
});

describe("the programs in the pages", () => {
  it("are there, README's first", () => {
    expect(programs[0]?.at).toMatch(/^README\.md:/);
    expect(pages[0]?.text).toContain(`\`node ${flags.join(" ")} first.ts\``);
  });

  it.each(programs.map((program, index) => ({ ...program, index })))(
    "$at prints what it says",
    { timeout: TEST_MS },
    async ({ index, prints }) => {
      expect(prints, "the block after a program says what it prints, and is marked as text").not.toBeNull();
      expect(await run(path.relative(root, saved(index)))).toBe(prints);
    },
  );

  it("have no type error", { timeout: TEST_MS }, () => {
    const file = path.join(root, "tsconfig.json");
    const { options } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(file, (name) => ts.sys.readFile(name)).config,
      ts.sys,
      root,
    );
    const files = programs.map((_, index) => saved(index));
    const program = ts.createProgram(files, options);
    const found = files.flatMap((name) => ts.getPreEmitDiagnostics(program, program.getSourceFile(name)));
    expect(program.getRootFileNames().length).toBeGreaterThan(0);
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });
});
