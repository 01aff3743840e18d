/** What the test app runs. A build differs from another by `BUILD`. */
import { defineStage, defineWorkflow, WorkflowBuilder } from "sluice";
import * as z from "zod";
import { extract, keywords, report, sentiment } from "../../../playground/document/stages.ts";
import { DocumentInput } from "../../../playground/document/schemas.ts";
import { announce, gated } from "./gates.ts";

declare const BUILD: number;

/** The document pipeline, stage for stage, behind gates. */
export const documents = defineWorkflow({ id: "documents", name: "Documents", input: DocumentInput })
  .pipe(gated(extract))
  .parallel([gated(sentiment), gated(keywords)])
  .pipe(gated(report))
  .build();

const Count = z.object({ n: z.number() });
const counting = (id: string) =>
  gated(
    defineStage({
      id,
      name: id,
      schemas: { input: Count, output: Count },
      execute: ({ input }) => ({ output: { n: input.n + 1 } }),
    }),
  );

/** Three small steps, the same in every build. */
export const steps = defineWorkflow({ id: "steps", name: "Steps", input: Count })
  .pipe(counting("first"))
  .pipe(counting("second"))
  .pipe(counting("third"))
  .build();

/** The same workflow id with another stage in each build. */
export const evolving = defineWorkflow({ id: "evolving", name: "Evolving", input: Count })
  .pipe(counting("shared"))
  .pipe(counting(`of-build-${BUILD}`))
  .build();

/** The first attempt never gives way and must be ended from outside. */
export const loop = defineWorkflow({ id: "loop", name: "Loop", input: Count })
  .pipe(
    defineStage({
      id: "blocks",
      name: "Blocks its thread",
      schemas: { input: Count, output: Count },
      timeoutMs: 500,
      retry: { maxAttempts: 2, backoff: { initialMs: 1 } },
      execute(ctx) {
        announce(ctx);
        if (ctx.attempt === 1) for (;;);
        return { output: { n: ctx.attempt } };
      },
    }),
  )
  .build();

/** Takes whatever it is given, and gives what no store keeps. */
export const anything = defineWorkflow({ id: "anything", name: "Anything", input: z.unknown() })
  .pipe(
    defineStage({
      id: "hand-out",
      name: "Hand out a function",
      schemas: { input: z.unknown(), output: z.unknown() },
      execute: () => ({ output: { call: () => 1 } }),
    }),
  )
  .build();

/** Weighs a file without reading all of it, and hands it on. */
export const weigh = new WorkflowBuilder("weigh", "Weigh", undefined, z.object({ file: z.instanceof(Blob) }))
  .pipe(
    gated(
      defineStage({
        id: "receive",
        name: "Receive",
        schemas: {
          input: z.object({ file: z.instanceof(Blob) }),
          output: z.object({ file: z.instanceof(Blob) }),
        },
        execute: ({ input }) => ({ output: { file: input.file } }),
      }),
    ),
  )
  .pipe(
    defineStage({
      id: "weigh",
      name: "Weigh",
      schemas: {
        input: z.object({ file: z.instanceof(Blob) }),
        output: z.object({ bytes: z.number(), last: z.number() }),
      },
      async execute({ input: { file } }) {
        const [last = -1] = new Uint8Array(await file.slice(-1).arrayBuffer());
        return { output: { bytes: file.size, last } };
      },
    }),
  )
  .build();

/** Gives so many bytes that don't compress. */
export const hoard = defineWorkflow({ id: "hoard", name: "Hoard", input: z.object({ bytes: z.number() }) })
  .pipe(
    gated(
      defineStage({
        id: "grow",
        name: "Grow",
        schemas: {
          input: z.object({ bytes: z.number() }),
          output: z.object({ data: z.instanceof(Uint8Array) }),
        },
        retry: { backoff: { initialMs: 1 } },
        execute: ({ input }) => ({ output: { data: noise(input.bytes) } }),
      }),
    ),
  )
  .build();

function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(bytes);
  for (let from = 0; from < bytes; from += 65_536) crypto.getRandomValues(data.subarray(from, from + 65_536));
  return data;
}

export const workflows = { documents, steps, evolving, loop, anything, weigh, hoard };
