/** Purging: what may go, in which order, and what is left. */
import type { RunState } from "../../model.ts";
import type { Scope, Store } from "../../ports/store.ts";
import { equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  commit,
  createRun,
  creation,
  entryFor,
  keyOf,
  LONG,
  letterOf,
  note,
  payload,
  SHORT,
  snapshot,
  stageOf,
  stateOf,
  verdictOf,
} from "./rows.ts";

type Load<Kind extends Scope["of"]> = Partial<Extract<Scope, { of: Kind }>>;

async function ids(store: Store, scope: Scope): Promise<string[]> {
  return (await store.load(scope)).runs.map(({ run }) => run.id);
}

async function settle(store: Store, id: string, change: Partial<RunState> = {}): Promise<void> {
  await commit(store, creation({ id, state: { status: "COMPLETED", delivered: true, ...change } }));
}

export const purgeCases: readonly CaseBody[] = group("purge", [
  {
    name: "deletes a run with all that hangs on it, but for the keys that it keeps",
    async body({ store }) {
      const run = await createRun(store, { key: "create-key" }, "a");
      const other = await createRun(store, {}, "a");
      const entry = entryFor(run.id, {
        stages: [stageOf(run.id, "a")],
        past: [{ ...stageOf(run.id, "b"), startedAt: 1, endedAt: 2 }],
        signals: [{ runId: run.id, id: "s", name: "go", payload: payload(1) }],
        letters: [letterOf(run.id, 1)],
        events: [note(1)],
      });
      await commit(store, { ...entry, key: { expect: null, put: keyOf(run.id, "young", entry.id) } });
      const second = entryFor(run.id);
      await commit(store, { ...second, key: { expect: null, put: keyOf(run.id, "old", second.id) } });
      await store.appendLogs([logOf(run.id)]);
      await store.blobs.put(
        { runId: run.id, epoch: 1, stageId: "a", attempt: 1, name: "b0" },
        new Blob(["x"]),
      );
      const neighbour = await snapshot(store, other.id);
      const { keys } = present(await store.run(run.id), "the run");
      const young = present(
        keys.find(({ key }) => key === "young"),
        "the young key",
      );

      await commit(
        store,
        entryFor(run.id, {
          guards: { version: run.version },
          purge: true,
          dropKeys: [{ type: "test", key: "old" }],
          keepKeys: [{ ...young, expiresAt: young.createdAt + LONG }],
        }),
      );
      const nothing = { run: null, events: [], past: [], logs: [], letters: [], blobs: [] };
      equal(await snapshot(store, run.id), [nothing], "what is left of the run");
      equal(await store.runByKey("create-key"), null, "the run by its key");
      equal(
        (await store.runs({})).rows.map(({ id }) => id),
        [other.id],
        "the runs that are left",
      );
      const asked = { of: "run", runId: run.id, key: { type: "test", key: "young" } } as const;
      equal(
        (await store.load(asked)).key,
        { ...young, expiresAt: young.createdAt + LONG },
        "the key that it keeps",
      );
      equal(
        (await store.load({ ...asked, key: { type: "test", key: "old" } })).key,
        null,
        "the key that it drops",
      );
      equal(await snapshot(store, other.id), neighbour, "another run");
      equal(await verdictOf(store, entryFor(run.id)), { status: "stale", guard: "run" }, "an entry for it");
      await createRun(store, { id: run.id });
      equal(await store.events({ run: run.id }), [], "the events of a new run of that id");
    },
  },
  {
    name: "finds settled and delivered ones, the oldest settlement first",
    async body({ store, advance }) {
      await commit(store, creation({ id: "live" }));
      await commit(store, creation({ id: "undelivered", state: { status: "COMPLETED" } }));
      await commit(store, creation({ id: "last" }));
      for (const [id, status] of [
        ["first", "COMPLETED"],
        ["second", "FAILED"],
        ["third", "CANCELLED"],
      ] as const) {
        await settle(store, id, { status });
        await advance(2);
      }
      await commit(store, entryFor("last", { state: stateOf({ status: "COMPLETED", delivered: true }) }));
      await advance(2);
      const purgeable = (change: Load<"purgeable">): Scope => ({
        of: "purgeable",
        olderThanMs: 0,
        status: null,
        keep: 0,
        limit: 10,
        ...change,
      });
      equal(await ids(store, purgeable({})), ["first", "second", "third", "last"], "all");
      equal(await ids(store, purgeable({ limit: 2 })), ["first", "second"], "at most so many");
      equal(await ids(store, purgeable({ keep: 3 })), ["first"], "all but the newest three");
      equal(await ids(store, purgeable({ keep: 9 })), [], "all but the newest nine");
      equal(await ids(store, purgeable({ status: ["COMPLETED"] })), ["first", "last"], "the completed");
      equal(
        await ids(store, purgeable({ status: ["CANCELLED", "FAILED"], keep: 1 })),
        ["second"],
        "the others but the newest",
      );
      equal(await ids(store, purgeable({ olderThanMs: LONG })), [], "old ones");
      await commit(store, entryFor("first", { state: stateOf({ status: "PENDING", epoch: 2 }) }));
      equal(await ids(store, purgeable({})), ["second", "third", "last"], "after one was rerun");
    },
  },
  {
    name: "brings the keys of what it finds, and expired keys of runs that are gone",
    async body({ store, advance }) {
      for (const id of ["gone", "there"]) {
        await settle(store, id);
        const entry = entryFor(id);
        const put = keyOf(id, `key of ${id}`, entry.id, { expiresAt: { in: SHORT } });
        await commit(store, { ...entry, key: { expect: null, put } });
      }
      const load = () => store.load({ of: "purgeable", olderThanMs: 0, status: null, keep: 0, limit: 10 });
      const before = await load();
      equal(
        before.runs.map(({ keys }) => keys.map(({ key }) => key)),
        [["key of gone"], ["key of there"]],
        "the runs' keys",
      );
      await commit(store, entryFor("gone", { purge: true }));
      equal((await load()).orphans, [], "orphans that haven't expired");
      await advance(SHORT + 10);
      equal(
        (await load()).orphans.map(({ key }) => key),
        ["key of gone"],
        "orphans",
      );
      await commit(
        store,
        entryFor("gone", { guards: { gone: true }, dropKeys: [{ type: "test", key: "key of gone" }] }),
      );
      equal((await load()).orphans, [], "orphans after they were dropped");
    },
  },
]);

function logOf(runId: string) {
  return {
    runId,
    stageId: "a",
    epoch: 1,
    attempt: 1,
    from: 0,
    lines: [{ at: 1, level: "INFO" as const, message: "x" }],
  };
}
