/**
 * A body that must wait returns what it waits for, and its slot is free. A run may sleep for months like this: it is a row with a due time, not a
 * timer in a process. It is woken by a signal, by a time, or by a check that asks an outside job whether it is done.
 */
import { createEngine, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

/** An outside service that works by itself and can only be asked. */
const press = {
  asked: 0,
  submit: (title: string) => `print job of ${title}`,
  isDone: () => ++press.asked >= 3,
};

const approve = defineStage({
  id: "approve",
  name: "Wait for the editor",
  schemas: { input: z.string(), output: z.string() },
  execute({ input, resumedBy }) {
    if (resumedBy?.kind !== "signal") return { suspended: true, state: null, signal: "approval" };
    return { output: `${input} ${z.string().parse(resumedBy.payload)}` };
  },
});
const print = defineStage({
  id: "print",
  name: "Wait for the press",
  schemas: { input: z.string(), output: z.string() },
  execute: ({ input }) => ({
    suspended: true,
    state: press.submit(input),
    // Milliseconds here; a press would be asked every some minutes, and given a day.
    pollConfig: { pollInterval: 5, maxWaitTime: 86_400_000 },
  }),
  checkCompletion: (job) =>
    press.isDone() ? { ready: true, output: `${String(job)}, done` } : { ready: false },
});
const publish = defineStage({
  id: "publish",
  name: "Wait for the date",
  schemas: { input: z.string(), output: z.string() },
  execute({ input, attempt, resumedBy, resumeState }) {
    if (resumedBy === undefined) {
      const nextPollAt = new Date(Date.now() + 20);
      return { suspended: true, state: { since: attempt }, pollConfig: { nextPollAt } };
    }
    const { since } = z.object({ since: z.number() }).parse(resumeState);
    return { output: `${input}; suspended in attempt ${since}, published in attempt ${attempt}` };
  },
});
const article = defineWorkflow({ id: "article", name: "Article", input: z.string() })
  .pipe(approve)
  .pipe(print)
  .pipe(publish)
  .build();

// One slot, and two runs wait: a suspended stage takes none.
const engine = createEngine({ workflows: [article], store: memoryStore(), concurrency: 1 });
const tides = await engine.start(article, "Tides");
const dunes = await engine.start(article, "Dunes");
for (const run of [tides, dunes]) {
  for await (const event of run.events()) if (event.type === "workflow:suspended") break;
  console.log(await run.status());
}

console.log("somebody waited for it:", await tides.signal("approval", "with cuts"));
console.log("cancelled:", await dunes.cancel("not this year"));
console.log(await tides.result());
console.log(`the press was asked ${press.asked} times`);
for await (const { type, payload } of tides.events()) {
  if (type === "stage:suspended") console.log(type, payload.stageId, payload.signal ?? "by time");
  if (type === "stage:started" && payload.resumed) console.log(type, payload.stageId, "again");
}
await engine.stop();

/* prints:
SUSPENDED
SUSPENDED
somebody waited for it: true
cancelled: true
print job of Tides with cuts, done; suspended in attempt 1, published in attempt 2
the press was asked 3 times
stage:suspended approve approval
stage:started approve again
stage:suspended print by time
stage:suspended publish by time
stage:started publish again
*/
