import { defineStage, defineWorkflow } from "sluice";
import * as z from "zod";

const Value = z.object({ n: z.number() });
const trivial = (id: string) =>
  defineStage({
    id,
    name: id,
    schemas: { input: Value, output: Value, config: z.object({ step: z.number().default(1) }) },
    execute: ({ input, config }) => ({ output: { n: input.n + config.step } }),
  });

export const three = defineWorkflow({ id: "three", name: "Three stages", input: Value })
  .pipe(trivial("one"))
  .pipe(trivial("two"))
  .pipe(trivial("three"))
  .build();
