import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root, run, TEST_MS } from "../docs/program.test-helper.ts";
import { importsOf } from "../structure/imports.ts";

const folder = "test/examples";
const programs = readdirSync(path.join(root, folder)).filter((file) => /^[\w-]+\.ts$/.test(file));
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const listed = [...readme.matchAll(/^\| \[([\w.-]+)\]\(test\/examples\/([\w.-]+)\) \| \S.*\|$/gm)];

describe("the examples", () => {
  it("are those of README's table", () => {
    expect(listed.length).toBeGreaterThan(5);
    expect(listed.map(([, name]) => name)).toEqual(listed.map(([, , file]) => file));
    expect(listed.map(([, , file = ""]) => file).toSorted()).toEqual(programs.toSorted());
  });

  it.concurrent.each(programs)("%s prints what it says", { timeout: TEST_MS }, async (file) => {
    const source = readFileSync(path.join(root, folder, file), "utf8");
    expect(await run(`${folder}/${file}`)).toBe(printed(source));
  });

  it.each(programs)("%s is a short program by public names alone", (file) => {
    const source = readFileSync(path.join(root, folder, file), "utf8");
    expect(source).toMatch(/^\/\*\*\n \* \S/);
    expect(source.split("\n").length).toBeLessThan(110);
    const imports = importsOf(file, source).map(({ specifier }) => specifier);
    expect(imports).toContain("sluice");
    expect(imports.filter((name) => !/^(?:sluice(?:\/(?:memory|kernel|testing))?|zod)$/.test(name))).toEqual(
      [],
    );
  });
});

/** What stands in the comment block at its end. */
function printed(source: string): string {
  const block = /\n\/\* prints:\n([\s\S]*)\*\/\n$/.exec(source)?.[1];
  if (block === undefined) throw new Error("it must end with a comment block: /* prints:, the lines, */");
  return block;
}
