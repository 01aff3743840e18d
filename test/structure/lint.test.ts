import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./files.ts";

/** Lines that the linters must object to in the engine's core end in `// banned`; the others must pass. */
const impure = `
export const a = Date.now(); // banned
export const b = new Date(); // banned
export const c = Date(); // banned
export const d = { now: Date.now }; // banned
export const e = Date["now"](); // banned
const { now } = Date; // banned
export const f = Math.random(); // banned
const { random } = Math; // banned
export const g = setTimeout(() => {}, 1); // banned
export const h = setInterval; // banned
export const i = setImmediate(() => {}); // banned
export const j = performance.now(); // banned
export const k = crypto.randomUUID(); // banned
export const l = globalThis.setTimeout; // banned
export const m = new Date(5).getTime() + Date.parse("2020-01-01") + Math.max(1, 2);
export const n = (clock: { now(): number; setTimeout(): void }) => clock.now();
queueMicrotask(() => {});
export const o = [now, random];
`;

const careless = `
export async function work(): Promise<void> {}
export function start(): void {
  work(); // banned
  void work();
}
export const value: any = 1; // banned
`;

const places = [
  "src/model.ts",
  "src/errors.ts",
  "src/ports/x.ts",
  "src/kernel/commands/x.ts",
  "src/define/x.ts",
];
const elsewhere = ["src/runner/x.ts", "adapters/memory/x.ts", "src/kernel/x.test.ts", "playground/x.ts"];

describe("the linters", () => {
  let project: string;
  let complaints: ReadonlyMap<string, readonly number[]>;

  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), "sluice-lint-"));
    for (const file of [".oxlintrc.json", "biome.json", "tsconfig.base.json", "test/structure/pure.grit"]) {
      cpSync(path.join(root, file), path.join(project, file));
    }
    const tsconfig = { extends: "./tsconfig.base.json", compilerOptions: { noEmit: true }, include: ["src"] };
    write("tsconfig.json", JSON.stringify(tsconfig));
    for (const file of [...places, ...elsewhere]) write(file, impure);
    write("src/hosts/careless.ts", careless);
    complaints = lint(project);
  }, 60_000);

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it.each(places)("refuse time, timers and randomness in %s", (file) => {
    expect(complaints.get(file)).toEqual(bannedLines(impure));
  });

  it.each(elsewhere)("allow them in %s", (file) => {
    expect(complaints.get(file) ?? []).toEqual([]);
  });

  it("refuse floating promises and any", () => {
    expect(complaints.get("src/hosts/careless.ts")).toEqual(bannedLines(careless));
  });

  function write(file: string, text: string): void {
    const full = path.join(project, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
});

function bannedLines(text: string): number[] {
  return text.split("\n").flatMap((line, index) => (line.endsWith("// banned") ? [index + 1] : []));
}

/** The lines that each file's complaints are about, from both linters in their GitHub format. */
function lint(project: string): Map<string, number[]> {
  const lines = new Map<string, Set<number>>();
  const oxlint = run(project, "oxlint", ["--type-aware", "--format=github"]);
  const biome = run(project, "biome", [
    "lint",
    "--vcs-enabled=false",
    "--reporter=github",
    "--max-diagnostics=none",
  ]);
  for (const match of (oxlint + biome).matchAll(/^::\w+ .*?\bfile=([^,]+),.*?\bline=(\d+)/gm)) {
    const [, file = "", line = ""] = match;
    const name = path.relative(project, path.resolve(project, file)).split(path.sep).join("/");
    lines.set(name, (lines.get(name) ?? new Set()).add(Number(line)));
  }
  return new Map([...lines].map(([file, found]) => [file, [...found].sort((a, b) => a - b)]));
}

function run(cwd: string, tool: string, args: string[]): string {
  const bin = path.join(root, "node_modules", ".bin", tool);
  const { status, error, stdout, stderr } = spawnSync(bin, args, { cwd, encoding: "utf8" });
  if (error) throw error;
  // Both exit with 1 for "there are complaints", which is what the fixtures are for.
  if (status !== 1) throw new Error(`${tool} exited with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
