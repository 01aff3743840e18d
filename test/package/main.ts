/**
 * Packs the package as `npm publish` would and uses it as a stranger does: `npm run check:package`.
 * Exits with 1 and says what is wrong if a linter, a consumer's compiler or Node can't use what was packed.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly source?: string }>>;
  readonly sideEffects: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;
const entries = Object.keys(manifest.exports)
  .filter((entry) => !entry.endsWith(".json"))
  .map((entry) => manifest.name + entry.slice(1));

const consumer = mkdtempSync(path.join(tmpdir(), "sluice-consumer-"));
try {
  const tarball = pack();
  step("publint", () => tool(root, "publint", "--strict", tarball));
  step("are the types wrong?", () => tool(root, "attw", tarball, "--profile", "esm-only", "--no-emoji"));
  install(tarball);
  step("contents", checkContents);
  step("types, module NodeNext", () => compile("NodeNext", "NodeNext"));
  step("types, module ESNext with a bundler", () => compile("ESNext", "Bundler"));
  step("import in Node", importEach);
} finally {
  rmSync(consumer, { recursive: true, force: true });
}

function pack(): string {
  run(root, "npm", ["pack", "--silent", "--pack-destination", consumer]);
  const tarball = readdirSync(consumer).find((file) => file.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack wrote no tarball");
  return path.join(consumer, tarball);
}

/** Unpacks the tarball beside links to the dependencies that it declares and to nothing else. */
function install(tarball: string): void {
  const modules = path.join(consumer, "node_modules");
  const target = path.join(modules, manifest.name);
  mkdirSync(target, { recursive: true });
  run(consumer, "tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = path.join(modules, name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(root, "node_modules", name), link, "junction");
  }
  writeFileSync(path.join(consumer, "package.json"), JSON.stringify({ name: "consumer", type: "module" }));
}

/** No tests inside, and every source map leads to a source that is inside. */
function checkContents(): void {
  const target = path.join(consumer, "node_modules", manifest.name);
  const files = readdirSync(target, { recursive: true, encoding: "utf8" });
  const wrong = files
    .filter((file) => /\.(test|type-test|test-helper)\./.test(file))
    .map((file) => `${file} is a test`);
  const maps = files.filter((file) => file.endsWith(".map"));
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(path.join(target, map), "utf8")) as { sources: string[] };
    for (const source of sources) {
      const found = path.join(target, path.dirname(map), source);
      if (!existsSync(found)) wrong.push(`${map} names ${source}, which is not packed`);
    }
  }
  if (maps.length === 0) wrong.push("there are no source maps");
  for (const file of ["LICENSE", "CHANGELOG.md"]) if (!files.includes(file)) wrong.push(`${file} is missing`);
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}

/** Compiles a program that imports every entry; the package's own declarations are checked with it. */
function compile(module: string, moduleResolution: string): void {
  const lines = entries.map((entry, index) => `import * as entry${index} from "${entry}";`);
  lines.push(
    `export const all: readonly object[] = [${entries.map((_, index) => `entry${index}`).join(", ")}];`,
  );
  writeFileSync(path.join(consumer, "consumer.ts"), lines.join("\n"));
  const compilerOptions = { strict: true, noEmit: true, target: "ES2023", lib: ["ES2023", "DOM"], types: [] };
  const config = {
    compilerOptions: { ...compilerOptions, module, moduleResolution },
    files: ["consumer.ts"],
  };
  writeFileSync(path.join(consumer, "tsconfig.json"), JSON.stringify(config));
  tool(consumer, "tsc", "-p", "tsconfig.json");
}

/** A worker's script is run by a browser, and not imported. */
function importEach(): void {
  const scripts = manifest.sideEffects.map((file) => file.replace(/^\.\/(dist\/)?|\.(ts|js)$/g, ""));
  const imported = entries.filter((entry) => {
    const { source = "" } = manifest.exports[`.${entry.slice(manifest.name.length)}`] ?? {};
    return !scripts.includes(source.replace(/^\.\/|\.ts$/g, ""));
  });
  if (imported.length === 0) throw new Error("no entry was imported");
  const program = imported.map(
    (entry) =>
      `if (Object.keys(await import("${entry}")).length === 0) throw new Error("${entry} is empty");`,
  );
  run(consumer, process.execPath, ["--input-type=module", "--eval", program.join("\n")]);
}

function step(name: string, check: () => void): void {
  try {
    check();
    console.log(`ok      ${name}`);
  } catch (error) {
    console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

function tool(cwd: string, name: string, ...args: string[]): void {
  run(cwd, path.join(root, "node_modules", ".bin", name), args);
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${path.basename(command)} exited with ${status}:\n${stdout}${stderr}`);
}
