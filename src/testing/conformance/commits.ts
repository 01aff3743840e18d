/** What an entry writes, and how the store completes it. */
import { NOW } from "../../ports/store.ts";
import { ensure, equal, present, within } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  commit,
  createRun,
  creation,
  cursorOf,
  entryFor,
  graphOf,
  headOf,
  jobOf,
  keyOf,
  letterOf,
  note,
  notedIn,
  payload,
  stageOf,
  stateOf,
} from "./rows.ts";

export const commitCases: readonly CaseBody[] = group("commit", [
  {
    name: "inserts a run with all its rows",
    async body({ store }) {
      const { now } = await store.load({ of: "run", runId: "none" });
      const graph = graphOf("w", [["a"], ["b"]]);
      const entry = creation({ graph, priority: 7, key: "upload-7" });
      const { runId } = entry;
      const committed = await commit(store, {
        ...entry,
        jobs: [jobOf(runId, "a", { workflowId: "w" })],
        stages: [stageOf(runId, "b")],
        signals: [{ runId, id: "s1", name: "go", payload: payload(1) }],
        letters: [letterOf(runId, 1)],
        cursors: { sink: cursorOf(1) },
        counters: { set: { remaining: 2, active: 1 } },
        key: { expect: null, put: keyOf(runId, "k", entry.id) },
        events: [note(1), note(2)],
      });
      const found = present(await store.run(runId), "the run");
      const { run } = found;
      equal(
        [run.workflowId, run.graph, run.priority, run.key, run.status, run.epoch, run.entry, run.settledAt],
        ["w", graph.hash, 7, "upload-7", "RUNNING", 1, entry.id, null],
        "the head",
      );
      equal([run.sequence, run.remaining, run.active], [2, 2, 1], "sequence and counters");
      const { at, version, sequence, remaining, active } = committed;
      equal(
        [run.version, run.sequence, run.remaining, run.active],
        [version, sequence, remaining, active],
        "the verdict",
      );
      equal([run.createdAt, run.updatedAt], [at, at], "the head's instants");
      within(at, now, (await store.load({ of: "run", runId })).now, "the commit's instant");
      equal(found.graph, graph, "the graph");
      equal(found.body, { runId, input: payload({ of: runId }), config: payload({}) }, "the body");
      equal(
        found.jobs.map(({ stageId }) => stageId),
        ["a"],
        "the jobs",
      );
      equal(
        found.stages.map(({ stageId }) => stageId),
        ["b"],
        "the stage records",
      );
      equal(
        found.signals.map(({ id }) => id),
        ["s1"],
        "the signals",
      );
      equal(
        found.keys.map(({ key }) => key),
        ["k"],
        "the keys",
      );
      equal(
        (await store.letters({ runId })).map(({ sequence: of }) => of),
        [1],
        "the dead letters",
      );
      equal(run.cursors.sink, { ...cursorOf(1) }, "the cursor");
      equal((await store.runByKey("upload-7"))?.id, runId, "the run by its key");
    },
  },
  {
    name: "grows the version with every state, and only then",
    async body({ store }) {
      const run = await createRun(store);
      const plain = await commit(store, entryFor(run.id, { events: [note(1)] }));
      equal(plain.version, run.version, "the version after an entry without state");
      const moved = await commit(
        store,
        entryFor(run.id, { state: stateOf({ status: "SUSPENDED", group: 1 }) }),
      );
      equal(moved.version, run.version + 1, "the version after an entry with state");
      const head = await headOf(store, run.id);
      equal([head.status, head.group, head.sequence], ["SUSPENDED", 1, plain.sequence], "the head");
    },
  },
  {
    name: "turns durations into instants at the commit",
    async body({ store }) {
      const run = await createRun(store);
      const { at } = await commit(
        store,
        entryFor(run.id, {
          jobs: [
            jobOf(run.id, "in", {
              worker: "w",
              leaseUntil: { in: 500 },
              renewedAt: NOW,
              dueAt: { in: 1000 },
              deadlineAt: { in: 2000 },
              startedAt: NOW,
            }),
            jobOf(run.id, "at", { dueAt: 12_345, enqueuedAt: 7, deadlineAt: null }),
            jobOf(run.id, "never", { dueAt: null }),
          ],
          stages: [stageOf(run.id, "a", { startedAt: 5, endedAt: NOW })],
          cursors: { sink: cursorOf(0, { holder: "me", heldUntil: { in: 300 }, dueAt: { in: 400 } }) },
          letters: [letterOf(run.id, 1)],
        }),
      );
      const found = present(await store.run(run.id), "the run");
      const job = (stageId: string) =>
        present(
          found.jobs.find((one) => one.stageId === stageId),
          `job ${stageId}`,
        );
      const { leaseUntil, renewedAt, dueAt, deadlineAt, startedAt, enqueuedAt } = job("in");
      equal(
        [leaseUntil, renewedAt, dueAt, deadlineAt, startedAt, enqueuedAt],
        [at + 500, at, at + 1000, at + 2000, at, at],
        "the job's instants",
      );
      equal(
        [job("at").dueAt, job("at").enqueuedAt, job("at").deadlineAt],
        [12_345, 7, null],
        "absolute instants",
      );
      equal(job("never").dueAt, null, "a job that never becomes due");
      equal([found.stages[0]?.startedAt, found.stages[0]?.endedAt], [5, at], "the record's instants");
      equal(
        [found.run.cursors.sink?.heldUntil, found.run.cursors.sink?.dueAt],
        [at + 300, at + 400],
        "the cursor's",
      );
      equal((await store.letters({ runId: run.id }))[0]?.at, at, "the dead letter's");
    },
  },
  {
    name: "allots sequences without gaps, in the order of the commits",
    async body({ store }) {
      const one = await createRun(store);
      const two = await createRun(store);
      const written: number[] = [];
      for (let round = 0; round < 30; round += 1) {
        const values = Array.from({ length: round % 4 }, (_, index) => round * 10 + index);
        written.push(...values);
        const verdicts = await store.commit([
          entryFor(one.id, { events: values.map(note) }),
          entryFor(two.id, { events: [note(round)] }),
        ]);
        const [first] = verdicts;
        ensure(first?.status === "committed", "the entry is committed");
        equal(first.sequence, written.length, "the sequence in the verdict");
      }
      const events = await store.events({ run: one.id });
      equal(
        events.map(({ sequence }) => sequence),
        written.map((_, index) => index + 1),
        "the sequences",
      );
      equal(events.map(notedIn), written, "the events in their order");
      equal(
        events.map(({ id }) => id),
        written.map((_, index) => `${one.id}:${index + 1}`),
        "the ids",
      );
      equal((await store.events({ run: two.id })).length, 30, "the other run's events");
    },
  },
  {
    name: "gives each entry of a batch its own verdict, in their order",
    async body({ store }) {
      const run = await createRun(store);
      const first = entryFor(run.id);
      await commit(store, { ...first, key: { expect: null, put: keyOf(run.id, "k", first.id) } });
      const [good, stale, duplicate, invalid, last] = [
        creation(),
        creation({ id: run.id }),
        creation(),
        { ...creation(), events: [note(() => 1)] },
        creation(),
      ];
      const put = keyOf(duplicate.runId, "k", duplicate.id);
      const verdicts = await store.commit([
        good,
        stale,
        { ...duplicate, key: { expect: null, put } },
        invalid,
        last,
      ]);
      equal(
        verdicts.map(({ status }) => status),
        ["committed", "stale", "duplicate", "invalid", "committed"],
        "the verdicts",
      );
      const found = await Promise.all([good, duplicate, invalid, last].map(({ runId }) => store.run(runId)));
      equal(
        found.map((one) => one?.run.entry),
        [good.id, undefined, undefined, last.id],
        "the runs",
      );
      equal(await store.commit([]), [], "the verdicts on nothing");
    },
  },
  {
    name: "sets counters and adds to them",
    async body({ store }) {
      const run = await createRun(store);
      const set = await commit(store, entryFor(run.id, { counters: { set: { remaining: 5, active: 4 } } }));
      equal([set.remaining, set.active], [5, 4], "set");
      const add = await commit(store, entryFor(run.id, { counters: { add: { remaining: -1, active: -2 } } }));
      equal([add.remaining, add.active], [4, 2], "added");
      const none = await commit(store, entryFor(run.id));
      equal([none.remaining, none.active], [4, 2], "left alone");
    },
  },
  {
    name: "drops before it puts",
    async body({ store }) {
      const run = await createRun(store, {}, "a", "b");
      await commit(
        store,
        entryFor(run.id, {
          stages: [stageOf(run.id, "a"), stageOf(run.id, "b")],
          signals: [{ runId: run.id, id: "s1", name: "go", payload: payload(1) }],
          letters: [letterOf(run.id, 1), letterOf(run.id, 2)],
        }),
      );
      await commit(
        store,
        entryFor(run.id, {
          dropJobs: "all",
          jobs: [jobOf(run.id, "a", { attempt: 7 })],
          dropStages: ["a", "b", "none"],
          stages: [stageOf(run.id, "b", { attempt: 7 })],
          dropSignals: ["s1"],
          signals: [{ runId: run.id, id: "s2", name: "go", payload: payload(2) }],
          dropLetters: [{ subscriber: "sink", sequence: 1 }],
        }),
      );
      const found = present(await store.run(run.id), "the run");
      equal(
        found.jobs.map(({ stageId, attempt }) => [stageId, attempt]),
        [["a", 7]],
        "the jobs",
      );
      equal(
        found.stages.map(({ stageId, attempt }) => [stageId, attempt]),
        [["b", 7]],
        "the stage records",
      );
      equal(
        found.signals.map(({ id }) => id),
        ["s2"],
        "the signals",
      );
      equal(
        (await store.letters({ runId: run.id })).map(({ sequence }) => sequence),
        [2],
        "the dead letters",
      );
    },
  },
  {
    name: "remembers when a run was settled, and forgets it with a rerun",
    async body({ store, advance }) {
      const run = await createRun(store);
      const { at } = await commit(store, entryFor(run.id, { state: stateOf({ status: "COMPLETED" }) }));
      await advance(5);
      await commit(store, entryFor(run.id, { state: stateOf({ status: "COMPLETED", delivered: true }) }));
      equal((await headOf(store, run.id)).settledAt, at, "when it was settled");
      await commit(store, entryFor(run.id, { state: stateOf({ status: "PENDING", epoch: 2 }) }));
      equal((await headOf(store, run.id)).settledAt, null, "after a rerun");
    },
  },
  {
    name: "keeps records of earlier epochs apart",
    async body({ store }) {
      const run = await createRun(store);
      await commit(store, entryFor(run.id, { stages: [stageOf(run.id, "a", { endedAt: 9 })] }));
      const { stages } = present(await store.run(run.id), "the run");
      await commit(store, entryFor(run.id, { past: stages, dropStages: ["a"] }));
      await commit(store, entryFor(run.id, { stages: [stageOf(run.id, "a", { epoch: 2 })] }));
      equal(await store.past(run.id), stages, "the past");
      equal(
        (await store.run(run.id))?.stages.map(({ epoch }) => epoch),
        [2],
        "the present",
      );
    },
  },
]);
