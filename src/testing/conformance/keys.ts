/** Idempotency records: written with the effect, or not at all. */
import type { Entry, KeyWrite, Store } from "../../ports/store.ts";
import { equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { commit, createRun, creation, entryFor, keyOf, note, SHORT, snapshot, verdictOf } from "./rows.ts";

/** An entry that writes a key. */
function keyed(runId: string, key: string, expect: string | null, change: Partial<KeyWrite> = {}): Entry {
  const entry = entryFor(runId, { events: [note(key)] });
  return { ...entry, key: { expect, put: keyOf(runId, key, entry.id, change) } };
}

async function read(store: Store, key: string, type = "test") {
  return (await store.load({ of: "run", runId: "none", key: { type, key } })).key;
}

export const keyCases: readonly CaseBody[] = group("key", [
  {
    name: "is kept with what it recorded, by type and key",
    async body({ store }) {
      const run = await createRun(store);
      const entry = keyed(run.id, "k", null, { result: { at: new Date(5), n: 1n }, hash: "h" });
      const { at } = await commit(store, entry);
      const record = present(await read(store, "k"), "the record");
      equal(
        record,
        { ...keyOf(run.id, "k", entry.id), createdAt: at, result: { at: new Date(5), n: 1n }, hash: "h" },
        "the record",
      );
      equal(await read(store, "k", "other type"), null, "the same key of another type");
      const of = await store.load({ of: "run", runId: run.id, keys: true });
      equal(of.runs[0]?.keys, [record], "the run's keys");
    },
  },
  {
    name: "that stands there already gives its record, and the entry leaves nothing",
    async body({ store }) {
      const run = await createRun(store);
      await commit(store, keyed(run.id, "k", null));
      const record = await read(store, "k");
      const before = await snapshot(store, run.id);
      const verdicts = await store.commit([creation(), keyed(run.id, "k", null)]);
      equal(verdicts[1], { status: "duplicate", record }, "the verdict");
      equal(verdicts[0]?.status, "committed", "its neighbour");
      equal(await snapshot(store, run.id), before, "the run");
    },
  },
  {
    name: "met twice in one batch is the first one's",
    async body({ store }) {
      const [one, two] = [creation(), creation()];
      const withKey = (entry: Entry): Entry => ({
        ...entry,
        key: { expect: null, put: keyOf(entry.runId, "k", entry.id) },
      });
      const verdicts = await store.commit([withKey(one), withKey(two)]);
      equal(
        verdicts.map(({ status }) => status),
        ["committed", "duplicate"],
        "the verdicts",
      );
      equal((await read(store, "k"))?.runId, one.runId, "whose key it is");
      equal(await store.run(two.runId), null, "the second run");
    },
  },
  {
    name: "raced for by many is one's alone",
    async body({ store, second }) {
      const stores = [store, second === undefined ? store : await second()];
      const verdicts = await Promise.all(
        Array.from({ length: 8 }, (_, index) => {
          const entry = creation();
          return verdictOf(stores[index % 2] ?? store, {
            ...entry,
            key: { expect: null, put: keyOf(entry.runId, "k", entry.id) },
          });
        }),
      );
      equal(verdicts.filter(({ status }) => status === "committed").length, 1, "how many won");
      equal(
        verdicts.filter(({ status }) => status === "duplicate").length,
        7,
        "how many were told of the winner",
      );
      equal(
        (await store.runs({})).rows.map(({ id }) => id),
        [(await read(store, "k"))?.runId],
        "the runs",
      );
    },
  },
  {
    name: "is replaced by who names the entry that wrote it",
    async body({ store }) {
      const run = await createRun(store);
      const open = { stageId: "a", epoch: 1, token: 2 };
      const first = keyed(run.id, "k", null, { open });
      await commit(store, first);
      equal((await read(store, "k"))?.open, open, "the open record");
      const next = keyed(run.id, "k", first.id, { result: "done" });
      await commit(store, next);
      equal((await read(store, "k"))?.result, "done", "the new record");
      equal(
        (await verdictOf(store, keyed(run.id, "k", first.id))).status,
        "duplicate",
        "the verdict on naming the old one",
      );
      equal(
        (await store.load({ of: "run", runId: run.id, keys: true })).runs[0]?.keys.length,
        1,
        "records of the run",
      );
    },
  },
  {
    name: "that should stand there and doesn't is a fallen guard",
    async body({ store }) {
      const run = await createRun(store);
      const before = await snapshot(store, run.id);
      equal(
        await verdictOf(store, keyed(run.id, "k", "some entry")),
        { status: "stale", guard: "key" },
        "the verdict",
      );
      equal(await snapshot(store, run.id), before, "the run");
      await commit(store, keyed(run.id, "k", null));
      await commit(store, entryFor(run.id, { dropKeys: [{ type: "test", key: "k" }] }));
      equal(await read(store, "k"), null, "a dropped key");
      equal(
        await verdictOf(store, keyed(run.id, "k", "some entry")),
        { status: "stale", guard: "key" },
        "after a drop",
      );
    },
  },
  {
    name: "that has expired counts as absent",
    async body({ store, advance }) {
      const run = await createRun(store);
      await commit(store, keyed(run.id, "k", null, { expiresAt: { in: SHORT } }));
      const late = keyed(run.id, "late", null, { expiresAt: { in: 3_600_000 } });
      await commit(store, late);
      await advance(SHORT + 10);
      equal(await read(store, "k"), null, "the expired record");
      equal((await read(store, "late"))?.entry, late.id, "a record that hasn't expired");
      equal(
        (await verdictOf(store, keyed(run.id, "late", null))).status,
        "duplicate",
        "the verdict on that one",
      );
      const next = keyed(run.id, "k", null, { result: "new" });
      await commit(store, next);
      equal((await read(store, "k"))?.result, "new", "the record that took its place");
    },
  },
]);
