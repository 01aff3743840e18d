/** Leases: how they are held, renewed and given back. */
import type { LoadedRun } from "../../ports/store.ts";
import { ensure, equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { claimOne, commit, createRun, entryFor, LONG, SHORT, snapshot, sorted } from "./rows.ts";

export const leaseCases: readonly CaseBody[] = group("lease", [
  {
    name: "has a token that only grows",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      const tokens: number[] = [];
      for (let round = 0; round < 4; round += 1) {
        const job = await claimOne(store, run, "a");
        equal(await store.jobs.release({ leases: [job] }), { released: 1 }, "leases given back");
        const [free] = present(await store.run(run.id), "the run").jobs;
        tokens.push(job.token, free?.token ?? 0);
      }
      ensure(
        tokens.every((token, index) => index === 0 || token > (tokens[index - 1] ?? 0)),
        `growing tokens: ${tokens.join()}`,
      );
    },
  },
  {
    name: "given back leaves its job due at once, not started and nobody's",
    async body({ store }) {
      const run = await createRun(store, {}, "a");
      const job = await claimOne(store, run, "a");
      const started = { ...job, started: true, attempt: 1, dueAt: { in: LONG } };
      await commit(store, entryFor(run.id, { guards: { jobs: [job] }, jobs: [started] }));
      const wrong = { ...job, token: job.token + 1 };
      equal(
        await store.jobs.release({ leases: [wrong, { ...job, stageId: "none" }] }),
        { released: 0 },
        "leases not held",
      );
      equal(await store.jobs.release({ leases: [job] }), { released: 1 }, "leases held");
      equal(await store.jobs.release({ leases: [job] }), { released: 0 }, "leases given back before");
      const [free] = present(await store.run(run.id), "the run").jobs;
      equal(
        [free?.worker, free?.started, free?.attempt, free?.token],
        [null, false, 1, job.token + 1],
        "the job",
      );
      equal((await claimOne(store, run, "a")).token, job.token + 2, "the next lease's token");
    },
  },
  {
    name: "is renewed by a heartbeat, which tells what is no longer held and touches nothing else",
    async body({ store, advance }) {
      const run = await createRun(store, {}, "a", "b", "c", "d");
      const leases = await Promise.all(
        ["a", "b", "c", "d"].map((stageId) => claimOne(store, run, stageId, { leaseFor: SHORT })),
      );
      const [kept, reaped, dropped, rerun] = leases.map((job) => ({
        runId: job.runId,
        stageId: job.stageId,
        epoch: 1,
        token: job.token,
      }));
      ensure(
        kept !== undefined && reaped !== undefined && dropped !== undefined && rerun !== undefined,
        "four leases",
      );
      await store.jobs.release({ leases: [reaped] });
      const job = present(leases[3], "the fourth lease");
      await commit(store, entryFor(run.id, { dropJobs: ["c"], jobs: [{ ...job, epoch: 2 }] }));
      const before = await snapshot(store, run.id);
      await advance(SHORT + 10);
      const none = { ...kept, runId: "none" };
      const { lost } = await store.jobs.heartbeat({
        leases: [kept, reaped, dropped, rerun, none],
        leaseFor: LONG,
      });
      equal(lost, [reaped, dropped, rerun, none], "the leases that are lost");
      const found = present(await store.run(run.id), "the run");
      const renewed = present(
        found.jobs.find(({ stageId }) => stageId === "a"),
        "the renewed job",
      );
      ensure(
        renewed.leaseUntil > (leases[0]?.leaseUntil ?? 0) && renewed.renewedAt > (leases[0]?.renewedAt ?? 0),
        "a later expiry",
      );
      equal([renewed.token, renewed.worker], [kept.token, "worker"], "its token and worker");
      const undone = {
        ...renewed,
        leaseUntil: leases[0]?.leaseUntil ?? 0,
        renewedAt: leases[0]?.renewedAt ?? 0,
      };
      const after = { ...found, jobs: found.jobs.map((one) => (one.stageId === "a" ? undone : one)) };
      const [was] = before as [{ readonly run: LoadedRun }];
      equal({ ...after, jobs: [] }, { ...was.run, jobs: [] }, "the rest of the run");
      equal(sorted(after.jobs), was.run.jobs, "the jobs but for the lease");
    },
  },
  {
    name: "names its holder",
    async body({ store }) {
      equal(await store.jobs.holders(), [], "holders of nothing");
      const run = await createRun(store, {}, "a", "b", "c", "d");
      const first = await claimOne(store, run, "a", { workerId: "one" });
      await claimOne(store, run, "b", { workerId: "two" });
      await claimOne(store, run, "c", { workerId: "two" });
      equal((await store.jobs.holders()).toSorted(), ["one", "two"], "the holders");
      await store.jobs.release({ leases: [first] });
      equal(await store.jobs.holders(), ["two"], "the holders after one gave back");
    },
  },
]);
