import { defineStage, defineWorkflow } from "sluice";
import * as z from "zod";

const Receipt = z.object({ csv: z.instanceof(Blob) });
const Lines = z.array(z.object({ item: z.string(), cents: z.number() }));

const read = defineStage({
  id: "read-lines",
  name: "Read lines",
  schemas: { input: Receipt, output: Lines },
  async execute({ input }) {
    const rows = (await input.csv.text()).trim().split("\n");
    return {
      output: rows.map((row) => {
        const [item = "", price = ""] = row.split(",");
        return { item, cents: Math.round(Number(price) * 100) };
      }),
    };
  },
});

const sum = defineStage({
  id: "sum",
  name: "Sum",
  schemas: { input: Lines, output: z.number() },
  execute: ({ input }) => ({ output: input.reduce((total, { cents }) => total + cents, 0) }),
});

const dearest = defineStage({
  id: "dearest",
  name: "Dearest item",
  schemas: { input: Lines, output: z.string() },
  execute({ input }) {
    const [first] = [...input].sort((a, b) => b.cents - a.cents);
    return { output: first?.item ?? "nothing" };
  },
});

const summarize = defineStage({
  id: "summarize",
  name: "Summarize",
  schemas: { input: "none", output: z.string() },
  dependencies: [sum, dearest],
  execute: (ctx) => ({
    output: `${(ctx.require("sum") / 100).toFixed(2)} in all, most of it for ${ctx.require("dearest")}`,
  }),
});

/** `read lines -> (sum | dearest item) -> summarize` */
export const pipeline = defineWorkflow({ id: "receipts", name: "Receipts", input: Receipt })
  .pipe(read)
  .parallel([sum, dearest])
  .pipe(summarize)
  .build();
