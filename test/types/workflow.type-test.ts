/** What the builder infers, and refuses before `build()` would. Checked by `npm run types`; never run. */
import { expectTypeOf } from "vitest";
import * as z from "zod";
import {
  type AnyWorkflowBuilder,
  defineStage,
  defineWorkflow,
  type Stage,
  type Workflow,
  WorkflowBuilder,
} from "../../src/define/index.ts";

const Text = z.object({ text: z.string() });
const extract = defineStage({
  id: "extract",
  name: "Extract",
  schemas: { input: z.object({ file: z.string() }), output: Text },
  execute: () => ({ output: { text: "" } }),
});
const sentiment = defineStage({
  id: "sentiment",
  name: "Sentiment",
  schemas: { input: Text, output: z.object({ score: z.number() }) },
  execute: () => ({ output: { score: 1 } }),
});
const keywords = defineStage({
  id: "keywords",
  name: "Keywords",
  schemas: {
    input: z.object({ text: z.string(), lang: z.string().optional() }),
    output: z.array(z.string()),
  },
  execute: () => ({ output: [] }),
});
const aggregate = defineStage({
  id: "aggregate",
  name: "Aggregate",
  schemas: {
    input: z.object({ sentiment: z.object({ score: z.number() }), keywords: z.array(z.string()) }),
    output: z.object({ summary: z.string() }),
  },
  dependencies: [sentiment, "extract"],
  execute: () => ({ output: { summary: "" } }),
});
const anything = defineStage({
  id: "anything",
  name: "Anything",
  schemas: { input: "none", output: z.number() },
  execute: () => ({ output: 1 }),
});
const anyObject = defineStage({
  id: "any-object",
  name: "Any object",
  schemas: { input: z.object({}), output: z.number() },
  execute: () => ({ output: 1 }),
});

const Input = z.object({ file: z.string().default("a.txt") });
const base = defineWorkflow({ id: "doc", name: "Doc", input: Input });

// Inference through pipe and parallel; a run is started with what the schema accepts.
const group = base.pipe(extract).parallel([sentiment, keywords]);
expectTypeOf(group).toEqualTypeOf<
  WorkflowBuilder<
    { file?: string | undefined },
    { sentiment: { score: number }; keywords: string[] },
    "extract" | "sentiment" | "keywords"
  >
>();
expectTypeOf(group.pipe(aggregate).build()).toEqualTypeOf<
  Workflow<{ file?: string | undefined }, { summary: string }>
>();
expectTypeOf(group.build()).toEqualTypeOf<
  Workflow<{ file?: string | undefined }, { sentiment: { score: number }; keywords: string[] }>
>();

// The same by position, with an output schema.
const Summary = z.object({ summary: z.string().transform((text) => text.length) });
const byPosition = new WorkflowBuilder("doc", "Doc", undefined, Input, Summary);
expectTypeOf(byPosition.pipe(extract).parallel([sentiment, keywords]).pipe(aggregate).build()).toEqualTypeOf<
  Workflow<{ file?: string | undefined }, { summary: number }>
>();
const byName = defineWorkflow({ id: "doc", name: "Doc", input: Input, output: Summary });
expectTypeOf(byName).toEqualTypeOf(byPosition);
// @ts-expect-error the output schema doesn't accept the last output
byName.pipe(extract).build();
// @ts-expect-error the output schema doesn't accept the last output
byPosition.pipe(extract).build();

// A workflow of known types stands in for one of unknown types.
expectTypeOf(group.build()).toExtend<Workflow>();

// @ts-expect-error there are no stages
base.build();

// What fits nowhere else fits with "none", and z.object({}) takes, and strips, any object.
base.pipe(extract).pipe(anything);
group.pipe(anything);
base.pipe(extract).pipe(anyObject);
// @ts-expect-error but no number
base.pipe(anything).pipe(anyObject);

// @ts-expect-error the workflow's input has no text
base.pipe(sentiment);
// @ts-expect-error the output before has no text
base.pipe(extract).pipe(sentiment).pipe(keywords);
base
  .pipe(extract)
  // @ts-expect-error one stage of the group doesn't accept what comes before
  .parallel([sentiment, aggregate]);
// @ts-expect-error after a group the input is an object by stage id
group.pipe(defineStage({ ...sentimentLike("again"), execute: () => ({ output: 1 }) }));
function sentimentLike<const Id extends string>(id: Id) {
  return { id, name: "Again", schemas: { input: Text, output: z.number() } };
}

// @ts-expect-error an id twice in the pipe
base.pipe(anything).pipe(anything);
// @ts-expect-error an id twice, over a group
base.parallel([anything, extract]).pipe(anything);
// @ts-expect-error an id twice in a group
base.parallel([anything, anything]);

// @ts-expect-error "sentiment" is not before it
base.pipe(extract).pipe(defineStage({ ...needs, dependencies: [sentiment] }));
// @ts-expect-error nor is "nope"
base.pipe(extract).pipe(defineStage({ ...needs, dependencies: ["nope"] }));
// @ts-expect-error a sibling is not before it either
base.pipe(extract).parallel([sentiment, defineStage({ ...needs, dependencies: [sentiment] })]);
base.pipe(extract).pipe(defineStage({ ...needs, dependencies: [extract, "extract"] }));
declare const needs: {
  id: "needs";
  name: string;
  schemas: { input: "none"; output: typeof Text };
  execute: () => { output: { text: string } };
};

// @ts-expect-error not a stage
base.pipe({ id: "plain" });
// @ts-expect-error a builder is no stage
base.pipe(base);
// @ts-expect-error parallel takes an array
base.parallel(anything, extract);
// @ts-expect-error parallel takes one or more
base.parallel([]);
// A group of one gives an object by stage id like any other.
expectTypeOf(base.parallel([anything]).build()).toEqualTypeOf<
  Workflow<{ file?: string | undefined }, { anything: number }>
>();

// An array of which only the element is known: a record, and the ids are checked at build().
const part = (n: number) =>
  defineStage({
    id: `part-${n}`,
    name: `Part ${n}`,
    schemas: { input: Text, output: z.number() },
    execute: () => ({ output: n }),
  });
const parts = Array.from({ length: 10_000 }, (_, n) => part(n));
const wide = base.pipe(extract).parallel(parts);
expectTypeOf(wide).toEqualTypeOf<
  WorkflowBuilder<{ file?: string | undefined }, Record<string, number>, string>
>();
const sum = defineStage({
  id: "sum",
  name: "Sum",
  schemas: { input: z.record(z.string(), z.number()), output: z.number() },
  dependencies: ["part-1"],
  execute: () => ({ output: 1 }),
});
expectTypeOf(wide.pipe(sum).build()).toEqualTypeOf<Workflow<{ file?: string | undefined }, number>>();
// @ts-expect-error no stage of the array accepts a number
base.pipe(anything).parallel(parts);

// Ids of one pattern may differ: not taken for a repetition.
base.pipe(extract).parallel([part(1), part(2)]);

// Stages that are known at run-time only.
declare const stages: readonly Stage[];
let dynamic: AnyWorkflowBuilder = base;
for (const stage of stages) dynamic = dynamic.pipe(stage);
dynamic = dynamic.parallel(stages);
dynamic = byPosition;
expectTypeOf(dynamic.build()).toEqualTypeOf<Workflow>();
expectTypeOf([extract, sentiment, aggregate]).toExtend<readonly Stage[]>();
