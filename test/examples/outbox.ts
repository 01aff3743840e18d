/**
 * The outbox: events are committed with what they tell of, and handed out afterwards, in order, to each subscriber by itself. One that refuses
 * an event three times gets it as a dead letter: what comes after is delivered, and the letter can be replayed once its cause is mended.
 */
import { createEventSink, createKernel, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

const pack = defineStage({
  id: "pack",
  name: "Pack",
  schemas: { input: z.string(), output: z.string() },
  execute: ({ input }) => ({ output: `a box of ${input}` }),
});
const parcel = defineWorkflow({ id: "parcel", name: "Parcel", input: z.string() }).pipe(pack).build();

let isMailUp = false;
const sink = createEventSink([
  { name: "audit", handle: (event) => console.log(`  audit: ${event.sequence} ${event.type}`) },
  {
    name: "mail",
    types: new Set(["stage:completed", "workflow:completed"]),
    handle: (event) => {
      if (event.type === "stage:completed" && !isMailUp) throw new Error("the mail server is down");
      console.log(`  mail: ${event.sequence} ${event.type}${event.replayed ? ", replayed" : ""}`);
    },
  },
]);

// By hand, without a host, and with a clock that stands still until it is told to go on: so each step can be seen.
let now = 0;
const clock = { now: () => now, after: () => () => undefined };
const store = memoryStore({ clock });
const kernel = createKernel({
  store,
  workflows: [parcel],
  eventSink: sink,
  clock,
  policy: { deliveryBackoffMs: 1000 },
});
const flush = async (): Promise<void> => {
  const { published } = await kernel.dispatch({ type: "outbox.flush" });
  console.log(`  delivered: ${published}`);
};

const create = { type: "run.create", workflowId: "parcel", input: "pears", idempotencyKey: "1" } as const;
await kernel.dispatch({ ...create, input: 7 }).catch((error: Error) => console.log(error.message));
console.log("a command that failed left no event:");
await flush();

const { workflowRunId } = await kernel.dispatch(create);
await kernel.dispatch({ type: "run.claimPending", workerId: "me" });
await kernel.dispatch({
  type: "job.execute",
  workflowRunId,
  workflowId: "parcel",
  stageId: "pack",
  advance: true,
});
console.log("committed, and not delivered yet; then:");
await flush();
for (const wait of [1000, 2000]) {
  now += wait;
  console.log(`${wait} ms later:`);
  await flush();
}

const [letter] = await store.letters({ subscriber: "mail" });
console.log(`dead letter: ${letter?.type} after ${letter?.failures} failures, ${letter?.error.message}`);
isMailUp = true;
const { replayed } = await kernel.dispatch({ type: "plugin.replayDLQ", subscriber: "mail" });
console.log(`put back: ${replayed}`);
await flush();
console.log("dead letters left:", (await store.letters({})).length);

/* prints:
workflow input of "parcel" doesn't fit its schema: (the value itself): Invalid input: expected string, received number
a command that failed left no event:
  delivered: 0
committed, and not delivered yet; then:
  audit: 1 workflow:created
  audit: 2 workflow:started
  audit: 3 stage:started
  audit: 4 stage:completed
  audit: 5 workflow:completed
  delivered: 5
1000 ms later:
  delivered: 0
2000 ms later:
  mail: 5 workflow:completed
  delivered: 1
dead letter: stage:completed after 3 failures, the mail server is down
put back: 1
  mail: 4 stage:completed, replayed
  delivered: 1
dead letters left: 0
*/
