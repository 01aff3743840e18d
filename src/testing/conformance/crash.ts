/** Dying in the middle. */
import { ensure, equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { listsOf, populate, populated as graph } from "./populate.ts";
import {
  claim,
  commit,
  createRun,
  creation,
  cursorOf,
  entryFor,
  jobOf,
  keyOf,
  LONG,
  letterOf,
  note,
  payload,
  snapshot,
  stageOf,
  stateOf,
} from "./rows.ts";

export const crashCases: readonly CaseBody[] = group("crash", [
  {
    name: "a commit that dies between any two of its writes leaves nothing",
    needs: "crash",
    async body(harness) {
      const { crash } = harness;
      ensure(crash !== undefined, "a way to crash");
      let store = harness.store;
      const runId = await populate(store);
      const done = await createRun(store, { graph, state: { status: "COMPLETED", delivered: true } });
      await store.blobs.put(
        { runId: done.id, epoch: 1, stageId: "a", attempt: 1, name: "b0" },
        new Blob(["x"]),
      );
      const pending = await createRun(store, { graph, key: "shared", state: { status: "PENDING" } });
      const keyed = entryFor(done.id);
      await commit(store, { ...keyed, key: { expect: null, put: keyOf(done.id, "dropped", keyed.id) } });
      const ids = [runId, done.id, pending.id];
      const before = [await snapshot(store, ...ids), await listsOf(store)];
      const born = creation({ graph, key: "shared" });
      const replaces = present((await store.run(runId))?.keys[0], "the key to be replaced").entry;
      const entries = [
        entryFor(runId, {
          state: stateOf({ status: "COMPLETED" }),
          counters: { set: { remaining: 0, active: 0 } },
          dropJobs: ["a"],
          jobs: [
            jobOf(runId, "b", { workflowId: "w", dueAt: { in: LONG } }),
            jobOf(runId, "c", { workflowId: "w" }),
          ],
          dropStages: ["x"],
          stages: [stageOf(runId, "a")],
          past: [{ ...stageOf(runId, "x"), startedAt: 1, endedAt: 2 }],
          dropSignals: ["s"],
          signals: [{ runId, id: "s2", name: "go", payload: payload(2) }],
          dropLetters: [{ subscriber: "sink", sequence: 1 }],
          letters: [letterOf(runId, 2)],
          cursors: { sink: cursorOf(2) },
          key: { expect: replaces, put: keyOf(runId, `key of ${runId}`, "next", { result: "replaced" }) },
          events: [note(3)],
        }),
        {
          ...born,
          jobs: [jobOf(born.runId, "a", { workflowId: "w" })],
          key: { expect: null, put: keyOf(born.runId, "born", born.id) },
        },
        entryFor(done.id, { purge: true, dropKeys: [{ type: "test", key: "dropped" }] }),
        entryFor(pending.id, { state: stateOf(), events: [note(1)] }),
      ];
      let crashes = 0;
      for (;;) {
        crash.at(crashes);
        const died = await store.commit(entries).then(
          () => false,
          () => true,
        );
        store = await crash.recover();
        if (!died) break;
        crashes += 1;
        equal(await snapshot(store, ...ids), before[0], `the runs after a crash before write ${crashes}`);
        equal(await listsOf(store), before[1], `queue and outbox after a crash before write ${crashes}`);
        equal(await store.run(born.runId), null, "the run that wasn't born");
        const byKey = [await store.runByKey("shared"), await store.runByKey(done.id)];
        equal(
          byKey.map((run) => run?.id),
          [pending.id, done.id],
          "the runs by their keys",
        );
        const key = { type: "test", key: "born" };
        equal((await store.load({ of: "run", runId, key })).key, null, "the key that wasn't written");
        ensure(crashes < 200, "a commit that ends");
      }
      ensure(crashes >= entries.length, `crashes between the writes, of which there were ${crashes}`);
      equal((await store.run(runId))?.run.status, "COMPLETED", "the run that was settled in the end");
      equal((await store.run(born.runId))?.run.id, born.runId, "the run that was born in the end");
      equal(await store.run(done.id), null, "the run that was purged in the end");
      const { claimed } = await claim(store, graph, ["a", "b", "c"]);
      equal(claimed.map(({ job }) => job.stageId).toSorted(), ["a", "c"], "what can be claimed in the end");
    },
  },
  {
    name: "a claim that dies between any two of its writes leases nothing",
    needs: "crash",
    async body(harness) {
      const { crash } = harness;
      ensure(crash !== undefined, "a way to crash");
      let store = harness.store;
      for (let index = 0; index < 5; index += 1) await createRun(store, { graph }, "a");
      const before = await listsOf(store);
      let crashes = 0;
      let leased = 0;
      while (leased === 0) {
        crash.at(crashes);
        leased = await claim(store, graph, ["a"]).then(
          ({ claimed }) => claimed.length,
          () => 0,
        );
        store = await crash.recover();
        if (leased > 0) break;
        crashes += 1;
        equal(await listsOf(store), before, `the queue after a crash before write ${crashes}`);
        ensure(crashes < 200, "a claim that ends");
      }
      ensure(crashes > 0, "a crash between the writes");
      equal(leased, 5, "jobs leased in the end");
    },
  },
]);
