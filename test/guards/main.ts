/**
 * `npm run guards [-- NAME]`: takes out each guard, and each cure of a known mistake, one at a time in a copy of the tree, and sees the tests go
 * red. A guard whose removal no test notices is as good as gone, so it makes the exit status 1; so does one that can't be found any more.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutation, mutations } from "./mutations.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const COPIED = ["src", "adapters", "test", "playground", "docs", "package.json", "vite.config.ts"];
const CONFIGS = [
  "tsconfig.json",
  "tsconfig.base.json",
  "tsconfig.pure.json",
  "tsconfig.build.json",
  "README.md",
];

interface Finding {
  readonly mutation: Mutation;
  readonly verdict: "red" | "green" | "lost" | "broken";
  readonly detail: string;
}

/** A copy of the tree whose changes nobody sees; it shares the installed packages. */
async function copyTree(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "sluice-guards-"));
  for (const name of [...COPIED, ...CONFIGS])
    await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Runs the tests that ought to notice; answers how many failed, or null where they didn't run at all. */
function runTests(copy: string, tests: readonly string[]): Promise<{ failed: number | null; first: string }> {
  const report = join(copy, "report.json");
  return new Promise((resolve) => {
    const child = spawn(
      join(copy, "node_modules/.bin/vitest"),
      ["run", "--reporter=json", `--outputFile=${report}`, "--no-color", ...tests],
      { cwd: copy, stdio: "ignore", detached: true, env: { ...process.env, SLUICE_SIMULATION: "short" } },
    );
    // A mutant may loop for ever: that, too, would not go unnoticed in CI. The whole group, because the loop is in a child of the child.
    const patience = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, 180_000);
    child.on("close", (code, signal) => {
      clearTimeout(patience);
      if (signal === "SIGKILL") resolve({ failed: 1, first: "the tests did not end within three minutes" });
      else resolve(readReport(report, code));
    });
  });
}

function readReport(path: string, code: number | null): { failed: number | null; first: string } {
  try {
    const { numFailedTests, testResults } = JSON.parse(readFileSync(path, "utf8")) as {
      numFailedTests: number;
      testResults: { assertionResults: { status: string; fullName: string }[] }[];
    };
    const failing = testResults
      .flatMap((file) => file.assertionResults)
      .find(({ status }) => status === "failed");
    if (numFailedTests === 0 && code !== 0) return { failed: null, first: "no test ran" };
    return { failed: numFailedTests, first: failing?.fullName ?? "" };
  } catch (error) {
    return { failed: null, first: error instanceof Error ? error.message : String(error) };
  }
}

async function tryOut(copy: string, mutation: Mutation): Promise<Finding> {
  const path = join(copy, mutation.file);
  const source = await readFile(path, "utf8");
  const found = source.split(mutation.find).length - 1;
  if (found !== 1) {
    return {
      mutation,
      verdict: "lost",
      detail: `the guard's text stands ${found} times in ${mutation.file}`,
    };
  }
  await writeFile(
    path,
    source.replace(mutation.find, () => mutation.replace),
  );
  const { failed, first } = await runTests(copy, mutation.tests);
  await writeFile(path, source);
  if (failed === null) return { mutation, verdict: "broken", detail: first };
  return failed > 0
    ? { mutation, verdict: "red", detail: `${failed} red, such as: ${first}` }
    : { mutation, verdict: "green", detail: `no test of ${mutation.tests.join(", ")} noticed` };
}

const wanted = process.argv.slice(2);
const chosen = mutations.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
const queue = [...chosen];
const findings: Finding[] = [];
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), queue.length) }, async () => {
    const copy = await copyTree();
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const finding = await tryOut(copy, next);
      findings.push(finding);
      console.log(
        `${finding.verdict === "red" ? "✓" : "✗"} ${next.name}: ${finding.verdict} (${finding.detail})`,
      );
    }
    await rm(copy, { recursive: true, force: true });
  }),
);
const red = findings.filter(({ verdict }) => verdict === "red").length;
console.log(`\n${red} of ${chosen.length} guards are watched by a test`);
process.exitCode = chosen.length > 0 && red === chosen.length ? 0 : 1;
