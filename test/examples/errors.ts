/**
 * Failures are bounded. A body that throws is tried again after a back-off, up to `maxAttempts` times; what trying again can't mend (a
 * `NonRetryableError`, a value that doesn't fit its schema) fails at once; an attempt that takes too long is told by its signal.
 */
import {
  createEngine,
  defineStage,
  defineWorkflow,
  NonRetryableError,
  RunFailedError,
  SchemaError,
} from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

const Order = z.object({ dish: z.string() });
const cook = defineStage({
  id: "cook",
  name: "Cook",
  schemas: { input: Order, output: z.object({ dish: z.string(), grams: z.number() }) },
  retry: { maxAttempts: 3, backoff: { initialMs: 10, factor: 2, jitter: 0 } },
  timeoutMs: 50,
  async execute({ input: { dish }, attempt, signal }) {
    if (dish === "soufflé" && attempt < 3) throw new Error("it fell");
    if (dish === "unicorn") throw new NonRetryableError("there is none");
    // A number to the compiler, and none to the schema.
    if (dish === "air") return { output: { dish, grams: Number.NaN } };
    if (dish === "stew") {
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
    }
    return { output: { dish, grams: 200 } };
  },
});
const kitchen = defineWorkflow({ id: "kitchen", name: "Kitchen", input: Order }).pipe(cook).build();

const engine = createEngine({ workflows: [kitchen], store: memoryStore() });
for (const dish of ["soufflé", "unicorn", "air", "stew"]) {
  const run = await engine.start(kitchen, { dish });
  for await (const event of run.events()) {
    if (event.type === "stage:retrying") {
      const { attempt, delayMs, error } = event.payload;
      console.log(`${dish}: attempt ${attempt}: ${error.message}; again in ${delayMs} ms`);
    }
  }
  try {
    console.log(`${dish}:`, JSON.stringify(await run.result()));
  } catch (error) {
    if (!(error instanceof RunFailedError)) throw error;
    const { code, stageId, message } = error.record;
    console.log(`${dish}: ${code} in ${stageId}: ${message}`);
  }
}

// Input that doesn't fit starts nothing.
try {
  await engine.start("kitchen", { dish: 7 });
} catch (error) {
  if (!(error instanceof SchemaError)) throw error;
  console.log(error.code, JSON.stringify(error.issues));
  console.log("explained in", error.link);
}
console.log("runs:", (await engine.runs()).rows.length);
await engine.stop();

/* prints:
soufflé: attempt 1: it fell; again in 10 ms
soufflé: attempt 2: it fell; again in 20 ms
soufflé: {"dish":"soufflé","grams":200}
unicorn: NON_RETRYABLE in cook: there is none
air: INVALID_STAGE_OUTPUT in cook: stage output of "cook" doesn't fit its schema: grams: Invalid input: expected number, received NaN
stew: attempt 1: stage "cook" ran longer than its timeout of 50 ms; again in 10 ms
stew: attempt 2: stage "cook" ran longer than its timeout of 50 ms; again in 20 ms
stew: STAGE_TIMEOUT in cook: stage "cook" ran longer than its timeout of 50 ms
INVALID_WORKFLOW_INPUT [{"path":"dish","message":"Invalid input: expected string, received number"}]
explained in docs/errors.md#invalid_workflow_input
runs: 4
*/
