/**
 * A plugin is a named set of handlers by event type. Each has its own place in every run's events: one that fails is asked again, and holds up
 * neither the others nor other runs. Delivery is at least once, so a handler deduplicates by `event.id`, which never changes.
 */
import { createEngine, createPluginRunner, definePlugin, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

const bake = defineStage({
  id: "bake",
  name: "Bake",
  schemas: { input: z.string(), output: z.string() },
  execute: (ctx) => {
    ctx.annotate("oven", { degrees: 220 });
    return { output: `${ctx.input}, warm` };
  },
});
const bakery = defineWorkflow({ id: "bakery", name: "Bakery", input: z.string() }).pipe(bake).build();

const seen: string[] = [];
const oven = definePlugin({
  name: "oven-log",
  handlers: {
    "stage:started": ({ payload }) => void seen.push(`${payload.stageId} began, attempt ${payload.attempt}`),
    "annotation:created": ({ payload }) => void seen.push(`${payload.name} ${JSON.stringify(payload.value)}`),
  },
});

let calls = 0;
let rung = (): void => undefined;
const bell = new Promise<void>((resolve) => {
  rung = resolve;
});
const ringer = definePlugin({
  name: "bell",
  handlers: {
    "workflow:completed": async () => {
      calls += 1;
      if (calls === 1) throw new Error("the bell is stuck");
      rung();
    },
  },
});

const engine = createEngine({
  workflows: [bakery],
  store: memoryStore(),
  plugins: [oven, ringer],
  policy: { deliveryBackoffMs: 1 },
});
const run = await engine.start(bakery, "bread");
console.log(await run.result());
await bell;
await engine.stop();
console.log(seen.join("\n"));
console.log(`the bell was asked ${calls} times`);

// By hand: the same events once more, to a plugin that no engine knows. Nobody's place moves.
const events = await engine.kernel.ports.store.events({ run: run.id });
const counts = new Map<string, number>();
const count = (event: { readonly type: string }): void => {
  counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
};
const counter = definePlugin({
  name: "counter",
  handlers: { "stage:started": count, "stage:completed": count },
});
const { processed, failures } = await createPluginRunner({ plugins: [counter] }).processEvents(events);
console.log(
  `processed ${processed}, failures ${failures.length}:`,
  JSON.stringify(Object.fromEntries(counts)),
);
console.log(
  "ids are",
  events.every(({ id, sequence }) => id === `${run.id}:${sequence}`) ? "run:sequence" : "something else",
);

/* prints:
bread, warm
bake began, attempt 1
oven {"degrees":220}
the bell was asked 2 times
processed 6, failures 0: {"stage:started":1,"stage:completed":1}
ids are run:sequence
*/
