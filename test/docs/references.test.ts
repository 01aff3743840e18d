import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { blocksOf, type Page, readPages } from "./markdown.test-helper.ts";
import { root } from "./program.test-helper.ts";

const pages = readPages();
const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** What can't be done of what a shell block says. */
function impossible(command: string): string[] {
  const [program = "", first = "", second = ""] = command.trim().split(/\s+/);
  const script = first === "run" ? second : first;
  if (program === "npm") return script === "ci" || Object.hasOwn(scripts, script) ? [] : [command];
  try {
    accessSync(path.join(root, program), constants.X_OK);
    return [];
  } catch {
    return [command];
  }
}

/** The commands of a page's shell blocks, and the npm scripts that its text names. */
function commandsOf(page: Page): readonly string[] {
  const shell = blocksOf(page).filter(({ language }) => language === "sh");
  const lines = shell.flatMap(({ text }) => text.split("\n")).map((line) => line.replace(/#.*/, "").trim());
  const inline = [...page.text.matchAll(/`(npm [^`\n]+)`/g)].map((match) => match[1] ?? "");
  return [...lines.flatMap((line) => line.split("&&")), ...inline].filter((command) => command.trim() !== "");
}

/** The files that a page links to, as paths from the top folder. */
function linksOf({ file, text }: Page): readonly string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return targets
    .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
    .map((target) => path.posix.join(path.posix.dirname(file), target.replace(/#.*/, "")));
}

/** The files and folders of the project that a page names without linking to them. */
function mentionsOf({ text }: Page): readonly string[] {
  const named = /(?<![\w./-])(?:src|adapters|playground|test|docs|\.ci)\/[\w./-]*[\w/]/g;
  return [...text.matchAll(named)].map(([name]) => name);
}

describe("the pages", () => {
  it.each(pages)("$file gives commands that there are", (page) => {
    expect(commandsOf(page).flatMap(impossible)).toEqual([]);
  });

  it.each(pages)("$file leads to files that there are", (page) => {
    const wanted = [...linksOf(page), ...mentionsOf(page)];
    expect(wanted.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  it("are read for commands, links and names", () => {
    for (const find of [commandsOf, linksOf, mentionsOf]) {
      expect(pages.flatMap((page) => find(page)).length, find.name).toBeGreaterThan(10);
    }
  });

  it("would be refused a script, a program, a link or a file that there isn't", () => {
    const text =
      "`npm run no-such`\n```sh\nnpm ci && npm startle\n./no-such.sh # says why\n```\n[x](no/such.md#a) src/no-such.ts\n";
    const page = { file: "docs/x.md", text };
    expect(commandsOf(page).flatMap(impossible)).toEqual([" npm startle", "./no-such.sh", "npm run no-such"]);
    expect(linksOf(page)).toEqual(["docs/no/such.md"]);
    expect(mentionsOf(page)).toEqual(["src/no-such.ts"]);
  });
});
