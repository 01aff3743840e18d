/**
 * Several workers on one store share its queue. Each claims as many jobs as it has free slots, no job is claimed twice, and whoever waits for a run
 * needn't be the one who executes it. A worker that stops finishes what it has begun; the others do the rest.
 */
import { createEngine, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

let underWay = 0;
let go = (): void => undefined;
const fourAtOnce = new Promise<void>((resolve) => {
  go = resolve;
});

const load = defineStage({
  id: "load",
  name: "Load a van",
  schemas: { input: z.number(), output: z.string() },
  async execute({ input }) {
    underWay += 1;
    if (underWay === 4) go();
    // No van leaves before four are being loaded: one worker with its two slots would wait here for ever.
    await fourAtOnce;
    return { output: `van ${input}` };
  },
});
const vans = defineWorkflow({ id: "vans", name: "Vans", input: z.number() }).pipe(load).build();

const store = memoryStore();
const north = createEngine({ workflows: [vans], store, workerId: "north", concurrency: 2 });
const south = createEngine({ workflows: [vans], store, workerId: "south", concurrency: 2 });
const tell = async (): Promise<void> => {
  const loaded = new Map([
    ["north", 0],
    ["south", 0],
  ]);
  for (const { id } of (await south.runs()).rows) {
    for (const { type, payload } of await store.events({ run: id })) {
      if (type === "stage:started" && payload.worker)
        loaded.set(payload.worker, (loaded.get(payload.worker) ?? 0) + 1);
    }
  }
  console.log("loaded by", [...loaded].map(([name, count]) => `${name}: ${count}`).join(", "));
};

const runs = await Promise.all([1, 2, 3, 4].map((van) => north.start(vans, van)));
console.log((await Promise.all(runs.map((run) => run.result()))).join(", "));
await tell();

await north.stop();
const fifth = await south.start(vans, 5);
console.log(await fifth.result());
const first = await south.get(runs[0]?.id ?? "");
console.log("south finds what north has done:", await first?.result());
await tell();
await south.stop();

/* prints:
van 1, van 2, van 3, van 4
loaded by north: 2, south: 2
van 5
south finds what north has done: van 1
loaded by north: 2, south: 3
*/
