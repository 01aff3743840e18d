/** What commands load: each scope sees what it must, in its order, and nothing else. */
import type { RunState } from "../../model.ts";
import type { Scope, Store } from "../../ports/store.ts";
import { equal, present, refused } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  claimOne,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  jobOf,
  LONG,
  letterOf,
  note,
  payload,
  SHORT,
  stageOf,
  stateOf,
} from "./rows.ts";

type Load<Kind extends Scope["of"]> = Partial<Extract<Scope, { of: Kind }>>;

async function ids(store: Store, scope: Scope): Promise<string[]> {
  return (await store.load(scope)).runs.map(({ run }) => run.id);
}

export const scopeCases: readonly CaseBody[] = group("load", [
  {
    name: "of a run reads what is asked for, and no more",
    async body({ store }) {
      const graph = graphOf("w", [["a", "b", "c"]]);
      const run = await createRun(store, { graph }, "a", "b", "c");
      await commit(
        store,
        entryFor(run.id, {
          stages: ["a", "b", "c"].map((id) => stageOf(run.id, id)),
          signals: [{ runId: run.id, id: "s", name: "go", payload: payload(1) }],
          events: [note(1)],
        }),
      );
      const load = async (wanted: object) =>
        present((await store.load({ of: "run", runId: run.id, ...wanted })).runs[0], "the run");
      const { run: head, ...bare } = await load({});
      equal(head.id, run.id, "the head");
      const nothing = {
        graph: null,
        body: null,
        jobs: [],
        stages: [],
        signals: [],
        journal: [],
        letters: [],
        keys: [],
      };
      equal(bare, nothing, "what comes unasked");
      const some = await load({ jobs: ["c", "none"], stages: ["b"], signals: true, graph: true, body: true });
      equal(
        [some.jobs.map(({ stageId }) => stageId), some.stages.map(({ stageId }) => stageId)],
        [["c"], ["b"]],
        "rows by stage",
      );
      equal(
        [some.signals.length, some.graph?.hash, some.body?.runId],
        [1, graph.hash, run.id],
        "signals, graph and body",
      );
      const all = await load({ jobs: "all", stages: "all" });
      equal([all.jobs.length, all.stages.length], [3, 3], "all rows");
      const none = await store.load({ of: "run", runId: "none", graph: true, jobs: "all" });
      equal(
        [none.runs, none.key, none.orphans, none.settled],
        [[], null, [], null],
        "a run that isn't there",
      );
    },
  },
  {
    name: "of pending runs goes by priority, then age",
    async body({ store, advance }) {
      const graphs = { one: graphOf("one", [["a"]]), two: graphOf("two", [["a"]]) };
      const order: readonly (readonly [
        id: string,
        graph: "one" | "two",
        priority: number,
        status: RunState["status"],
      ])[] = [
        ["old", "one", 0, "PENDING"],
        ["running", "one", 9, "RUNNING"],
        ["high", "two", 5, "PENDING"],
        ["middle", "two", 0, "PENDING"],
        ["done", "one", 9, "COMPLETED"],
        ["young", "one", 0, "PENDING"],
        ["low", "one", -1, "PENDING"],
      ];
      for (const [id, graph, priority, status] of order) {
        await commit(store, creation({ id, graph: graphs[graph], priority, state: { status } }));
        await advance(2);
      }
      const pending = (change: Load<"pending">): Scope => ({
        of: "pending",
        workflowIds: null,
        limit: 10,
        ...change,
      });
      equal(await ids(store, pending({})), ["high", "old", "middle", "young", "low"], "all");
      equal(await ids(store, pending({ limit: 2 })), ["high", "old"], "the first two");
      equal(await ids(store, pending({ limit: 0 })), [], "none of them");
      equal(await ids(store, pending({ workflowIds: ["one"] })), ["old", "young", "low"], "one workflow's");
      equal(
        await ids(store, pending({ workflowIds: ["two", "one", "three"] })),
        ["high", "old", "middle", "young", "low"],
        "several workflows'",
      );
      equal(await ids(store, pending({ workflowIds: [] })), [], "no workflow's");
      equal((await store.load(pending({}))).runs[0]?.graph, graphs.two, "the graph that comes with it");
      await commit(store, entryFor("old", { state: stateOf() }));
      await commit(store, entryFor("running", { state: stateOf({ status: "PENDING", epoch: 2 }) }));
      equal(
        await ids(store, pending({})),
        ["running", "high", "middle", "young", "low"],
        "after one began and one was rerun",
      );
    },
  },
  {
    name: "of stale leases finds the expired, the silent and the dead",
    async body({ store, advance }) {
      const graph = graphOf("w", [["a", "b", "c"]]);
      const run = await createRun(store, { graph }, "a", "b", "c");
      const other = await createRun(store, { graph }, "a");
      const only = (runId: string, stageId: string) => ({ only: { runId, stageId } });
      await claimOne(store, run, "a", { ...only(run.id, "a"), workerId: "brief", leaseFor: SHORT });
      await claimOne(store, run, "b", { ...only(run.id, "b"), workerId: "silent" });
      await claimOne(store, other, "a", { ...only(other.id, "a"), workerId: "dead" });
      const stale = async (change: Load<"stale">) => {
        const { runs } = await store.load({ of: "stale", staleMs: null, dead: [], limit: 10, ...change });
        return runs
          .flatMap(({ run: { id }, jobs }) =>
            jobs.map((job) => `${id === run.id ? "run" : "other"}/${job.stageId}`),
          )
          .toSorted();
      };
      equal(await stale({ staleMs: LONG }), [], "fresh leases");
      equal(await stale({ dead: ["dead", "none"] }), ["other/a"], "a dead worker's");
      await advance(SHORT + 10);
      equal(await stale({}), ["run/a"], "the expired");
      equal(await stale({ staleMs: SHORT }), ["other/a", "run/a", "run/b"], "those that were not renewed");
      equal((await stale({ staleMs: SHORT, limit: 2 })).length, 2, "at most so many jobs");
      const { runs } = await store.load({ of: "stale", staleMs: null, dead: [], limit: 10 });
      equal(
        [runs[0]?.graph?.hash, runs[0]?.run.id],
        [graph.hash, run.id],
        "graph and head that come with it",
      );
    },
  },
  {
    name: "of stuck runs finds live ones without any job",
    async body({ store, advance }) {
      const status = ["PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "FAILED", "CANCELLED"] as const;
      for (const one of status) await commit(store, creation({ id: one, state: { status: one } }));
      const waiting = await createRun(store, { id: "waiting" });
      await commit(
        store,
        entryFor(waiting.id, {
          jobs: [jobOf("waiting", "a", { dueAt: null, signal: "go" })],
          stages: [stageOf("waiting", "b")],
        }),
      );
      const stuck = (change: Load<"stuck">): Scope => ({ of: "stuck", idleMs: 0, limit: 10, ...change });
      await advance(2);
      equal((await ids(store, stuck({}))).toSorted(), ["RUNNING", "SUSPENDED"], "runs without a job");
      equal((await ids(store, stuck({ limit: 1 }))).length, 1, "at most so many");
      equal(await ids(store, stuck({ idleMs: LONG })), [], "runs without a job for long");
      await commit(store, entryFor("waiting", { dropJobs: "all" }));
      const found = await store.load(stuck({}));
      const lost = present(
        found.runs.find(({ run }) => run.id === "waiting"),
        "the run that lost its job",
      );
      equal(
        [lost.graph?.hash, lost.stages.map(({ stageId }) => stageId)],
        [waiting.graph, ["b"]],
        "graph and records that come with it",
      );
      await commit(store, entryFor("waiting", { jobs: [jobOf("waiting", "a")] }));
      equal((await ids(store, stuck({}))).toSorted(), ["RUNNING", "SUSPENDED"], "after it was mended");
    },
  },
  {
    name: "of dead letters finds those that nobody put back",
    async body({ store }) {
      const one = await createRun(store, { id: "one" });
      const two = await createRun(store, { id: "two" });
      await commit(
        store,
        entryFor(one.id, {
          events: [note(1), note(2)],
          letters: [
            letterOf("one", 1),
            letterOf("one", 2, { type: "workflow:completed" }),
            letterOf("one", 1, { subscriber: "plugin" }),
          ],
        }),
      );
      await commit(
        store,
        entryFor(two.id, {
          events: [note(1)],
          letters: [letterOf("two", 1), letterOf("two", 2, { replaying: true })],
        }),
      );
      const load = async (change: Load<"letters">) => {
        const { runs } = await store.load({ of: "letters", limit: 10, ...change });
        return runs
          .flatMap(({ letters }) =>
            letters.map((letter) => `${letter.runId}/${letter.subscriber}/${letter.sequence}`),
          )
          .toSorted();
      };
      equal(await load({}), ["one/plugin/1", "one/sink/1", "one/sink/2", "two/sink/1"], "all");
      equal(await load({ runId: "two" }), ["two/sink/1"], "one run's");
      equal(await load({ subscriber: "plugin" }), ["one/plugin/1"], "one subscriber's");
      equal(await load({ type: "workflow:completed" }), ["one/sink/2"], "of one event type");
      equal((await load({ limit: 2 })).length, 2, "at most so many");
      equal(await load({ runId: "none" }), [], "of no run");
    },
  },
  {
    name: "settles a commit whose answer was lost by the entry's id",
    async body({ store }) {
      const run = await createRun(store);
      const lost = entryFor(run.id, { state: stateOf({ group: 1 }), events: [note(1)] });
      const settled = async (entry: string, runId = run.id) =>
        (await store.load({ of: "entry", runId, entry })).settled;
      equal(await settled(lost.id), null, "before the commit");
      const committed = await commit(store, lost);
      equal(await settled(lost.id), committed, "after the commit");
      const next = await commit(store, entryFor(run.id, { events: [note(2)] }));
      equal((await settled(lost.id))?.sequence, next.sequence, "after a later entry");
      const silent = await commit(store, entryFor(run.id, { id: "silent" }));
      equal(await settled("silent"), silent, "after an entry without events");
      equal(await settled("some other entry"), null, "an entry that never came");
      equal(await settled(lost.id, "none"), null, "a run that isn't there");
    },
  },
  {
    name: "refuses absurd numbers",
    async body({ store }) {
      const scopes: Scope[] = [
        { of: "pending", workflowIds: null, limit: -1 },
        { of: "stuck", idleMs: -1, limit: 1 },
        { of: "stale", staleMs: Number.NaN, dead: [], limit: 1 },
        { of: "outbox", subscribers: [], limit: 1, maxEvents: -1 },
        { of: "letters", limit: 0.5 },
        { of: "purgeable", olderThanMs: -1, status: null, keep: 0, limit: 1 },
        { of: "purgeable", olderThanMs: 0, status: null, keep: -1, limit: 1 },
      ];
      for (const scope of scopes)
        await refused(() => store.load(scope), "INVALID_OPTION", `loading ${JSON.stringify(scope)}`);
    },
  },
]);
