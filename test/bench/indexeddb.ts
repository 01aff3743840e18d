/**
 * IndexedDB in Chromium with everything on: bodies in pool workers, zod on both sides, an idempotency key a run, guards, epoch and tokens, all nine
 * events of a three-stage run journaled and delivered to one subscriber. Its peer is raw IndexedDB doing an engine's typical step, in the same page, in
 * alternating rounds; see `indexeddb/raw.worker.ts`.
 */
import { type Backend, backends } from "../browser/harness/backend.ts";
import { launchChromium, type TestBrowser } from "../browser/harness/launch.ts";
import { serve } from "../browser/harness/pages.ts";
import { remote } from "../browser/harness/remote.ts";
import type { BenchPage } from "./indexeddb/api.ts";
import { interleave, median, type Row, row } from "./measure.ts";

const ROUNDS = 9;
const RUNS = 2000;
const STEPS = 3 * RUNS;
const BATCH = 100;
const IN_FLIGHT = 200;
const SINGLES = 60;
const WORKERS = 2;
/** In each worker: together as many as there are runs. */
const SLOTS = 100;

/** `npm run bench -- indexeddb` */
export async function indexeddb(log: (line: string) => void): Promise<readonly Row[]> {
  const site = await serve({ bench: { folder: "test/bench/indexeddb", built: true } });
  try {
    const rows: Row[] = [];
    for (const backend of backends) {
      const browser = await launchChromium({ backend });
      try {
        log(`${browser.name} on ${backend}: ${ROUNDS} rounds of ${RUNS.toLocaleString("en")} runs`);
        rows.push(...(await measure(browser, backend, site.origin)));
      } finally {
        await browser.close();
      }
    }
    return rows;
  } finally {
    await site.close();
  }
}

async function measure(browser: TestBrowser, backend: Backend, origin: string): Promise<readonly Row[]> {
  const page = remote<BenchPage>(await browser.open(`${origin}/bench/`));
  await page.connect({ workers: WORKERS, slots: SLOTS });
  const { raw, sluice } = await interleave(ROUNDS, {
    raw: async () => perSecond(await page.raw({ transactions: STEPS / BATCH, steps: BATCH, reads: true })),
    sluice: async () => perSecond(await page.runs(RUNS, IN_FLIGHT)),
  });
  const { four, single } = await interleave(ROUNDS, {
    four: async () => median(await page.rawSingle(SINGLES)),
    single: async () => median(await page.single(SINGLES)),
  });
  const ran = await browser.backend(origin);
  if (ran !== backend) throw new Error(`Chromium ran on ${ran}, not on ${backend}`);
  const problems = browser.problems();
  if (problems.length > 0) throw new Error(`the page told of errors:\n${problems.join("\n")}`);
  return [
    row(`${backend}: raw steps a second, in batches of ${BATCH}`, raw, "steps/s"),
    row(`${backend}: stages a second, three-stage runs, everything on`, sluice, "stages/s"),
    row(`${backend}: stages to raw steps`, ratios(sluice, raw), "times", { atLeast: 1.1 }),
    row(`${backend}: four raw transactions in sequence (p50)`, four, "ms"),
    row(`${backend}: created to completed, one run at a time (p50)`, single, "ms"),
    row(`${backend}: a run to four raw transactions`, ratios(single, four), "times", { atMost: 1.6 }),
  ];
}

function perSecond(ms: number): number {
  return (STEPS / ms) * 1000;
}

/** Round by round: neighbours in time share whatever else the machine was doing. */
function ratios(figures: readonly number[], of: readonly number[]): number[] {
  return figures.map((figure, index) => figure / (of[index] ?? Number.NaN));
}
