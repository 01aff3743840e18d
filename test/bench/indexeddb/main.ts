import { definePlugin } from "sluice";
import { type BrowserEngine, connectEngine } from "sluice/browser";
import type { BenchPage, RawWork } from "./api.ts";
import { three } from "./pipeline.ts";

/** The events of one run: created, started, three stages started and completed, completed. */
const EVENTS = 9;

const raw = new Worker(new URL("./raw.worker.ts", import.meta.url), { type: "module" });
const rawDone = (work: RawWork): Promise<number> =>
  new Promise((resolve, reject) => {
    raw.onerror = ({ message }) => reject(new Error(message));
    raw.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    raw.postMessage(work);
  });

let delivered = 0;
let onDelivered = (): void => undefined;
const count = (): void => {
  delivered += 1;
  onDelivered();
};
const plugin = definePlugin({
  name: "bench",
  handlers: {
    "workflow:created": count,
    "workflow:started": count,
    "stage:started": count,
    "stage:completed": count,
    "workflow:completed": count,
  },
});

let engine: BrowserEngine | undefined;
let keys = 0;

async function oneRun(): Promise<void> {
  if (engine === undefined) throw new Error("not connected");
  keys += 1;
  const handle = await engine.start(three, { n: 0 }, { idempotencyKey: `run-${keys}` });
  const { n } = await handle.result();
  if (n !== 3) throw new Error(`a run gave ${n} instead of 3`);
}

function deliveredUpTo(events: number): Promise<void> {
  return new Promise((resolve) => {
    onDelivered = () => {
      if (delivered >= events) resolve();
    };
    onDelivered();
  });
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await action();
  return performance.now() - from;
}

async function repeated(times: number, action: () => Promise<number>): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let time = 0; time < times; time += 1) figures.push(await action());
  return figures;
}

const page: BenchPage = {
  async connect({ workers, slots }) {
    engine = await connectEngine({
      stages: () => new Worker(new URL("./stages.ts", import.meta.url), { type: "module" }),
      database: "bench",
      plugins: [plugin],
      workers,
      slots,
    });
  },
  raw: rawDone,
  async runs(count, inFlight) {
    const goal = delivered + count * EVENTS;
    let left = count;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await oneRun();
      }
    };
    return timed(async () => {
      await Promise.all(Array.from({ length: inFlight }, lane));
      await deliveredUpTo(goal);
    });
  },
  single: (count) => repeated(count, () => timed(oneRun)),
  rawSingle: (count) => repeated(count, () => rawDone({ transactions: 4, steps: 1, reads: false })),
};
Object.assign(globalThis, { offered: page });
