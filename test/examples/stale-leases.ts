/**
 * A worker that dies, or only stands still, stops renewing its lease. When the lease has run out its job is freed, and another worker does it.
 * Should the first one wake up after all, its token is of yesterday: the store rejects whatever it writes, and its result is a ghost.
 */
import { type Clock, createKernel, defineStage, defineWorkflow, type Kernel, type SluiceError } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

let fallAsleep = (): void => undefined;
let wakeUp = (): void => undefined;
const asleep = new Promise<void>((resolve) => {
  fallAsleep = resolve;
});

const write = defineStage({
  id: "write-report",
  name: "Write the report",
  schemas: { input: z.string(), output: z.string() },
  async execute({ input, attempt }) {
    if (attempt === 1) {
      fallAsleep();
      await new Promise<void>((resolve) => {
        wakeUp = resolve;
      });
    }
    return { output: `${input}, by attempt ${attempt}` };
  },
});
const report = defineWorkflow({ id: "report", name: "Report", input: z.string() }).pipe(write).build();

// Time goes on when this program says so, and no timer fires: so no heartbeat leaves the worker that sleeps.
let now = 0;
const clock: Clock = { now: () => now, after: () => () => undefined };
const store = memoryStore({ clock });
const worker = (name: string): Kernel =>
  createKernel({ store, workflows: [report], clock, name, policy: { leaseMs: 30_000 } });
const ada = worker("ada");
const bob = worker("bob");

const order = { type: "run.create", workflowId: "report", input: "sales", idempotencyKey: "1" } as const;
const { workflowRunId } = await ada.dispatch(order);
await ada.dispatch({ type: "run.claimPending", workerId: "ada" });
const job = { workflowRunId, workflowId: "report", stageId: "write-report", advance: true } as const;
const late = ada.dispatch({ type: "job.execute", ...job });
await asleep;

const reap = async (): Promise<void> => {
  const { released } = await bob.dispatch({ type: "lease.reapStale", staleThresholdMs: 30_000 });
  console.log(`after ${now} ms, leases freed: ${released}`);
};
await bob.dispatch({ type: "job.execute", ...job }).catch((error: SluiceError) => console.log(error.code));
await reap();
now += 30_001;
await reap();
console.log("bob:", JSON.stringify(await bob.dispatch({ type: "job.execute", ...job })));

wakeUp();
console.log("ada:", JSON.stringify(await late));
for (const { type, payload } of await store.events({ run: workflowRunId })) {
  const attempt = "attempt" in payload ? ` of attempt ${payload.attempt}` : "";
  const holder = "worker" in payload ? ` by ${payload.worker}` : "";
  console.log(`${type}${attempt}${holder}`);
}

/* prints:
JOB_LEASED
after 0 ms, leases freed: 0
after 30001 ms, leases freed: 1
bob: {"outcome":"completed","output":"sales, by attempt 2"}
ada: {"outcome":"completed","ghost":true}
workflow:created
workflow:started
stage:started of attempt 1 by ada
lease:reaped of attempt 1 by ada
stage:started of attempt 2 by bob
stage:completed of attempt 2
workflow:completed
*/
