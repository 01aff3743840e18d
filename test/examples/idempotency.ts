/**
 * A key names what a caller wants done. Sent five times, or again tomorrow, it gives the same run; with another payload it is an error.
 * Bodies run at least once, so `ctx.idempotencyKey`, the same for every attempt of a stage, goes on to whoever must not do it twice.
 */
import { createEngine, defineStage, defineWorkflow, IdempotencyKeyReusedError } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

/** An outside service, as most payment services are: it remembers the keys that it has seen. */
const bank = new Map<string, number>();
let requests = 0;

const Order = z.object({ order: z.string(), cents: z.number() });
const charge = defineStage({
  id: "charge-card",
  name: "Charge the card",
  schemas: { input: Order, output: z.object({ charged: z.number() }) },
  retry: { backoff: { initialMs: 1 } },
  execute: ({ input, attempt, idempotencyKey }) => {
    requests += 1;
    if (!bank.has(idempotencyKey)) bank.set(idempotencyKey, input.cents);
    if (attempt === 1) throw new Error("the line broke before the bank's answer came");
    return { output: { charged: input.cents } };
  },
});
const checkout = defineWorkflow({ id: "checkout", name: "Checkout", input: Order }).pipe(charge).build();

const engine = createEngine({ workflows: [checkout], store: memoryStore() });
const order = { order: "A-17", cents: 4200 };
const clicks = [1, 2, 3, 4, 5].map(() => engine.start(checkout, order, { idempotencyKey: "order A-17" }));
const runs = await Promise.all(clicks);
console.log("runs after five clicks:", new Set(runs.map(({ id }) => id)).size);
console.log("results:", JSON.stringify(await Promise.all(runs.map((run) => run.result()))));
console.log(`requests to the bank: ${requests}, payments: ${bank.size}`);

const later = await engine.start(checkout, order, { idempotencyKey: "order A-17" });
console.log("the key again gives the same run:", later.id === runs[0]?.id);
console.log("and finds it:", (await engine.get("order A-17"))?.id === later.id);

try {
  await engine.start(checkout, { ...order, cents: 1 }, { idempotencyKey: "order A-17" });
} catch (error) {
  if (!(error instanceof IdempotencyKeyReusedError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await engine.stop();

/* prints:
runs after five clicks: 1
results: [{"charged":4200},{"charged":4200},{"charged":4200},{"charged":4200},{"charged":4200}]
requests to the bank: 2, payments: 1
the key again gives the same run: true
and finds it: true
IDEMPOTENCY_KEY_REUSED: run.create: idempotency key "order A-17" was used before with another payload; use a new key, or send the same payload
*/
