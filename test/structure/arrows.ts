import path from "node:path";
import { isTestFile, type Tree } from "./files.ts";
import { importsOf } from "./imports.ts";

/** The fields of package.json that decide what may be imported by name. */
export interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly source: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The words that every room speaks. */
const words = ["model", "errors"];

const belowHosts = [...words, "ports", "kernel", "runner", "define"];

/** Which rooms a room may import besides itself. `entry` is a file directly in src that only re-exports. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  errors: ["model"],
  ports: words,
  define: [...words, "ports"],
  kernel: [...words, "ports"],
  runner: [...words, "ports", "kernel", "define"],
  hosts: belowHosts,
  client: [...belowHosts, "hosts"],
  react: [...belowHosts, "hosts", "client"],
  testing: [...belowHosts, "hosts", "client"],
  entry: [...belowHosts, "hosts", "client"],
  adapters: [...words, "ports"],
};

/** Where the platform is known to be Node, so that `node:` modules may be imported. */
const nodeOnly = /^src\/hosts\/node[/.]/;

/** What stores that keep rows in memory share; it knows none of them. */
const workingSet = "adapters/tables";

/** The one ready-made entry in which a host and its stores come together. */
const assembled = "src/hosts/browser/kernel-worker.ts";

/** Folders that use the package as its users do: by its public names. */
const outsiders = new Set(["playground", "docs"]);

/**
 * Checks every import of every file against the architecture.
 *
 * @returns one line for each wrong arrow, `file:line imports "specifier": why`; empty if all is well
 */
export function wrongArrows(tree: Tree, manifest: Manifest): string[] {
  const wrong: string[] = [];
  for (const [file, text] of tree) {
    for (const { specifier, line } of importsOf(file, text)) {
      const why = objection(file, specifier, manifest);
      if (why !== undefined) wrong.push(`${file}:${line} imports "${specifier}": ${why}`);
    }
  }
  return wrong;
}

function objection(file: string, specifier: string, manifest: Manifest): string | undefined {
  const top = topFolder(file);
  if (specifier.startsWith("/") || specifier.startsWith("file:"))
    return "absolute paths exist on one machine only";
  if (outsiders.has(top)) return objectionOutside(top, file, specifier);
  if (top !== "src" && top !== "adapters") return undefined;

  const target = targetFile(file, specifier, manifest);
  if (isTestFile(file)) {
    const folder = target === undefined ? undefined : topFolder(target);
    return folder !== undefined && outsiders.has(folder)
      ? `tests of ${top} don't know the ${folder}`
      : undefined;
  }
  if (target === undefined) return objectionToPackage(file, specifier, manifest);
  if (isTestFile(target)) return "shipped code doesn't import tests";

  const from = roomOf(file);
  const to = roomOf(target);
  if (from === undefined || to === undefined)
    return `${from === undefined ? file : target} is in no known room`;
  if (from === "adapters" && to === "adapters") {
    const folder = folderOf(target, 2);
    if (folder !== workingSet && folder !== folderOf(file, 2))
      return `adapters don't import each other, but for ${workingSet}`;
  }
  if (file === assembled && to === "adapters") return undefined;
  if (from === to || allowed[from]?.includes(to)) return undefined;
  const may = allowed[from] ?? [];
  return `${from} may import ${may.length > 0 ? may.join(", ") : "nothing"}, not ${to}`;
}

function objectionOutside(top: string, file: string, specifier: string): string | undefined {
  // A test may read a page of the documentation, to hold something against it.
  if (!specifier.startsWith(".") || (isTestFile(file) && specifier.endsWith(".md"))) return undefined;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  return topFolder(target) === top ? undefined : `the ${top} imports the package by its public names only`;
}

function objectionToPackage(file: string, specifier: string, manifest: Manifest): string | undefined {
  if (specifier.startsWith("node:")) {
    return nodeOnly.test(file) ? undefined : "only the Node host may import Node's modules";
  }
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const installed = { ...manifest.dependencies, ...manifest.peerDependencies };
  return name in installed ? undefined : `${name} is not installed with the package`;
}

/** The file in this repository that an import leads to; undefined if it leads to another package. */
function targetFile(file: string, specifier: string, manifest: Manifest): string | undefined {
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  if (specifier !== manifest.name && !specifier.startsWith(`${manifest.name}/`)) return undefined;
  const entry = manifest.exports[`.${specifier.slice(manifest.name.length)}`];
  if (entry === undefined) return specifier;
  return path.posix.normalize(typeof entry === "string" ? entry : entry.source);
}

function roomOf(file: string): string | undefined {
  const [top, room, inner] = file.split("/");
  if (top === "adapters") return "adapters";
  if (top !== "src" || room === undefined) return undefined;
  const single = words.find((word) => room === `${word}.ts`);
  const name = single ?? (inner === undefined ? "entry" : room);
  return name in allowed ? name : undefined;
}

function topFolder(file: string): string {
  return folderOf(file, 1);
}

function folderOf(file: string, depth: number): string {
  return file.split("/").slice(0, depth).join("/");
}
