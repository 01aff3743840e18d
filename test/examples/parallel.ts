/**
 * Parallel stages start together, each with the output of the stage before, and the stage after them starts when all are done. It is given their
 * outputs by stage id, typed; `ctx.require` reads any stage in `dependencies`, and `ctx.optional` one that may have skipped itself.
 */
import { createEngine, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

const split = defineStage({
  id: "split",
  name: "Split into words",
  schemas: { input: z.object({ text: z.string() }), output: z.array(z.string()) },
  execute: ({ input }) => ({ output: input.text.split(" ") }),
});
const count = defineStage({
  id: "count",
  name: "Count",
  schemas: { input: z.array(z.string()), output: z.number() },
  execute: ({ input }) => ({ output: input.length }),
});
const longest = defineStage({
  id: "longest",
  name: "Longest word",
  schemas: { input: z.array(z.string()), output: z.object({ word: z.string() }) },
  execute: ({ input }) => ({ output: { word: input.toSorted((a, b) => b.length - a.length)[0] ?? "" } }),
});
const shout = defineStage({
  id: "shout",
  name: "Exclamations",
  schemas: { input: z.array(z.string()), output: z.array(z.string()) },
  execute: ({ input }) => {
    const found = input.filter((word) => word.endsWith("!"));
    return found.length > 0 ? { output: found } : { skipped: true, reason: "nobody shouts" };
  },
});
const report = defineStage({
  id: "report",
  name: "Report",
  dependencies: [split, count, longest, shout],
  schemas: { input: z.object({ count: z.number() }), output: z.string() },
  execute(ctx) {
    const first: string | undefined = ctx.require("split")[0];
    const { word } = ctx.require(longest);
    const loud = ctx.optional("shout")?.join(" ") ?? "nothing loud";
    return { output: `${ctx.input.count} words from "${first}", longest "${word}", ${loud}` };
  },
});

const analysis = defineWorkflow({ id: "analysis", name: "Analysis", input: z.object({ text: z.string() }) })
  .pipe(split)
  .parallel([count, longest, shout])
  .pipe(report)
  .build();
console.log("groups:", analysis.graph.groups.map((group) => group.join(" | ")).join(" → "));

const engine = createEngine({ workflows: [analysis], store: memoryStore() });
for (const text of ["we sail at dawn!", "nothing happened today"]) {
  const run = await engine.start(analysis, { text });
  console.log(await run.result());
}
await engine.stop();

/* prints:
groups: split → count | longest | shout → report
4 words from "we", longest "dawn!", dawn!
3 words from "nothing", longest "happened", nothing loud
*/
