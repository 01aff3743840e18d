/** The outbox: which runs have events that a subscriber was not given yet. */
import type { LoadedRun, Scope, Store } from "../../ports/store.ts";
import { equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { commit, createRun, cursorOf, entryFor, letterOf, LONG, note, SHORT, stateOf } from "./rows.ts";

async function outbox(
  store: Store,
  change: Partial<Extract<Scope, { of: "outbox" }>> = {},
): Promise<readonly LoadedRun[]> {
  return (await store.load({ of: "outbox", subscribers: ["sink"], limit: 100, maxEvents: 100, ...change }))
    .runs;
}

function idsOf(runs: readonly LoadedRun[]): string[] {
  return runs.map(({ run }) => run.id).toSorted();
}

/** The sequences with which the loaded records begin. */
function fromOf([found]: readonly LoadedRun[]): number[] {
  return present(found, "a run").journal.map(({ from }) => from);
}

export const outboxCases: readonly CaseBody[] = group("outbox", [
  {
    name: "holds what comes after a cursor, in order",
    async body({ store }) {
      const run = await createRun(store);
      equal(idsOf(await outbox(store)), [], "a run without events");
      for (const values of [[1, 2], [3], [4, 5, 6]])
        await commit(store, entryFor(run.id, { events: values.map(note) }));
      const [all] = await outbox(store);
      const records = present(all, "the run").journal;
      equal(
        records.map(({ runId, from, events }) => [runId, from, events.length]),
        [
          [run.id, 1, 2],
          [run.id, 3, 1],
          [run.id, 4, 3],
        ],
        "the records, without a cursor",
      );
      equal(records[1]?.events, [note(3)], "the events of a record");
      await commit(store, entryFor(run.id, { cursors: { sink: cursorOf(2) } }));
      equal(fromOf(await outbox(store)), [3, 4], "after the first record");
      await commit(store, entryFor(run.id, { cursors: { sink: cursorOf(5) } }));
      equal(fromOf(await outbox(store)), [4], "in the middle of a record");
      await commit(store, entryFor(run.id, { cursors: { sink: cursorOf(6) } }));
      equal(await outbox(store), [], "at the end");
      await commit(store, entryFor(run.id, { events: [note(7)] }));
      equal(fromOf(await outbox(store)), [7], "after a further event");
    },
  },
  {
    name: "gives at most so many records and runs",
    async body({ store }) {
      for (let index = 0; index < 5; index += 1) {
        const run = await createRun(store);
        for (let value = 0; value < 4; value += 1)
          await commit(store, entryFor(run.id, { events: [note(value)] }));
      }
      equal((await outbox(store)).length, 5, "runs");
      equal((await outbox(store, { limit: 3 })).length, 3, "at most three runs");
      const few = await outbox(store, { maxEvents: 2 });
      equal(
        few.map(({ journal }) => journal.map(({ from }) => from)),
        Array.from({ length: 5 }, () => [1, 2]),
        "at most two records each",
      );
    },
  },
  {
    name: "waits for a cursor that is held or backs off",
    async body({ store, advance }) {
      const run = await createRun(store);
      await commit(store, entryFor(run.id, { events: [note(1)] }));
      const move = (change: Parameters<typeof cursorOf>[1]) =>
        commit(store, entryFor(run.id, { cursors: { sink: cursorOf(0, change) } }));
      await move({ holder: "other", heldUntil: { in: LONG } });
      equal(await outbox(store), [], "while it is held");
      await move({ dueAt: { in: LONG }, failures: 1 });
      equal(await outbox(store), [], "while it backs off");
      await move({ holder: "other", heldUntil: { in: SHORT } });
      await advance(SHORT + 10);
      equal(idsOf(await outbox(store)), [run.id], "when its hold has run out");
      await move({ dueAt: { in: SHORT } });
      await advance(SHORT + 10);
      equal(idsOf(await outbox(store)), [run.id], "when it is due again");
    },
  },
  {
    name: "goes by each subscriber's own cursor",
    async body({ store }) {
      const run = await createRun(store, { id: "run" });
      const other = await createRun(store, { id: "other" });
      for (const value of [1, 2, 3, 4]) {
        await commit(store, entryFor(run.id, { events: [note(value)] }));
        await commit(store, entryFor(other.id, { events: [note(value)] }));
      }
      await commit(store, entryFor(run.id, { cursors: { sink: cursorOf(4), plugin: cursorOf(2) } }));
      await commit(
        store,
        entryFor(other.id, {
          cursors: { sink: cursorOf(4), plugin: cursorOf(1, { holder: "x", heldUntil: { in: LONG } }) },
        }),
      );
      equal(await outbox(store), [], "for the one that has all");
      const plugin = await outbox(store, { subscribers: ["plugin"] });
      equal([idsOf(plugin), fromOf(plugin)], [["run"], [3, 4]], "for the one that lags");
      const both = await outbox(store, { subscribers: ["sink", "plugin"] });
      equal([idsOf(both), fromOf(both)], [["run"], [3, 4]], "for both");
      equal(
        idsOf(await outbox(store, { subscribers: ["new"] })),
        ["other", "run"],
        "for one without a cursor",
      );
      const mixed = (await outbox(store, { subscribers: ["plugin", "new"] })).filter(
        ({ run: { id } }) => id === "run",
      );
      equal(fromOf(mixed), [1, 2, 3, 4], "from the lowest of both");
      equal(await outbox(store, { subscribers: [] }), [], "for nobody");
    },
  },
  {
    name: "doesn't hold runs of which everything is delivered",
    async body({ store }) {
      const run = await createRun(store);
      await commit(store, entryFor(run.id, { events: [note(1)], state: stateOf({ status: "COMPLETED" }) }));
      equal(idsOf(await outbox(store)), [run.id], "while it is owed");
      await commit(store, entryFor(run.id, { state: stateOf({ status: "COMPLETED", delivered: true }) }));
      equal(await outbox(store), [], "when all is delivered");
      equal(await outbox(store, { subscribers: ["came later"] }), [], "for who came later");
      await commit(store, entryFor(run.id, { state: stateOf({ epoch: 2 }), events: [note(2)] }));
      equal(idsOf(await outbox(store)), [run.id], "after a rerun");
    },
  },
  {
    name: "holds dead letters that were put back, with the records that they stand in",
    async body({ store }) {
      const run = await createRun(store);
      for (const values of [[1, 2], [3], [4], [5]])
        await commit(store, entryFor(run.id, { events: values.map(note) }));
      const done = stateOf({ status: "COMPLETED", delivered: true });
      const letters = [
        letterOf(run.id, 2),
        letterOf(run.id, 4),
        letterOf(run.id, 3, { subscriber: "plugin" }),
      ];
      await commit(
        store,
        entryFor(run.id, { letters, cursors: { sink: cursorOf(5), plugin: cursorOf(5) }, state: done }),
      );
      equal(await outbox(store), [], "while nobody put them back");
      await commit(
        store,
        entryFor(run.id, { letters: letters.map((letter) => ({ ...letter, replaying: true })) }),
      );
      const found = await outbox(store);
      equal(
        found[0]?.letters.map(({ subscriber, sequence }) => [subscriber, sequence]),
        [
          ["sink", 2],
          ["sink", 4],
        ],
        "the letters",
      );
      equal(fromOf(found), [1, 4], "the records that they stand in");
      await commit(
        store,
        entryFor(run.id, { cursors: { sink: cursorOf(5, { holder: "x", heldUntil: { in: LONG } }) } }),
      );
      equal(await outbox(store), [], "while the cursor is held");
      await commit(
        store,
        entryFor(run.id, {
          cursors: { sink: cursorOf(5) },
          dropLetters: [
            { subscriber: "sink", sequence: 2 },
            { subscriber: "sink", sequence: 4 },
          ],
        }),
      );
      equal(await outbox(store), [], "after they were delivered");
      equal((await outbox(store, { subscribers: ["plugin"] })).length, 1, "for the other subscriber");
    },
  },
]);
