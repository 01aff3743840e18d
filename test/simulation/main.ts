/**
 * `npm run simulate -- [--seeds N] [--from N] [--seed N] [--trace] [--jobs N]`: simulates seeds, prints how often each fault met each phase,
 * and, for a seed that breaks a promise, the command that replays it. From 2,000 seeds on, too few steps or meetings are a failure too.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Coverage, type SeedReport } from "sluice/testing";
import { simulate } from "./simulate.ts";

/** From so many seeds on the counts must be met. */
const FULL = 2000;
const LEAST_STEPS = 1_000_000;
const LEAST_MEETINGS = 100;
/** Failing seeds that are shown in full. */
const SHOWN = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

const from = whole("seed" in values ? "seed" : "from", values.seed ?? values.from);
const seeds = values.seed === undefined ? whole("seeds", values.seeds) : 1;
process.exitCode = values.trace ? await trace() : await run();

function whole(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number, got ${JSON.stringify(text)}`);
  process.exit(2);
}

/** One seed, with every line of its trace. */
async function trace(): Promise<number> {
  const report = await simulate(from, (line) => console.log(line));
  console.log(`\nseed ${from}: ${report.opened} openings, trace ${report.hash}`);
  for (const { rule, message } of report.violations) console.error(`${rule}: ${message}`);
  return report.violations.length > 0 ? 1 : 0;
}

/** Many seeds, in as many processes as there are cores. */
async function run(): Promise<number> {
  const startedAt = performance.now();
  const coverage = new Coverage();
  const steps = { claims: 0, commits: 0, deliveries: 0 };
  const failed: SeedReport[] = [];
  let done = 0;
  await inChildren((report) => {
    done += 1;
    coverage.merge(report.coverage);
    for (const kind of ["claims", "commits", "deliveries"] as const) steps[kind] += report.steps[kind];
    if (report.violations.length > 0) {
      failed.push(report);
      if (failed.length <= SHOWN) show(report);
    }
    if (done % 100 === 0) console.log(`${done} of ${seeds} seeds`);
  });
  const total = steps.claims + steps.commits + steps.deliveries;
  console.log(`\nHow often each fault met each phase:\n\n${coverage.table()}\n`);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(
    `${done} seeds in ${seconds} s: ${total} steps (${steps.claims} claims, ${steps.commits} commits, ${steps.deliveries} deliveries), ${failed.length} seeds broke a promise`,
  );
  const numbers = failed.map(({ seed }) => seed).sort((one, other) => one - other);
  if (failed.length > SHOWN) console.log(`failing seeds: ${numbers.join(", ")}`);
  const short = seeds >= FULL ? shortOf(total, coverage) : [];
  for (const line of short) console.error(line);
  return failed.length > 0 || short.length > 0 || done < seeds ? 1 : 0;
}

/** What fell short of the counts. */
function shortOf(total: number, coverage: Coverage): string[] {
  const lines = coverage
    .unmet(LEAST_MEETINGS)
    .map(
      (pair) =>
        `${pair.fault} met ${pair.phase} ${coverage.count(pair)} times, of at least ${LEAST_MEETINGS}`,
    );
  if (total < LEAST_STEPS) lines.push(`${total} steps were taken, of at least ${LEAST_STEPS}`);
  return lines;
}

function show({ seed, violations, tail }: SeedReport): void {
  console.error(`\nseed ${seed} broke a promise`);
  for (const { rule, message } of violations) console.error(`  ${rule}: ${message}`);
  console.error(`the last steps:\n${tail.map((line) => `  ${line}`).join("\n")}`);
  console.error(`replay it with: npm run simulate -- --seed ${seed} --trace\n`);
}

/** Deals the seeds out one at a time, so that no process idles while another has a long one. */
async function inChildren(onReport: (report: SeedReport) => void): Promise<void> {
  const jobs = Math.max(1, Math.min(whole("jobs", values.jobs), seeds));
  let next = from;
  const end = from + seeds;
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const child = fork(fileURLToPath(new URL("./child.ts", import.meta.url)), {
        execArgv: process.execArgv,
      });
      await new Promise<void>((resolve) => {
        const deal = (): void => {
          if (next < end) child.send(next++);
          else child.disconnect();
        };
        child.on("message", (report) => {
          onReport(report as SeedReport);
          deal();
        });
        child.on("exit", () => resolve());
        deal();
      });
    }),
  );
}
