/**
 * What a body tells while it works. Progress reaches listeners live and enters the run's events with the attempt's end, as annotations do. Log lines
 * are kept apart from them, by run, stage and attempt.
 */
import { createEngine, defineStage, defineWorkflow, type RunProgress } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

let begin = (): void => undefined;
const listening = new Promise<void>((resolve) => {
  begin = resolve;
});

const climb = defineStage({
  id: "climb",
  name: "Climb",
  schemas: { input: z.number(), output: z.string() },
  async execute(ctx) {
    await listening;
    for (let camp = 1; camp <= ctx.input; camp += 1) {
      ctx.onProgress({ progress: camp / ctx.input, message: `camp ${camp}` });
      ctx.log("INFO", "reached a camp", { camp });
      if (camp === 3) ctx.log("WARN", "the weather turns");
    }
    ctx.annotate("summit", { metres: 2962 });
    return { output: "up" };
  },
});
const ascent = defineWorkflow({ id: "ascent", name: "Ascent", input: z.number() }).pipe(climb).build();

const engine = createEngine({ workflows: [ascent], store: memoryStore() });
const run = await engine.start(ascent, 4, { annotations: { team: "red" } });
const live: RunProgress[] = [];
const stopListening = run.progress((report) => live.push(report));
begin();
console.log(await run.result());
stopListening();

// Reports in quick succession are coalesced; the last one always comes.
console.log("live, at last:", live.at(-1)?.message, live.at(-1)?.progress);

for await (const { sequence, type, payload } of run.events()) {
  if (type === "stage:progress") console.log(sequence, type, payload.message, payload.progress);
  if (type === "annotation:created") console.log(sequence, type, payload.name, JSON.stringify(payload.value));
}
for (const level of ["INFO", "WARN"] as const) {
  const batches = await engine.logs({ runId: run.id, level });
  const lines = batches.flatMap((batch) => batch.lines);
  console.log(
    `${level} and worse:`,
    lines.map(({ message, meta }) => message + (meta ? JSON.stringify(meta) : "")).join("; "),
  );
}
await engine.stop();

/* prints:
up
live, at last: camp 4 1
2 annotation:created team "red"
5 stage:progress camp 1 0.25
6 stage:progress camp 2 0.5
7 stage:progress camp 3 0.75
8 stage:progress camp 4 1
9 annotation:created summit {"metres":2962}
INFO and worse: reached a camp{"camp":1}; reached a camp{"camp":2}; reached a camp{"camp":3}; the weather turns; reached a camp{"camp":4}
WARN and worse: the weather turns
*/
