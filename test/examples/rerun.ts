/**
 * A settled run can be run again from a stage on: what came before is kept, so the expensive half isn't paid for twice. A fork does the same in a
 * new run, with other config if wanted, and leaves the old run as it is.
 */
import { createEngine, defineStage, defineWorkflow, RunFailedError } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

let isPrinterOn = false;

const render = defineStage({
  id: "render",
  name: "Render",
  schemas: { input: z.string(), output: z.string() },
  execute: ({ input }) => {
    console.log("  rendering, which takes hours");
    return { output: `${input}.pdf` };
  },
});
const print = defineStage({
  id: "print",
  name: "Print",
  schemas: {
    input: z.string(),
    output: z.string(),
    config: z.object({ paper: z.string().default("A4") }),
  },
  retry: { maxAttempts: 1 },
  execute: ({ input, config }) => {
    console.log("  printing");
    if (!isPrinterOn) throw new Error("the printer is off");
    return { output: `${input} on ${config.paper}` };
  },
});
const poster = defineWorkflow({ id: "poster", name: "Poster", input: z.string() })
  .pipe(render)
  .pipe(print)
  .build();

const engine = createEngine({ workflows: [poster], store: memoryStore() });
const run = await engine.start(poster, "fair");
try {
  await run.result();
} catch (error) {
  if (!(error instanceof RunFailedError)) throw error;
  console.log(`${error.record.stageId} failed: ${error.record.message}`);
}

isPrinterOn = true;
const { deletedStages } = await run.rerunFrom(print);
console.log("run again:", deletedStages.join(", "));
console.log(await run.result());

const large = await run.fork(print, { config: { print: { paper: "A1" } } });
console.log("a fork is a run of its own:", large.id !== run.id);
console.log(await large.result());
console.log("the first one still says:", await run.result());
for await (const { type, payload } of run.events()) {
  if (type === "workflow:failed" || type === "workflow:completed")
    console.log(`epoch ${payload.epoch}: ${type}`);
}
await engine.stop();

/* prints:
  rendering, which takes hours
  printing
print failed: the printer is off
run again: print
  printing
fair.pdf on A4
a fork is a run of its own: true
  printing
fair.pdf on A1
the first one still says: fair.pdf on A4
epoch 1: workflow:failed
epoch 2: workflow:completed
*/
