/** What must still hold in the transaction: each guard by its name, and what a fallen one leaves (nothing). */
import type { Entry, GuardName, Guards, Store } from "../../ports/store.ts";
import { equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  claimOne,
  commit,
  createRun,
  creation,
  cursorOf,
  entryFor,
  jobOf,
  keyOf,
  LONG,
  note,
  payload,
  SHORT,
  snapshot,
  stageOf,
  stateOf,
  verdictOf,
} from "./rows.ts";

/** A run with a leased job, a cursor and a subscriber; `right` are guards that hold, `wrong` ones that don't. */
interface Guarded {
  readonly right: Guards;
  readonly wrong: readonly Guards[];
}

async function guarded(store: Store, name: GuardName): Promise<Guarded & { readonly runId: string }> {
  const run = await createRun(store, {}, "a");
  const job = await claimOne(store, run, "a");
  await commit(
    store,
    entryFor(run.id, {
      cursors: { sink: cursorOf(0, { token: 4 }) },
      counters: { set: { remaining: 3, active: 3 } },
    }),
  );
  const { version, subscribers } = await store.register(["sink"]);
  equal(subscribers.length, 1, "the subscribers");
  const right = { stageId: "a", token: job.token };
  const choices: Partial<Record<GuardName, Guarded>> = {
    version: {
      right: { version: run.version },
      wrong: [{ version: run.version + 1 }, { version: run.version - 1 }],
    },
    epoch: { right: { epoch: 1 }, wrong: [{ epoch: 2 }, { epoch: 0 }] },
    remaining: { right: { remaining: 3 }, wrong: [{ remaining: 2 }] },
    active: { right: { active: 3 }, wrong: [{ active: 2 }, { active: 4 }] },
    job: {
      right: { jobs: [{ ...right, attempt: job.attempt, leaseUntil: job.leaseUntil }] },
      wrong: [
        { jobs: [{ ...right, token: job.token - 1 }] },
        { jobs: [{ ...right, token: job.token + 1 }] },
        { jobs: [{ ...right, attempt: job.attempt + 1 }] },
        { jobs: [{ ...right, leaseUntil: job.leaseUntil - 1 }] },
        { jobs: [right, { stageId: "none", token: 0 }] },
      ],
    },
    cursor: {
      right: {
        cursors: [
          { subscriber: "sink", token: 4 },
          { subscriber: "new", token: 0 },
        ],
      },
      wrong: [
        { cursors: [{ subscriber: "sink", token: 3 }] },
        { cursors: [{ subscriber: "sink", token: 0 }] },
        { cursors: [{ subscriber: "new", token: 1 }] },
      ],
    },
    registry: { right: { registry: version }, wrong: [{ registry: version - 1 }, { registry: version + 1 }] },
    run: { right: {}, wrong: [{ gone: true }] },
  };
  return { runId: run.id, ...present(choices[name], `guards of ${name}`) };
}

/** An entry that touches every table that it can. */
function everything(runId: string, guards: Guards): Entry {
  const entry = entryFor(runId, {
    guards,
    state: stateOf({ status: "FAILED" }),
    counters: { set: { remaining: 0, active: 0 } },
    dropJobs: "all",
    jobs: [jobOf(runId, "z")],
    stages: [stageOf(runId, "a")],
    past: [{ ...stageOf(runId, "p"), startedAt: 1, endedAt: 2 }],
    signals: [{ runId, id: "s", name: "go", payload: payload(1) }],
    cursors: { sink: cursorOf(9, { token: 5 }) },
    events: [note(1)],
  });
  return { ...entry, key: { expect: null, put: keyOf(runId, `key of ${runId}`, entry.id) } };
}

function guardCase(name: GuardName): CaseBody {
  return {
    name: `"${name}" that doesn't hold leaves nothing, and its neighbours are committed`,
    async body({ store }) {
      const { runId, right, wrong } = await guarded(store, name);
      const before = await snapshot(store, runId);
      for (const guards of wrong) {
        const neighbours = [creation(), creation()] as const;
        const verdicts = await store.commit([neighbours[0], everything(runId, guards), neighbours[1]]);
        equal(
          verdicts.map(({ status }) => status),
          ["committed", "stale", "committed"],
          `verdicts around ${JSON.stringify(guards)}`,
        );
        equal(verdicts[1], { status: "stale", guard: name }, `the verdict on ${JSON.stringify(guards)}`);
        equal(await snapshot(store, runId), before, `the run after ${JSON.stringify(guards)}`);
        const key = { type: "test", key: `key of ${runId}` };
        equal((await store.load({ of: "run", runId, key })).key, null, "the key of a stale entry");
        for (const { runId: id } of neighbours) present(await store.run(id), "the neighbour's run");
      }
      equal(
        (await verdictOf(store, everything(runId, right))).status,
        "committed",
        "the verdict when it holds",
      );
    },
  };
}

export const guardCases: readonly CaseBody[] = group("guard", [
  ...(["version", "epoch", "remaining", "active", "job", "cursor", "registry", "run"] as const).map(
    guardCase,
  ),
  {
    name: '"run" keeps a run from being inserted twice, and rows from being written to none',
    async body({ store }) {
      const run = await createRun(store);
      const before = await snapshot(store, run.id);
      equal(
        await verdictOf(store, creation({ id: run.id })),
        { status: "stale", guard: "run" },
        "a second insertion",
      );
      equal(await snapshot(store, run.id), before, "the first run");
      equal(
        await verdictOf(store, everything("none", {})),
        { status: "stale", guard: "run" },
        "an entry for no run",
      );
      equal((await store.load({ of: "run", runId: "none" })).runs, [], "the run that is none");
    },
  },
  {
    name: '"gone" lets an entry drop what outlived its run, but never another run\'s',
    async body({ store }) {
      const run = await createRun(store);
      const heir = await createRun(store);
      const entry = entryFor(heir.id);
      await commit(store, { ...entry, key: { expect: null, put: keyOf(heir.id, "reused", entry.id) } });
      const orphan = entryFor(run.id);
      await commit(store, { ...orphan, key: { expect: null, put: keyOf(run.id, "orphan", orphan.id) } });
      await commit(store, entryFor(run.id, { purge: true }));
      const dropKeys = ["reused", "orphan", "none"].map((key) => ({ type: "test", key }));
      await commit(store, entryFor(run.id, { guards: { gone: true }, dropKeys }));
      const keyed = async (key: string) =>
        (await store.load({ of: "run", runId: heir.id, key: { type: "test", key } })).key;
      equal((await keyed("reused"))?.runId, heir.id, "a key that another run took over");
      equal(await keyed("orphan"), null, "the orphan");
    },
  },
  {
    name: "a lease that was renewed meanwhile keeps its job from being freed",
    async body({ store, advance }) {
      const run = await createRun(store, {}, "a");
      const job = await claimOne(store, run, "a", { leaseFor: SHORT });
      await advance(SHORT + 10);
      const { runs } = await store.load({ of: "stale", staleMs: null, dead: [], limit: 10 });
      const seen = present(runs[0]?.jobs[0], "the stale job");
      await store.jobs.heartbeat({ leases: [job], leaseFor: LONG });
      const free = entryFor(run.id, {
        guards: { jobs: [{ stageId: "a", token: seen.token, leaseUntil: seen.leaseUntil }] },
        jobs: [jobOf(run.id, "a", { token: seen.token + 1 })],
      });
      equal(await verdictOf(store, free), { status: "stale", guard: "job" }, "the verdict on freeing it");
    },
  },
  {
    name: "a lease that was lost keeps its worker from writing",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      const first = await claimOne(store, run, "a", { workerId: "first" });
      await store.jobs.release({ leases: [first] });
      const second = await claimOne(store, run, "a", { workerId: "second" });
      const finish = (token: number) =>
        entryFor(run.id, {
          guards: { epoch: 1, jobs: [{ stageId: "a", token }] },
          dropJobs: ["a"],
          stages: [stageOf(run.id, "a")],
        });
      equal(
        await verdictOf(store, finish(first.token)),
        { status: "stale", guard: "job" },
        "the first worker's finish",
      );
      equal((await verdictOf(store, finish(second.token))).status, "committed", "the second worker's finish");
    },
  },
  {
    name: "two entries that saw the same version: one wins",
    async body({ store, second }) {
      const run = await createRun(store);
      const other = second === undefined ? store : await second();
      const move = () => entryFor(run.id, { guards: { version: run.version }, state: stateOf({ group: 1 }) });
      const verdicts = await Promise.all([
        verdictOf(store, move()),
        verdictOf(other, move()),
        verdictOf(store, move()),
      ]);
      equal(verdicts.map(({ status }) => status).toSorted(), ["committed", "stale", "stale"], "the verdicts");
      equal((await store.run(run.id))?.run.version, run.version + 1, "the version");
    },
  },
  {
    name: "an earlier leader's entries are stale, all of them",
    needs: "leader",
    async body({ store }) {
      const run = await createRun(store);
      equal((await store.commit([entryFor(run.id)], 3))[0]?.status, "committed", "the first leader's entry");
      equal((await store.commit([entryFor(run.id)], 5))[0]?.status, "committed", "the next leader's entry");
      const before = await snapshot(store, run.id);
      const late = await store.commit([everything(run.id, {}), creation()], 4);
      equal(
        late,
        [1, 2].map(() => ({ status: "stale", guard: "epoch" })),
        "the earlier leader's entries",
      );
      equal(await snapshot(store, run.id), before, "the run");
      equal(
        (await store.commit([entryFor(run.id)], 5))[0]?.status,
        "committed",
        "the present leader's entry",
      );
    },
  },
]);
