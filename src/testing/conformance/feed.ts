/** What observers are told: the feed of changes, and the log of rows. */
import type { Change, ChangeRecord, Store } from "../../ports/store.ts";
import { ConformanceError, ensure, equal, present, refused } from "./assert.ts";
import { type CaseBody, group, type StoreHarness } from "./case.ts";
import {
  claimOne,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  jobOf,
  LONG,
  note,
  stageOf,
  stateOf,
  verdictOf,
} from "./rows.ts";

/** Waits for what comes by itself, such as a notification of a database. */
async function eventually(harness: StoreHarness, what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (holds()) return;
    await harness.advance(10);
  }
  throw new ConformanceError(what, "to come about", "nothing");
}

export const feedCases: readonly CaseBody[] = group("feed", [
  {
    name: "tells what was committed, after it was",
    async body(harness) {
      const { store } = harness;
      const told: Change[] = [];
      const stop = store.subscribe((changes) => told.push(...changes));
      const entry = creation();
      const run = { id: entry.runId, workflowId: entry.create?.workflowId ?? "" };
      await commit(store, {
        ...entry,
        jobs: [jobOf(run.id, "a", { workflowId: run.workflowId })],
        events: [note(1)],
      });
      await eventually(harness, "news of the new run", () => told.length > 0);
      const news = { kind: "commit", runId: run.id, workflowId: run.workflowId } as const;
      equal(told.at(-1), { ...news, status: "RUNNING", sequence: 1, due: true }, "the change");
      equal((await store.run(run.id))?.run.sequence, 1, "what is found then");

      await commit(
        store,
        entryFor(run.id, { dropJobs: ["a"], state: stateOf({ status: "COMPLETED" }), events: [note(2)] }),
      );
      await eventually(harness, "news of its end", () =>
        told.some((one) => one.kind === "commit" && one.sequence === 2),
      );
      equal(told.at(-1), { ...news, status: "COMPLETED", sequence: 2, due: false }, "the change");
      await commit(store, entryFor(run.id, { purge: true }));
      await eventually(harness, "news of its purge", () =>
        told.some((one) => one.kind === "commit" && one.status === "PURGED"),
      );

      stop();
      const before = told.length;
      await createRun(store);
      await harness.advance(50);
      equal(told.length, before, "what is told to who has left");
    },
  },
  {
    name: "doesn't tell of what was not committed",
    async body(harness) {
      const { store } = harness;
      const told: string[] = [];
      store.subscribe((changes) => told.push(...changes.map(({ runId }) => runId)));
      const run = await createRun(store);
      equal(
        (await verdictOf(store, entryFor(run.id, { guards: { version: 99 }, events: [note(1)] }))).status,
        "stale",
        "the verdict",
      );
      equal(
        (await verdictOf(store, { ...creation({ id: "bad" }), events: [note(() => 1)] })).status,
        "invalid",
        "the verdict",
      );
      const last = await createRun(store);
      await eventually(harness, "news of the last run", () => told.includes(last.id));
      equal(told, [run.id, last.id], "the runs that were told of");
    },
  },
  {
    name: "goes on when a listener throws",
    async body(harness) {
      const { store } = harness;
      let told = 0;
      store.subscribe(() => {
        throw new Error("a listener's fault");
      });
      store.subscribe((changes) => {
        told += changes.length;
      });
      await createRun(store);
      await createRun(store);
      await eventually(harness, "news of both runs", () => told === 2);
    },
  },
  {
    name: "says when leases that were given back make jobs due",
    async body(harness) {
      const { store } = harness;
      const run = await createRun(store, {}, "a");
      const job = await claimOne(store, run, "a");
      const told: Change[] = [];
      store.subscribe((changes) => told.push(...changes));
      await store.jobs.release({ leases: [job] });
      await eventually(harness, "news of the free job", () =>
        told.some((one) => one.kind === "commit" && one.due),
      );
    },
  },
  {
    name: "passes on live progress",
    async body(harness) {
      const { store } = harness;
      const run = await createRun(store);
      const told: Change[] = [];
      store.subscribe((changes) => told.push(...changes));
      const progress = {
        kind: "progress",
        runId: run.id,
        stageId: "a",
        epoch: 1,
        attempt: 1,
        progress: 0.5,
        details: { page: 3 },
      } as const;
      store.announce(progress);
      await eventually(harness, "the progress", () => told.some(({ kind }) => kind === "progress"));
      equal(
        told.find(({ kind }) => kind === "progress"),
        progress,
        "the progress",
      );
    },
  },
]);

function touched({ rows }: ChangeRecord): string[] {
  return rows.map(({ table }) => table).toSorted();
}

async function last(store: Store): Promise<ChangeRecord> {
  return present((await store.changes({})).at(-1), "a change record");
}

export const changeCases: readonly CaseBody[] = group("change log", [
  {
    name: "is empty unless it was asked for",
    async body({ store }) {
      await createRun(store);
      equal(await store.changes({}), [], "the log");
    },
  },
  {
    name: "shows each commit's rows, before and after",
    record: "changes",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      const job = await claimOne(store, run, "a");
      const found = present(await store.run(run.id), "the run");
      const [one, two] = [
        entryFor(run.id, {
          command: "finish",
          dropJobs: ["a"],
          stages: [stageOf(run.id, "a")],
          state: stateOf(),
          events: [note(1)],
        }),
        creation(),
      ];
      await store.commit([one, entryFor("none"), two]);
      const log = await store.changes({});
      equal(
        log.map(({ n }) => n),
        log.map((_, index) => index + 1),
        "the numbers",
      );
      const [finish, create] = log.slice(-2);
      ensure(finish !== undefined && create !== undefined, "two records");
      equal(
        [finish.entry, finish.command, finish.runId, create.entry],
        [one.id, "finish", run.id, two.id],
        "whose they are",
      );
      equal(finish.commit, create.commit, "the transaction that they share");
      equal(touched(finish), ["job", "journal", "run", "stage"], "the rows");
      const row = (table: string) =>
        present(
          finish.rows.find((candidate) => candidate.table === table),
          table,
        );
      equal([row("job").before, row("job").after], [job, null], "the job's row");
      equal(row("run").before, found.run, "the head before");
      const after = present(await store.run(run.id), "the run");
      equal(row("run").after, after.run, "the head after");
      equal([row("stage").before, row("stage").after], [null, after.stages[0]], "the record's row");
      const [claimed] = log.slice(-3);
      equal(
        claimed?.rows.map(({ table }) => table),
        ["job"],
        "the rows of a claim",
      );
      equal(claimed?.rows[0]?.after, job, "the claimed job's row");
    },
  },
  {
    name: "is read from a number on, by run, to a limit",
    record: "changes",
    async body({ store }) {
      const [one, two] = [await createRun(store), await createRun(store)];
      for (let round = 0; round < 3; round += 1) {
        await commit(store, entryFor(one.id, { events: [note(round)] }));
        await commit(store, entryFor(two.id, { events: [note(round)] }));
      }
      const numbers = async (query: object) => (await store.changes(query)).map(({ n }) => n);
      equal(await numbers({}), [1, 2, 3, 4, 5, 6, 7, 8], "all");
      equal(await numbers({ after: 5 }), [6, 7, 8], "after the fifth");
      equal(await numbers({ after: 2, runId: one.id, limit: 2 }), [3, 5], "two of a run");
      equal(await numbers({ after: 8 }), [], "after the last");
      for (const query of [{ after: -1 }, { limit: -1 }, { limit: Number.NaN }]) {
        await refused(() => store.changes(query), "INVALID_OPTION", `changes with ${JSON.stringify(query)}`);
      }
      equal(new Set((await store.changes({})).map(({ commit: of }) => of)).size, 8, "transactions");
    },
  },
  {
    name: "shows that finishing a stage costs the same in a wide group as in a narrow one",
    record: "changes",
    async body({ store }) {
      const counts: string[][] = [];
      for (const width of [2, 300]) {
        const ids = Array.from({ length: width }, (_, index) => `s${index}`);
        const graph = graphOf(`w${width}`, [ids]);
        const run = await createRun(
          store,
          { graph, entry: { counters: { set: { remaining: width, active: width } } } },
          ...ids,
        );
        const { claimed } = await store.jobs.claim({
          workerId: "w",
          handlers: new Set([`w${width}/s1`]),
          kinds: ["execute"],
          limit: 1,
          leaseFor: LONG,
        });
        counts.push(touched(await last(store)));
        const job = present(claimed[0], "a claimed job").job;
        await commit(
          store,
          entryFor(run.id, {
            guards: { epoch: 1, jobs: [{ stageId: job.stageId, token: job.token }] },
            dropJobs: [job.stageId],
            stages: [stageOf(run.id, job.stageId)],
            counters: { add: { remaining: -1, active: -1 } },
            events: [note(1)],
          }),
        );
        counts.push(touched(await last(store)));
      }
      const [narrowClaim, narrowFinish, wideClaim, wideFinish] = counts;
      equal(wideClaim, narrowClaim, "rows of a claim");
      equal(wideFinish, narrowFinish, "rows of a finish");
      equal(wideFinish, ["job", "journal", "run", "stage"], "rows of a finish");
    },
  },
]);
