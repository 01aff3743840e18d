/** The project's pages, and what stands in them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./program.test-helper.ts";

/** A page: its path from the top folder, with forward slashes, and its text. */
export interface Page {
  readonly file: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface Block {
  /** What stands behind the opening fence; empty for none. */
  readonly language: string;
  /** Its lines, each with its end. */
  readonly text: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
}

/** README, CONTRIBUTING and everything in `docs`. */
export function readPages(): readonly Page[] {
  const below = readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file.replaceAll(path.sep, "/")}`);
  return ["README.md", "CONTRIBUTING.md", ...below.toSorted()].map((file) => ({
    file,
    text: readFileSync(path.join(root, file), "utf8"),
  }));
}

/** The fenced blocks of a page, in order. @throws Error for one that isn't closed */
export function blocksOf({ file, text }: Page): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; lines: string[]; line: number } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) open?.lines.push(`${line}\n`);
    else if (open === null) open = { language: fence[1]?.trim() ?? "", lines: [], line: index + 1 };
    else {
      blocks.push({ language: open.language, text: open.lines.join(""), line: open.line });
      open = null;
    }
  }
  if (open !== null) throw new Error(`${file}:${open.line}: this block is not closed`);
  return blocks;
}
