/**
 * The memory store with everything on: bodies in process, zod on both sides, an idempotency key a run, guards and tokens, all nine events of a
 * three-stage run journaled and delivered to one subscriber.
 */
import { createEngine, createEventSink, defineStage, defineWorkflow, type Engine } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";
import { interleave, median, type Row, row, seconds } from "./measure.ts";

const Value = z.object({ n: z.number() });
const trivial = (id: string) =>
  defineStage({
    id,
    name: id,
    schemas: { input: Value, output: Value, config: z.object({ step: z.number().default(1) }) },
    execute: ({ input, config }) => ({ output: { n: input.n + config.step } }),
  });

const three = defineWorkflow({ id: "three", name: "Three stages", input: Value })
  .pipe(trivial("one"))
  .pipe(trivial("two"))
  .pipe(trivial("three"))
  .build();

const wideOf = (width: number) =>
  defineWorkflow({ id: `wide-${width}`, name: `${width} wide`, input: Value })
    .parallel(Array.from({ length: width }, (_, index) => trivial(`item-${index}`)))
    .build();
const narrow = wideOf(100);
const wide = wideOf(10_000);

const ROUNDS = 9;
const RUNS = 3000;
const IN_FLIGHT = 64;
/** More than are in flight: a finished run's slot is free a few turns after its result is known. */
const SLOTS = 128;
const HISTORY = 100_000;

interface Bench {
  readonly engine: Engine;
  readonly delivered: () => number;
}

function engineWith(): Bench {
  let delivered = 0;
  const eventSink = createEventSink([{ name: "bench", handle: () => void (delivered += 1) }]);
  const engine = createEngine({
    workflows: [three, narrow, wide],
    store: memoryStore(),
    eventSink,
    concurrency: SLOTS,
  });
  return { engine, delivered: () => delivered };
}

let keys = 0;

/** Runs `count` three-stage runs, at most `IN_FLIGHT` at a time. Answers stages a second. */
async function runs({ engine, delivered }: Bench, count: number): Promise<number> {
  const before = delivered();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      keys += 1;
      const handle = await engine.start(three, { n: 0 }, { idempotencyKey: `run-${keys}` });
      const { n } = await handle.result();
      if (n !== 3) throw new Error(`a run gave ${n} instead of 3`);
    }
  };
  const took = await seconds(async () => {
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    while (delivered() - before < count * 9) await new Promise((resolve) => setImmediate(resolve));
  });
  return (count * 3) / took;
}

/** The same bodies and schemas without an engine: what nothing durable at all would cost. */
async function bare(count: number): Promise<number> {
  const stages = [...three.stages.values()];
  const took = await seconds(async () => {
    for (let run = 0; run < count; run += 1) {
      let value: unknown = { n: 0 };
      for (const { schemas } of stages) {
        const input = Value.parse(value);
        const config = (schemas.config as z.ZodType<{ step: number }>).parse({});
        value = await Promise.resolve(Value.parse({ n: input.n + config.step }));
      }
    }
  });
  return (count * 3) / took;
}

/** Microseconds an item of one run at a time, `items` items in all. */
async function perItem({ engine }: Bench, workflow: typeof narrow, items: number): Promise<number> {
  const width = workflow.graph.stages.length;
  const took = await seconds(async () => {
    for (let done = 0; done < items; done += width) {
      keys += 1;
      await (await engine.start(workflow, { n: 0 }, { idempotencyKey: `wide-${keys}` })).result();
    }
  });
  return (took / items) * 1e6;
}

/** `npm run bench -- memory` */
export async function memory(log: (line: string) => void): Promise<readonly Row[]> {
  const fresh = engineWith();
  // Before the other store is filled: its half a gigabyte of finished runs would be marked in each of this one's rounds too.
  const { plain, limit } = await interleave(ROUNDS, {
    plain: () => runs(fresh, RUNS),
    limit: () => bare(RUNS),
  });
  const old = engineWith();
  log(`filling a store with ${HISTORY.toLocaleString("en")} finished runs`);
  await runs(old, HISTORY);
  const { empty, history } = await interleave(ROUNDS, {
    empty: () => runs(fresh, RUNS),
    history: () => runs(old, RUNS),
  });
  const widths = await interleave(ROUNDS, {
    narrow: () => perItem(fresh, narrow, 10_000),
    wide: () => perItem(fresh, wide, 10_000),
  });
  const latencies: number[] = [];
  for (let run = 0; run < 300; run += 1) {
    latencies.push((await seconds(() => runs(fresh, 1))) * 1000);
  }
  await Promise.all([fresh.engine.destroy(), old.engine.destroy()]);
  return [
    row("stages a second, three-stage runs, everything on", plain, "stages/s", { atLeast: 25_000 }),
    row(
      `the same with ${HISTORY.toLocaleString("en")} finished runs, of the empty store's`,
      history.map((figure, index) => figure / (empty[index] ?? Number.NaN)),
      "times",
      { atLeast: 0.9 },
    ),
    row("schemas and bodies alone, without an engine", limit, "stages/s"),
    row(
      "cost an item, 10,000 wide, of 100 wide",
      widths.wide.map((figure, index) => figure / (widths.narrow[index] ?? Number.NaN)),
      "times",
      { atMost: 1.5 },
    ),
    row("cost an item, 10,000 wide", widths.wide, "µs"),
    row("created to completed and delivered, one run at a time (p50)", [median(latencies)], "ms"),
  ];
}
