import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's top folder, as an absolute path. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What the tests of the tree's structure read: paths relative to the top, with forward slashes, to contents. */
export type Tree = ReadonlyMap<string, string>;

const skipped = new Set(["node_modules", "dist", "coverage", ".git"]);

/** Every TypeScript file below the named top-level folders; a folder that doesn't exist holds none. */
export function readSources(folders: readonly string[]): Tree {
  const files = folders.flatMap((folder) => walk(folder)).filter((file) => /\.[cm]?tsx?$/.test(file));
  return new Map(files.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));
}

/** True of files that stand beside the code but are not shipped: tests, type tests and what only they import. */
export function isTestFile(file: string): boolean {
  return /\.(test|type-test|test-helper)\.tsx?$/.test(file);
}

function walk(folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(path.join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : walk(file);
    return entry.isFile() ? [file] : [];
  });
}
