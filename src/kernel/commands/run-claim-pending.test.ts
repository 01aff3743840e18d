import { describe, expect, it } from "vitest";
import { create, graphOf, headOf, jobOf, kernelOf, typesOf } from "../kernel.test-helper.ts";
import { entriesOf, snapshot } from "../watch.test-helper.ts";

const claim = { type: "run.claimPending", workerId: "w" } as const;

describe("run.claimPending", () => {
  it("claims by priority, then age, at most as many as asked for", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const low = await create(bench, { priority: -1 });
    const old = await create(bench);
    const young = await create(bench);
    const high = await create(bench, { priority: 5 });
    const first = await bench.kernel.dispatch({ ...claim, maxClaims: 3 });
    expect(first.claimed.map(({ workflowRunId }) => workflowRunId)).toEqual([high, old, young]);
    const second = await bench.kernel.dispatch(claim);
    expect(second.claimed).toEqual([{ workflowRunId: low, workflowId: "wf", jobIds: [`${low}/a`] }]);
    expect(await bench.kernel.dispatch(claim)).toEqual({ claimed: [] });
  });

  it("claims ten where nobody says how many", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    for (let n = 0; n < 12; n += 1) await create(bench);
    expect((await bench.kernel.dispatch(claim)).claimed).toHaveLength(10);
  });

  it("mistake 3: enqueues the first group's jobs in the commit that claims the run", async () => {
    const bench = kernelOf([graphOf([["a", "b"], "c"])]);
    const runId = await create(bench);
    const before = bench.watch.commits.length;
    await bench.kernel.dispatch(claim);
    expect(bench.watch.commits).toHaveLength(before + 1);
    const entry = entriesOf(bench.watch).at(-1);
    expect(entry?.state?.status).toBe("RUNNING");
    expect(entry?.jobs?.map(({ stageId }) => stageId)).toEqual(["a", "b"]);
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      kind: "execute",
      attempt: 0,
      token: 0,
      worker: null,
      started: false,
      dueAt: bench.clock.now(),
    });
    expect(await headOf(bench, runId)).toMatchObject({ status: "RUNNING", remaining: 2, active: 2 });
    expect(await typesOf(bench, runId)).toEqual(["workflow:created", "workflow:started"]);
  });

  it("leaves runs of workflows that this kernel doesn't know alone", async () => {
    const one = kernelOf([graphOf(["a"]), graphOf(["x"], {}, "other")]);
    const two = kernelOf([graphOf(["a"])], { store: one.store, clock: one.clock });
    const foreign = await create(one, { workflowId: "other", priority: 10 });
    const own = await create(one);
    const { claimed } = await two.kernel.dispatch(claim);
    expect(claimed.map(({ workflowRunId }) => workflowRunId)).toEqual([own]);
    expect((await headOf(one, foreign)).status).toBe("PENDING");
  });

  it("gives each run to one of two kernels that read it at the same time", async () => {
    const one = kernelOf([graphOf(["a"])]);
    const two = kernelOf([graphOf(["a"])], { store: one.store, clock: one.clock });
    for (let n = 0; n < 5; n += 1) await create(one);
    const [mine, yours] = await Promise.all([one.kernel.dispatch(claim), two.kernel.dispatch(claim)]);
    const ids = [...mine.claimed, ...yours.claimed].map(({ workflowRunId }) => workflowRunId);
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);
    for (const runId of ids)
      expect(await typesOf(one, runId)).toEqual(["workflow:created", "workflow:started"]);
  });

  it("loses a run that was cancelled after it was read", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await create(bench);
    const other = kernelOf([graphOf(["a"])], { store: bench.store, clock: bench.clock });
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await other.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    };
    expect(await bench.kernel.dispatch(claim)).toEqual({ claimed: [] });
    expect((await headOf(bench, runId)).status).toBe("CANCELLED");
  });

  it("changes nothing where nothing waits", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    await create(bench);
    await bench.kernel.dispatch(claim);
    const before = await snapshot(bench.store);
    const commits = bench.watch.commits.length;
    await bench.kernel.dispatch(claim);
    expect(await snapshot(bench.store)).toEqual(before);
    expect(bench.watch.commits).toHaveLength(commits);
  });
});

describe("a host's claim of pending runs", () => {
  it("leases and starts as much as there is room for, in the same commit", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const first = await create(bench);
    const second = await create(bench);
    const before = bench.watch.commits.length;
    const { claimed, next } = await bench.kernel.host.claimPending("w", 10, 3);
    expect(bench.watch.commits).toHaveLength(before + 1);
    expect(claimed).toBe(2);
    expect(next.map(({ runId, stageId }) => `${runId}/${stageId}`)).toEqual([
      `${first}/a`,
      `${first}/b`,
      `${second}/a`,
    ]);
    expect(await jobOf(bench, second, "a")).toMatchObject({ worker: "w", started: true, attempt: 1 });
    expect(await jobOf(bench, second, "b")).toMatchObject({ worker: null, started: false, attempt: 0 });
    expect(await typesOf(bench, second)).toEqual(["workflow:created", "workflow:started", "stage:started"]);
  });
});
