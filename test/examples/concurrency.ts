/**
 * Nobody locks a run. Each kernel decides from what it read, and the store commits only if that still holds: of two that read the same version,
 * one is let through, and the other reads again and decides again. The caller sees a result that fits, never a lost update.
 */
import { createKernel, defineStage, defineWorkflow, type Store } from "sluice";
import { memoryStore } from "sluice/memory";
import * as z from "zod";

const schemas = { input: z.string(), output: z.string() };
const draft = defineStage({
  id: "draft",
  name: "Draft",
  schemas,
  execute: ({ input }) => ({ output: input }),
});
const sign = defineStage({ id: "sign", name: "Sign", schemas, execute: ({ input }) => ({ output: input }) });
const letter = defineWorkflow({ id: "letter", name: "Letter", input: z.string() })
  .pipe(draft)
  .pipe(sign)
  .build();

const store = memoryStore();
const nothing = async (): Promise<void> => undefined;
let meanwhile = nothing;
/** The same store over a slow line: something happens between reading and writing. */
const slowStore = new Proxy(store, {
  get(target, name: keyof Store) {
    if (name === "load") {
      return async (scope: Parameters<Store["load"]>[0]) => {
        const loaded = await target.load(scope);
        const happens = meanwhile;
        meanwhile = nothing;
        await happens();
        return loaded;
      };
    }
    if (name === "commit") {
      return async (entries: Parameters<Store["commit"]>[0]) => {
        const verdicts = await target.commit(entries);
        for (const one of verdicts)
          console.log("  slow commits:", one.status, one.status === "stale" ? one.guard : "");
        return verdicts;
      };
    }
    const value = target[name];
    return typeof value === "function" ? value.bind(target) : value;
  },
});
const fast = createKernel({ store, workflows: [letter] });
const slow = createKernel({ store: slowStore, workflows: [letter] });

const order = { type: "run.create", workflowId: "letter", input: "Dear Ada", idempotencyKey: "1" } as const;
const { workflowRunId } = await fast.dispatch(order);
await fast.dispatch({ type: "run.claimPending", workerId: "me" });
// Without `advance` the run stays where it is until somebody moves it.
await fast.dispatch({ type: "job.execute", workflowRunId, workflowId: "letter", stageId: "draft" });

const move = { type: "run.transition", workflowRunId } as const;
meanwhile = async () => console.log("fast moves the run:", (await fast.dispatch(move)).action);
console.log("slow moves the run:", (await slow.dispatch(move)).action);

const cancel = { type: "run.cancel", workflowRunId } as const;
meanwhile = async () => console.log("fast cancels it:", (await fast.dispatch(cancel)).cancelled);
console.log("slow cancels it:", (await slow.dispatch(cancel)).cancelled);

for (const { sequence, type } of await store.events({ run: workflowRunId })) console.log(sequence, type);
await fast.host.stop();

/* prints:
fast moves the run: advanced
  slow commits: stale version
slow moves the run: noop
fast cancels it: true
  slow commits: stale version
slow cancels it: false
1 workflow:created
2 workflow:started
3 stage:started
4 stage:completed
5 workflow:cancelled
*/
