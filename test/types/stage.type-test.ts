/** What `defineStage` infers, and refuses. Checked by `npm run types`; never run. */
import { expectTypeOf } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import {
  defineStage,
  type ResumedBy,
  type Stage,
  type StageContext,
  type StageInput,
  type StageOutput,
} from "../../src/define/index.ts";

const extract = defineStage({
  id: "extract-text",
  name: "Extract text",
  schemas: {
    input: z.object({ file: z.instanceof(Blob), lang: z.string().default("en") }),
    output: z.object({ text: z.string(), words: z.string().transform(Number) }),
    config: z.object({ maxBytes: z.number().default(1024) }),
  },
  async execute(ctx) {
    // Input and config as the schemas give them, defaults filled in.
    expectTypeOf(ctx.input).toEqualTypeOf<{ file: Blob; lang: string }>();
    expectTypeOf(ctx.config).toEqualTypeOf<{ maxBytes: number }>();
    expectTypeOf(ctx.attempt).toEqualTypeOf<number>();
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(ctx.runId).toEqualTypeOf<string>();
    expectTypeOf(ctx.stageId).toEqualTypeOf<string>();
    expectTypeOf(ctx.idempotencyKey).toEqualTypeOf<string>();
    expectTypeOf(ctx.resumeState).toEqualTypeOf<unknown>();
    expectTypeOf(ctx.resumedBy).toEqualTypeOf<ResumedBy | undefined>();
    expectTypeOf(ctx.storage.get("page", { stage: "other" })).toEqualTypeOf<Promise<Blob | null>>();
    ctx.log("INFO", "reading", { bytes: ctx.input.file.size });
    // @ts-expect-error levels are upper case
    ctx.log("info", "reading");
    ctx.onProgress({ progress: 0.5, message: "half way" });
    // @ts-expect-error progress is a number
    ctx.onProgress({ progress: "half" });
    // Without declared dependencies any earlier stage may be asked for by id.
    expectTypeOf(ctx.require("anything")).toEqualTypeOf<unknown>();
    expectTypeOf(ctx.optional("anything")).toEqualTypeOf<unknown>();
    // The output as the schema accepts it.
    return { output: { text: await ctx.input.file.text(), words: "12" } };
  },
});

// What others see: accepted input, given output, and the config that a run may be started with.
expectTypeOf(extract).toEqualTypeOf<
  Stage<
    "extract-text",
    { file: Blob; lang?: string | undefined },
    { text: string; words: number },
    { maxBytes?: number | undefined },
    never
  >
>();
expectTypeOf<StageInput<typeof extract>>().toEqualTypeOf<{ file: Blob; lang?: string | undefined }>();
expectTypeOf<StageOutput<typeof extract>>().toEqualTypeOf<{ text: string; words: number }>();
expectTypeOf(extract.id).toEqualTypeOf<"extract-text">();
expectTypeOf(extract).toExtend<Stage>();

const sentiment = defineStage({
  id: "sentiment-analysis",
  name: "Sentiment",
  schemas: { input: mini.object({ text: mini.string() }), output: mini.object({ score: mini.number() }) },
  execute(ctx) {
    expectTypeOf(ctx.input).toEqualTypeOf<{ text: string }>();
    // The stage itself is typed, declared or not.
    expectTypeOf(ctx.require(extract)).toEqualTypeOf<{ text: string; words: number }>();
    expectTypeOf(ctx.optional(extract)).toEqualTypeOf<{ text: string; words: number } | undefined>();
    return { output: { score: 1 } };
  },
});

const aggregate = defineStage({
  id: "aggregate",
  name: "Aggregate",
  schemas: { input: "none", output: z.string() },
  dependencies: [sentiment, extract, "by-id"],
  execute(ctx) {
    expectTypeOf(ctx.input).toEqualTypeOf<undefined>();
    expectTypeOf(ctx.require("sentiment-analysis")).toEqualTypeOf<{ score: number }>();
    expectTypeOf(ctx.require(sentiment)).toEqualTypeOf<{ score: number }>();
    expectTypeOf(ctx.require("extract-text").words).toEqualTypeOf<number>();
    expectTypeOf(ctx.require("by-id")).toEqualTypeOf<unknown>();
    expectTypeOf(ctx.optional("sentiment-analysis")).toEqualTypeOf<{ score: number } | undefined>();
    // @ts-expect-error not among the dependencies
    ctx.require("keywords");
    // @ts-expect-error not among the dependencies
    ctx.optional("keywords");
    // @ts-expect-error not among the dependencies
    ctx.require(aggregateLater);
    return { output: "" };
  },
  checkCompletion(state, ctx) {
    expectTypeOf(state).toEqualTypeOf<unknown>();
    expectTypeOf(ctx.require("sentiment-analysis").score).toEqualTypeOf<number>();
    return { ready: ctx.attempt > 1, output: "done", nextCheckIn: 500 };
  },
});
declare const aggregateLater: Stage<"later", unknown, number>;

expectTypeOf(aggregate).toEqualTypeOf<
  Stage<"aggregate", unknown, string, Record<string, never>, "sentiment-analysis" | "extract-text" | "by-id">
>();

// No dependencies at all: nothing may be asked for.
defineStage({
  id: "alone",
  name: "Alone",
  schemas: { input: "none", output: z.string() },
  dependencies: [],
  execute(ctx) {
    // @ts-expect-error nothing is loaded
    ctx.require("extract-text");
    return { output: "" };
  },
});

// Dependencies that are known at run-time only: any id, unknown.
declare const some: readonly Stage[];
declare const ids: readonly string[];
defineStage({
  id: "dynamic",
  name: "Dynamic",
  schemas: { input: "none", output: z.string() },
  dependencies: some,
  execute(ctx) {
    expectTypeOf(ctx.require("any")).toEqualTypeOf<unknown>();
    return { output: "" };
  },
});
const byIds = defineStage({
  id: "by-ids",
  name: "By ids",
  schemas: { input: "none", output: z.string() },
  dependencies: ids,
  execute(ctx) {
    expectTypeOf(ctx.require("any")).toEqualTypeOf<unknown>();
    return { output: "" };
  },
});
expectTypeOf(byIds).toEqualTypeOf<Stage<"by-ids", unknown, string, Record<string, never>>>();

// Every way to end.
defineStage({
  id: "ends",
  name: "Ends",
  schemas: { input: z.object({ n: z.number() }), output: z.string() },
  execute(ctx) {
    switch (ctx.input.n) {
      case 0:
        return { skipped: true, reason: "nothing to do" };
      case 1:
        return { skipped: true };
      case 2:
        return { suspended: true, state: { job: 1 }, signal: "approved" };
      case 3:
        return { suspended: true, state: null, pollConfig: { pollInterval: 1000, maxWaitTime: 60_000 } };
      case 4:
        return { suspended: true, state: null, pollConfig: { nextPollAt: new Date(0) } };
      default:
        return { output: "done" };
    }
  },
  // A check may say what state it gets.
  async checkCompletion(state: { job: number }) {
    return state.job > 0 ? { ready: true } : { ready: false, error: "no such job" };
  },
});

const schemas = { input: z.object({ n: z.number() }), output: z.object({ text: z.string() }) };
defineStage({
  id: "wrong-output",
  name: "Wrong output",
  schemas,
  // @ts-expect-error the output doesn't fit its schema
  execute: () => ({ output: { text: 1 } }),
});
defineStage({
  id: "no-result",
  name: "No result",
  schemas,
  // @ts-expect-error a body must say how it ended
  execute() {},
});
defineStage({
  id: "bare-output",
  name: "Bare output",
  schemas,
  // @ts-expect-error the output stands in an object
  execute: () => ({ text: "t" }),
});
defineStage({
  id: "two-ends",
  name: "Two ends",
  schemas,
  // @ts-expect-error either skipped or an output
  execute: () => ({ output: { text: "t" }, skipped: true as const }),
});
defineStage({
  id: "no-state",
  name: "No state",
  schemas,
  // @ts-expect-error a suspended stage hands over a state, null if need be
  execute: () => ({ suspended: true as const }),
});
defineStage({
  id: "wrong-check",
  name: "Wrong check",
  schemas,
  execute: () => ({ output: { text: "t" } }),
  // @ts-expect-error the output doesn't fit its schema
  checkCompletion: () => ({ ready: true, output: { text: 1 } }),
});
defineStage({
  id: "no-function",
  name: "No function",
  schemas,
  execute: () => ({ output: { text: "" } }),
  // @ts-expect-error checkCompletion is a function
  checkCompletion: true,
});
// @ts-expect-error a stage has a body
defineStage({ id: "c", name: "C", schemas });
// @ts-expect-error an output schema is needed
defineStage({ id: "c", name: "C", schemas: { input: "none" }, execute: () => ({ output: 1 }) });
defineStage({
  id: "c",
  name: "C",
  // @ts-expect-error "none" or a schema
  schemas: { input: "any", output: z.number() },
  execute: () => ({ output: 1 }),
});
defineStage({
  id: "misspelt",
  name: "Misspelt",
  schemas,
  // @ts-expect-error maxAttempts
  retry: { maxAttempt: 5 },
  execute: () => ({ output: { text: "" } }),
});
defineStage({
  id: "this",
  name: "This",
  schemas,
  execute() {
    // @ts-expect-error a body is called on its own, without the definition
    return { output: { text: this.name } };
  },
});

// A body can be called with a context made for a test.
declare const context: StageContext<{ file: Blob; lang: string }, { maxBytes: number }>;
void extract.execute(context);

// Optional fields may be given as undefined.
defineStage({
  id: "undefined",
  name: "Undefined",
  description: undefined,
  schemas: { ...schemas, config: undefined },
  dependencies: undefined,
  retry: { maxAttempts: undefined, backoff: { initialMs: undefined } },
  timeoutMs: undefined,
  execute: () => ({ output: { text: "" } }),
});
