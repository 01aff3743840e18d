/** Closing, and opening again. */
import { ensure, equal, present, refused } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { listsOf, populate, populated as graph } from "./populate.ts";
import { claim, commit, entryFor, LONG, note, snapshot } from "./rows.ts";

export const durabilityCases: readonly CaseBody[] = group("durability", [
  {
    name: "a closed store refuses every call",
    async body({ store }) {
      const runId = await populate(store);
      await store.close();
      await store.close();
      const key = { runId, epoch: 1, stageId: "a", attempt: 1, name: "b0" };
      const calls: Readonly<Record<string, () => unknown>> = {
        load: () => store.load({ of: "run", runId }),
        commit: () => store.commit([entryFor(runId)]),
        appendLogs: () => store.appendLogs([]),
        register: () => store.register([]),
        unregister: () => store.unregister("sink"),
        run: () => store.run(runId),
        runByKey: () => store.runByKey("k"),
        runs: () => store.runs({}),
        events: () => store.events({ run: runId }),
        logs: () => store.logs({ runId }),
        past: () => store.past(runId),
        letters: () => store.letters({}),
        changes: () => store.changes({}),
        subscribe: () => store.subscribe(() => undefined),
        storage: () => store.storage(),
        claim: () => claim(store, { workflowId: "w" }, ["a"]),
        heartbeat: () => store.jobs.heartbeat({ leases: [], leaseFor: 1 }),
        release: () => store.jobs.release({ leases: [] }),
        holders: () => store.jobs.holders(),
        "blobs.put": () => store.blobs.put(key, new Blob([])),
        "blobs.get": () => store.blobs.get(key),
        "blobs.list": () => store.blobs.list(runId),
        "blobs.remove": () => store.blobs.remove(runId),
      };
      for (const [name, call] of Object.entries(calls)) await refused(call, "STORE_CLOSED", name);
    },
  },
  {
    name: "what was committed is there when the store is opened again",
    needs: "reopen",
    async body(harness) {
      const { store, reopen } = harness;
      ensure(reopen !== undefined, "a way to reopen");
      const runId = await populate(store);
      const registry = await store.register(["sink"]);
      const before = await snapshot(store, runId);
      const lists = await listsOf(store);
      const again = await reopen();
      equal(await snapshot(again, runId), before, "the run");
      equal(await listsOf(again), lists, "queue and outbox");
      equal(await again.register([]), registry, "the subscribers");
      const [job] = (await claim(again, graph, ["b"])).claimed;
      equal(job?.job.stageId, "b", "a job that can be claimed");
      const held = present(
        (await again.run(runId))?.jobs.find(({ stageId }) => stageId === "a"),
        "the leased job",
      );
      equal(
        await again.jobs.heartbeat({ leases: [held], leaseFor: LONG }),
        { lost: [] },
        "leases that were lost",
      );
      const next = await commit(again, entryFor(runId, { events: [note(3)] }));
      equal(next.sequence, 3, "the next sequence");
    },
  },
]);
