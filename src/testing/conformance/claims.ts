/** The queue: who is given which job. */
import type { JobKind } from "../../model.ts";
import { equal, present, refused, within } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  claim,
  claimOne,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  jobOf,
  LONG,
  SHORT,
  stateOf,
} from "./rows.ts";

export const claimCases: readonly CaseBody[] = group("claim", [
  {
    name: "leases a due job and does nothing else",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      const before = present(await store.run(run.id), "the run");
      const { claimed, now } = await claim(store, run, ["a"], { workerId: "me", leaseFor: LONG });
      const [first] = claimed;
      equal(claimed.length, 1, "claimed jobs");
      equal(first?.run, before.run, "the head that comes with it");
      const job = present(first, "the claimed job").job;
      const [was] = before.jobs;
      equal(
        job,
        {
          ...was,
          worker: "me",
          token: (was?.token ?? 0) + 1,
          started: false,
          leaseUntil: job.leaseUntil,
          renewedAt: job.renewedAt,
        },
        "the job",
      );
      equal([job.leaseUntil, job.renewedAt], [now + LONG, now], "the lease");
      equal(await store.run(run.id), { ...before, jobs: [job] }, "what the claim wrote");
      equal(await store.events({ run: run.id }), [], "events of a claim");
    },
  },
  {
    name: "gives a job that isn't started, whatever its row said",
    async body({ store }) {
      const run = await createRun(store);
      const job = jobOf(run.id, "a", { workflowId: run.workflowId, started: true, attempt: 2, token: 6 });
      await commit(store, entryFor(run.id, { jobs: [job] }));
      const { started, attempt, token } = await claimOne(store, run, "a");
      equal([started, attempt, token], [false, 2, 7], "the job");
    },
  },
  {
    name: "gives the highest priority first, then the longest due",
    async body({ store }) {
      const graph = graphOf("w", [["a"]]);
      const dueSince: readonly (readonly [name: string, priority: number, dueAt: number])[] = [
        ["late", 0, 300],
        ["low", -5, 1],
        ["high", 5, 900],
        ["early", 0, 100],
        ["highest", 9, 950],
        ["middle", 0, 200],
      ];
      for (const [id, priority, dueAt] of dueSince) {
        const entry = creation({ id, graph, priority });
        await commit(store, { ...entry, jobs: [jobOf(id, "a", { workflowId: "w", priority, dueAt })] });
      }
      const order: string[] = [];
      for (const limit of [1, 3, 10]) {
        const { claimed } = await claim(store, graph, ["a"], { limit });
        order.push(...claimed.map(({ job }) => job.runId));
      }
      equal(order, ["highest", "high", "early", "middle", "late", "low"], "the order");
    },
  },
  {
    name: "gives only what the asker has code for, of the kinds that it wants",
    async body({ store }) {
      const graph = graphOf("w", [["a", "b", "c"]]);
      const kinds: readonly JobKind[] = ["execute", "check", "wait"];
      for (const kind of kinds) {
        for (let copy = 0; copy < 3; copy += 1) {
          const entry = creation({ id: `${kind}-${copy}`, graph });
          const jobs = ["a", "b", "c"].map((id) =>
            jobOf(entry.runId, id, { workflowId: "w", kind, priority: id === "b" ? 1 : 9 }),
          );
          await commit(store, { ...entry, jobs });
        }
      }
      const check = await claim(store, graph, ["b"], { kinds: ["check"] });
      equal(
        check.claimed.map(({ job }) => `${job.kind} ${job.stageId} ${job.runId}`).toSorted(),
        [0, 1, 2].map((copy) => `check b check-${copy}`),
        "checks of b",
      );
      const rest = await claim(store, graph, ["b", "c"], { kinds: ["check", "wait"] });
      equal(rest.claimed.length, 9, "what is left of b and c");
      equal(
        (await claim(store, { workflowId: "another" }, ["a"], { kinds })).claimed,
        [],
        "another workflow's",
      );
      equal((await claim(store, graph, ["a"], { kinds })).claimed.length, 9, "jobs of a");
      equal((await claim(store, graph, ["b", "c"])).claimed.length, 6, "executions of b and c");
    },
  },
  {
    name: "gives nothing before its time, and tells when",
    async body({ store, advance }) {
      const run = await createRun(store);
      equal((await claim(store, run, ["a"])).nextDueAt, null, "the next instant of an empty queue");
      const { at } = await commit(
        store,
        entryFor(run.id, {
          jobs: [
            jobOf(run.id, "later", { workflowId: run.workflowId, dueAt: { in: LONG } }),
            jobOf(run.id, "soon", { workflowId: run.workflowId, dueAt: { in: SHORT } }),
            jobOf(run.id, "never", { workflowId: run.workflowId, dueAt: null }),
          ],
        }),
      );
      const later = await claim(store, run, ["later", "never"]);
      equal([later.claimed.length, later.nextDueAt], [0, at + LONG], "what is due much later");
      const both = await claim(store, run, ["soon", "later"], { limit: 0 });
      equal([both.claimed.length, both.nextDueAt], [0, at + SHORT], "the soonest");
      equal((await claim(store, run, ["soon"], { kinds: ["check"] })).nextDueAt, null, "of other kinds");
      await advance(SHORT + 10);
      const due = await claim(store, run, ["soon", "later", "never"]);
      equal(
        due.claimed.map(({ job }) => job.stageId),
        ["soon"],
        "what has become due",
      );
      equal(due.nextDueAt, at + LONG, "the next one");
    },
  },
  {
    name: "tells of more that is due when the limit is reached",
    async body({ store }) {
      const run = await createRun(store, {}, "a", "b", "c");
      const { claimed, nextDueAt, now } = await claim(store, run, ["a", "b", "c"], { limit: 2 });
      equal(claimed.length, 2, "claimed jobs");
      within(nextDueAt, 0, now, "when the next is, or was, due");
    },
  },
  {
    name: "gives each job once, however many ask",
    async body({ store, second }) {
      const stores = [store, second === undefined ? store : await second()];
      const graph = graphOf("w", [["a"]]);
      for (let index = 0; index < 40; index += 1) await createRun(store, { graph }, "a");
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          claim(stores[index % 2] ?? store, graph, ["a"], { workerId: `worker-${index}`, limit: 7 }),
        ),
      );
      let given = answers.flatMap(({ claimed }) => claimed.map(({ job }) => job.runId));
      // A claimer may be given less than there is while others hold rows, but nothing may be left for ever.
      for (let round = 0; round < 40 && given.length < 40; round += 1) {
        given = [...given, ...(await claim(store, graph, ["a"])).claimed.map(({ job }) => job.runId)];
      }
      equal([given.length, new Set(given).size], [40, 40], "jobs given, and different ones");
    },
  },
  {
    name: "of one job gives that one, due or in back-off, unless somebody leases it",
    async body({ store }) {
      const run = await createRun(store, {}, "a", "b");
      const only = (stageId: string) => ({ only: { runId: run.id, stageId } });
      await commit(
        store,
        entryFor(run.id, { jobs: [jobOf(run.id, "a", { workflowId: run.workflowId, dueAt: { in: LONG } })] }),
      );
      equal((await claim(store, run, ["a"])).claimed, [], "jobs that are due");
      const job = await claimOne(store, run, "a", only("a"));
      equal([job.stageId, job.token], ["a", 1], "the job in back-off");
      equal((await claim(store, run, ["a", "b"], only("a"))).claimed, [], "a leased job");
      equal((await claim(store, run, ["a", "b"], only("none"))).claimed, [], "a job that isn't there");
      equal((await claim(store, run, ["a"], only("b"))).claimed, [], "a job without code");
      equal(
        (await claim(store, run, ["b"], { ...only("b"), kinds: ["check"] })).claimed,
        [],
        "a job of another kind",
      );
      await commit(
        store,
        entryFor(run.id, { jobs: [jobOf(run.id, "b", { workflowId: run.workflowId, dueAt: null })] }),
      );
      equal((await claim(store, run, ["b"], only("b"))).claimed, [], "a job that waits for a signal");
    },
  },
  {
    name: "of one job gives a suspended one no earlier than it is due",
    async body({ store, advance }) {
      const run = await createRun(store);
      const only = { only: { runId: run.id, stageId: "a" } };
      const job = jobOf(run.id, "a", {
        workflowId: run.workflowId,
        suspended: true,
        resumes: true,
        dueAt: { in: LONG },
      });
      await commit(store, entryFor(run.id, { jobs: [job] }));
      equal((await claim(store, run, ["a"], only)).claimed, [], "a job that waits for its time");
      await commit(store, entryFor(run.id, { jobs: [{ ...job, dueAt: { in: SHORT } }] }));
      await advance(SHORT + 10);
      equal((await claimOne(store, run, "a", only)).suspended, true, "the job whose time has come");
    },
  },
  {
    name: "steps over what nobody present has code for",
    async body({ store }) {
      const graph = graphOf("w", [["old", "new"]]);
      for (let index = 0; index < 30; index += 1) {
        const entry = creation({ id: `new-${index}`, graph, priority: 9 });
        await commit(store, {
          ...entry,
          jobs: [jobOf(entry.runId, "new", { workflowId: "w", priority: 9 })],
        });
      }
      await createRun(store, { id: "mine", graph }, "old");
      for (const limit of [1, 5]) {
        const { claimed } = await claim(store, graph, ["old"], { limit });
        equal(
          claimed.map(({ job }) => job.runId),
          limit === 1 ? ["mine"] : [],
          "what the old build is given",
        );
      }
      await createRun(store, { id: "again", graph }, "old");
      const all = await claim(store, graph, ["old", "new"], { limit: 31 });
      equal(all.claimed.length, 31, "what the new build is given");
      equal(all.claimed.at(-1)?.job.runId, "again", "the last of them, by priority");
    },
  },
  {
    name: "is over with the job: what is dropped or cancelled can't be claimed",
    async body({ store }) {
      const run = await createRun(store, {}, "a", "b");
      await commit(store, entryFor(run.id, { dropJobs: ["a"] }));
      await commit(store, entryFor(run.id, { dropJobs: "all", state: stateOf({ status: "CANCELLED" }) }));
      equal((await claim(store, run, ["a", "b"])).claimed, [], "claimed jobs");
      equal((await store.run(run.id))?.jobs, [], "the run's jobs");
    },
  },
  {
    name: "refuses absurd numbers",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      for (const change of [
        { limit: -1 },
        { limit: 1.5 },
        { limit: Number.NaN },
        { leaseFor: -1 },
        { leaseFor: Number.NaN },
      ]) {
        await refused(
          () => claim(store, run, ["a"], change),
          "INVALID_OPTION",
          `a claim with ${JSON.stringify(change)}`,
        );
      }
      await refused(
        () => store.jobs.heartbeat({ leases: [], leaseFor: -1 }),
        "INVALID_OPTION",
        "a negative lease",
      );
      equal((await claim(store, run, ["a"])).claimed.length, 1, "what is left to claim");
    },
  },
]);
