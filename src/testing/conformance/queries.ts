/** What clients and UIs ask. */
import type { LogBatch, LogLevel } from "../../model.ts";
import type { Store } from "../../ports/store.ts";
import { ensure, equal, present, refused, within } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { commit, createRun, creation, entryFor, graphOf, letterOf, note, stateOf, unique } from "./rows.ts";

function logs(
  runId: string,
  from: number,
  levels: readonly LogLevel[],
  change: Partial<LogBatch> = {},
): LogBatch {
  const lines = levels.map((level, index) => ({ at: from + index, level, message: `line ${from + index}` }));
  return { runId, stageId: "a", epoch: 1, attempt: 1, from, lines, ...change };
}

function messages(batches: readonly LogBatch[]): string[] {
  return batches.flatMap(({ lines }) => lines.map(({ message }) => message));
}

async function pages(
  store: Store,
  limit: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<string[][]> {
  const found: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await store.runs({ limit, ...(cursor === undefined ? {} : { cursor }) });
    found.push(page.rows.map(({ id }) => id));
    cursor = page.next ?? undefined;
    await between();
  } while (cursor !== undefined && found.length < 20);
  return found;
}

export const queryCases: readonly CaseBody[] = group("query", [
  {
    name: "of runs lists the newest first, in pages that new runs don't shift",
    async body({ store, advance }) {
      const ids = ["r0", "r1", "r2", "r3", "r4", "r5", "r6"];
      for (const id of ids) {
        await createRun(store, { id });
        await advance(2);
      }
      const newest = ids.toReversed();
      equal(
        await pages(store, 3),
        [newest.slice(0, 3), newest.slice(3, 6), newest.slice(6)],
        "pages of three",
      );
      equal(await pages(store, 7), [newest], "one page of all");
      equal(await pages(store, 100), [newest], "a page larger than all");
      const stable = await pages(store, 2, () => createRun(store, { id: unique("new") }));
      equal(stable.flat(), newest, "pages while runs are created");
      const [first] = await pages(store, 4);
      await commit(store, entryFor("r6", { purge: true }));
      equal(first?.length, 4, "a page before a purge");
    },
  },
  {
    name: "of runs goes on after runs of the page before were purged",
    async body({ store }) {
      const graph = graphOf("w", [["a"]]);
      const batch = Array.from({ length: 6 }, (_, index) => creation({ id: `r${index}`, graph }));
      for (const entry of batch) await commit(store, entry);
      const { rows, next } = await store.runs({ limit: 3 });
      for (const { id } of rows) await commit(store, entryFor(id, { purge: true }));
      const rest = await store.runs({ limit: 3, cursor: present(next, "a cursor") });
      equal(
        [...rows, ...rest.rows].map(({ id }) => id).toSorted(),
        batch.map(({ runId }) => runId),
        "all pages",
      );
    },
  },
  {
    name: "of runs filters by status and workflow",
    async body({ store }) {
      const [one, two] = [graphOf("one", [["a"]]), graphOf("two", [["a"]])];
      await commit(store, creation({ id: "a", graph: one, state: { status: "PENDING" } }));
      await commit(store, creation({ id: "b", graph: two, state: { status: "FAILED" } }));
      await commit(store, creation({ id: "c", graph: one, state: { status: "FAILED" } }));
      const ids = async (filter: Parameters<Store["runs"]>[0]) =>
        (await store.runs(filter)).rows.map(({ id }) => id).toSorted();
      equal(await ids({}), ["a", "b", "c"], "no filter");
      equal(await ids({ status: ["FAILED"] }), ["b", "c"], "a status");
      equal(
        await ids({ status: ["FAILED", "PENDING"], workflowId: "one" }),
        ["a", "c"],
        "statuses and a workflow",
      );
      equal(await ids({ status: [] }), [], "no status");
      equal(await ids({ workflowId: "none" }), [], "a workflow that isn't there");
      const page = await store.runs({ status: ["FAILED"], limit: 1 });
      const rest = await store.runs({ status: ["FAILED"], limit: 1, cursor: present(page.next, "a cursor") });
      equal([...page.rows, ...rest.rows].map(({ id }) => id).toSorted(), ["b", "c"], "filtered pages");
    },
  },
  {
    name: "of a run by its key gives the latest",
    async body({ store }) {
      equal(await store.runByKey("upload"), null, "a key that nobody used");
      await createRun(store, { id: "one", key: "upload" });
      await createRun(store, { id: "two", key: "upload" });
      equal((await store.runByKey("upload"))?.id, "two", "the latest");
      await commit(store, entryFor("two", { purge: true }));
      equal((await store.runByKey("upload"))?.id, "one", "after the latest was purged");
      await commit(store, entryFor("one", { purge: true }));
      equal(await store.runByKey("upload"), null, "after both were");
    },
  },
  {
    name: "of a run by its key doesn't find forks, whose keys are another command's",
    async body({ store }) {
      const forkedFrom = { runId: "one", stageId: "a" };
      await createRun(store, { id: "early", key: "upload", forkedFrom });
      equal(await store.runByKey("upload"), null, "a fork's key");
      await createRun(store, { id: "one", key: "upload" });
      await createRun(store, { id: "late", key: "upload", forkedFrom });
      equal((await store.runByKey("upload"))?.id, "one", "the run beside its forks");
    },
  },
  {
    name: "of events starts after a sequence and stops at a limit",
    async body({ store }) {
      const run = await createRun(store);
      const at: number[] = [];
      for (const values of [[1, 2, 3], [4], [5, 6]]) {
        const committed = await commit(store, entryFor(run.id, { events: values.map(note) }));
        at.push(...values.map(() => committed.at));
      }
      const all = await store.events({ run: run.id });
      equal(
        all.map(({ id, sequence, type, timestamp, workflowRunId, workflowId }) => [
          id,
          sequence,
          type,
          timestamp,
          workflowRunId,
          workflowId,
        ]),
        at.map((instant, index) => [
          `${run.id}:${index + 1}`,
          index + 1,
          "annotation:created",
          instant,
          run.id,
          run.workflowId,
        ]),
        "all events",
      );
      const sequences = async (query: object) =>
        (await store.events({ run: run.id, ...query })).map(({ sequence }) => sequence);
      equal(await sequences({ after: 1 }), [2, 3, 4, 5, 6], "after the first");
      equal(await sequences({ after: 1, limit: 4 }), [2, 3, 4, 5], "four after the first");
      equal(await sequences({ after: 6 }), [], "after the last");
      equal(await sequences({ after: 999 }), [], "after more than there are");
      equal(await sequences({ limit: 0 }), [], "none");
      equal(await store.events({ run: "none" }), [], "of a run that isn't there");
    },
  },
  {
    name: "of logs gives lines in their order, by stage and level",
    async body({ store }) {
      const run = await createRun(store);
      await store.appendLogs([
        logs(run.id, 0, ["DEBUG", "INFO"]),
        logs(run.id, 2, ["WARN", "ERROR"]),
        logs("none", 0, ["INFO"]),
        logs(run.id, 0, ["INFO"], {
          stageId: "b",
          lines: [{ at: 1, level: "INFO", message: "of b", meta: { n: 1n } }],
        }),
      ]);
      await store.appendLogs([logs(run.id, 4, ["INFO"])]);
      const of = async (query: object) =>
        messages(await store.logs({ runId: run.id, stageId: "a", ...query }));
      equal(
        await of({}),
        [0, 1, 2, 3, 4].map((line) => `line ${line}`),
        "one stage's",
      );
      equal(await of({ level: "WARN" }), ["line 2", "line 3"], "warnings and worse");
      equal(await of({ limit: 3 }), ["line 0", "line 1", "line 2"], "at most so many lines");
      equal(await of({ stageId: "c" }), [], "another stage's");
      const all = await store.logs({ runId: run.id });
      equal(messages(all).length, 6, "all of the run");
      equal(all.find(({ stageId }) => stageId === "b")?.lines[0]?.meta, { n: 1n }, "what a line carries");
      equal(await store.logs({ runId: "none" }), [], "lines of a run that isn't there");
      const first = present(all[0], "a batch");
      equal([first.runId, first.epoch, first.attempt, first.from], [run.id, 1, 1, 0], "a batch");
    },
  },
  {
    name: "of logs has a batch once, however often it was sent",
    async body({ store }) {
      const run = await createRun(store);
      const batch = logs(run.id, 0, ["INFO", "INFO"]);
      await store.appendLogs([batch]);
      await store.appendLogs([batch, logs(run.id, 2, ["INFO"])]);
      equal(messages(await store.logs({ runId: run.id })), ["line 0", "line 1", "line 2"], "the lines");
      await store.appendLogs([logs(run.id, 0, ["INFO"], { attempt: 2 })]);
      equal(messages(await store.logs({ runId: run.id })).length, 4, "lines with another attempt's");
    },
  },
  {
    name: "of dead letters filters by run and subscriber",
    async body({ store }) {
      const [one, two] = [await createRun(store, { id: "one" }), await createRun(store, { id: "two" })];
      await commit(
        store,
        entryFor(one.id, {
          letters: [letterOf("one", 1), letterOf("one", 2, { subscriber: "plugin", replaying: true })],
        }),
      );
      await commit(store, entryFor(two.id, { letters: [letterOf("two", 1)] }));
      const of = async (query: object) =>
        (await store.letters(query))
          .map(({ runId, subscriber, sequence }) => `${runId}/${subscriber}/${sequence}`)
          .toSorted();
      equal(await of({}), ["one/plugin/2", "one/sink/1", "two/sink/1"], "all");
      equal(await of({ runId: "one" }), ["one/plugin/2", "one/sink/1"], "one run's");
      equal(await of({ subscriber: "sink" }), ["one/sink/1", "two/sink/1"], "one subscriber's");
      equal((await of({ limit: 2 })).length, 2, "at most so many");
    },
  },
  {
    name: "of subscribers has a version that grows with the list, and keeps since when",
    async body({ store, advance }) {
      const empty = await store.register([]);
      equal(empty.subscribers, [], "nobody");
      const { now } = await store.load({ of: "run", runId: "none" });
      const first = await store.register(["sink", "sink"]);
      equal(
        first.subscribers.map(({ name }) => name),
        ["sink"],
        "the first",
      );
      ensure(first.version > empty.version, "a version that grew");
      within(first.subscribers[0]?.since ?? null, now, now + 60_000, "since when");
      await advance(5);
      const second = await store.register(["plugin", "sink"]);
      equal(second.subscribers.map(({ name }) => name).toSorted(), ["plugin", "sink"], "both");
      equal(
        second.subscribers.find(({ name }) => name === "sink"),
        first.subscribers[0],
        "since when the first is there",
      );
      equal(await store.register(["sink"]), second, "registered again");
      const third = await store.unregister("sink");
      equal(
        third.subscribers.map(({ name }) => name),
        ["plugin"],
        "after one left",
      );
      ensure(third.version > second.version, "a version that grew again");
      equal(await store.unregister("none"), third, "after nobody left");
      const again = await store.register(["sink"]);
      const since = (list: typeof again) => list.subscribers.find(({ name }) => name === "sink")?.since ?? 0;
      ensure(since(again) > since(first), "who comes back begins anew");
    },
  },
  {
    name: "of the storage counts the runs",
    async body({ store }) {
      await createRun(store);
      await createRun(store);
      const report = await store.storage();
      equal([report.kind, report.runs], [store.kind, 2], "kind and runs");
    },
  },
  {
    name: "with absurd numbers is refused",
    async body({ store }) {
      const run = (await createRun(store)).id;
      const bad = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY];
      for (const limit of bad) {
        const what = `with limit ${limit}`;
        await refused(() => store.runs({ limit }), "INVALID_OPTION", `runs ${what}`);
        await refused(() => store.events({ run, limit }), "INVALID_OPTION", `events ${what}`);
        await refused(() => store.logs({ runId: run, limit }), "INVALID_OPTION", `logs ${what}`);
        await refused(() => store.letters({ limit }), "INVALID_OPTION", `letters ${what}`);
        await refused(() => store.events({ run, after: limit }), "INVALID_OPTION", `events after ${limit}`);
      }
      for (const cursor of ["", "nonsense", "-1"]) {
        await refused(
          () => store.runs({ cursor }),
          "INVALID_OPTION",
          `runs with cursor ${JSON.stringify(cursor)}`,
        );
      }
    },
  },
  {
    name: "answers what was committed before it was asked",
    async body({ store, second }) {
      const other = second === undefined ? store : await second();
      const run = await createRun(store);
      equal((await other.run(run.id))?.run.id, run.id, "a run created elsewhere");
      await commit(other, entryFor(run.id, { state: stateOf({ status: "CANCELLED" }) }));
      equal((await store.run(run.id))?.run.status, "CANCELLED", "a run cancelled elsewhere");
    },
  },
]);
