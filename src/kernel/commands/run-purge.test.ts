import { describe, expect, it } from "vitest";
import type { RunStatus } from "../../model.ts";
import { givenOf, loadedOf, POLICY, runOf } from "../decide.test-helper.ts";
import {
  begin,
  create,
  execute,
  graphOf,
  kernelOf,
  RecordingSink,
  suspends,
  typesOf,
  type Bench,
} from "../kernel.test-helper.ts";
import { deepFreeze, expectRefused } from "../watch.test-helper.ts";
import { decidePurge } from "./run-purge.ts";

const graphs = [graphOf(["a"])];
const purge = { type: "run.purge" } as const;

async function settled(bench: Bench, status: RunStatus = "COMPLETED", key?: string): Promise<string> {
  const runId = await create(bench, key === undefined ? {} : { idempotencyKey: key });
  if (status === "CANCELLED") await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
  else {
    bench.executor.bodies.set("a", () => {
      if (status === "FAILED") throw new TypeError("no");
    });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(bench, runId, "a");
  }
  return runId;
}

describe("decidePurge", () => {
  it("takes no run that is live or owes events, whatever it was given to decide about", () => {
    const decide = (change: Parameters<typeof runOf>[0]) =>
      decidePurge(deepFreeze(loadedOf({ run: runOf(change) })), givenOf()).entries;
    expect(decide({ status: "RUNNING", delivered: true })).toEqual([]);
    expect(decide({ status: "COMPLETED", delivered: false })).toEqual([]);
    expect(decide({ status: "COMPLETED", delivered: true })).toEqual([
      expect.objectContaining({ purge: true, guards: { version: 3 } }),
    ]);
  });
});

describe("run.purge", () => {
  it("removes settled runs with all that hangs on them", async () => {
    const bench = kernelOf(graphs);
    const runId = await create(bench, { input: { file: new Blob(["text"]) } });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(bench, runId, "a");
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 1 });
    expect(await bench.store.run(runId)).toBeNull();
    expect(await typesOf(bench, runId)).toEqual([]);
    expect(await bench.store.blobs.list(runId)).toEqual([]);
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 0 });
    await expectRefused(bench.store, "RUN_NOT_FOUND", () =>
      bench.kernel.dispatch({ type: "run.transition", workflowRunId: runId }),
    );
  });

  it("never removes a live one", async () => {
    const bench = kernelOf(graphs);
    const pending = await create(bench);
    const running = await begin(bench);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    const asleep = await begin(bench);
    await execute(bench, asleep, "a");
    await bench.clock.advance(365 * 86_400_000);
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 0 });
    const { rows } = await bench.store.runs({});
    expect(rows.map(({ id }) => id).sort()).toEqual([pending, running, asleep].sort());
  });

  it("never removes one that still owes events to a subscriber", async () => {
    const sink = new RecordingSink("audit");
    const bench = kernelOf(graphs, { sink });
    await settled(bench);
    await bench.clock.advance(365 * 86_400_000);
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 0 });
    await bench.kernel.dispatch({ type: "outbox.flush" });
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 1 });
  });

  it("takes those of an age and of a status, and keeps the newest so many", async () => {
    const bench = kernelOf(graphs);
    const old = await settled(bench, "COMPLETED");
    const failed = await settled(bench, "FAILED");
    await bench.clock.advance(10_000);
    const young = await settled(bench, "COMPLETED");
    const cancelled = await settled(bench, "CANCELLED");
    const left = async () => (await bench.store.runs({})).rows.map(({ id }) => id).toReversed();
    expect(await bench.kernel.dispatch({ ...purge, olderThanMs: 10_000, status: ["COMPLETED"] })).toEqual({
      purged: 1,
    });
    expect(await left()).toEqual([failed, young, cancelled]);
    expect(await bench.kernel.dispatch({ ...purge, keep: 2 })).toEqual({ purged: 1 });
    expect(await left()).toEqual([young, cancelled]);
    expect(await bench.kernel.dispatch({ ...purge, keep: 2 })).toEqual({ purged: 0 });
    expect(await bench.kernel.dispatch({ ...purge, status: ["FAILED", "CANCELLED"] })).toEqual({ purged: 1 });
    expect(await left()).toEqual([young]);
    expect(await bench.store.run(old)).toBeNull();
  });

  it("goes on until all are gone, in rounds", async () => {
    const bench = kernelOf(graphs);
    for (let n = 0; n < 250; n += 1)
      await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: await create(bench) });
    const commits = bench.watch.commits.length;
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 250 });
    const sizes = bench.watch.commits.slice(commits).map((entries) => entries.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
  });

  it("leaves one that was rerun after it was read, with its blobs", async () => {
    const bench = kernelOf(graphs);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const runId = await create(bench, { input: new Blob(["text"]) });
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await other.kernel.dispatch({ type: "run.rerunFrom", workflowRunId: runId, fromStageId: "a" });
    };
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 0 });
    expect((await bench.store.run(runId))?.run.status).toBe("PENDING");
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
  });
});

describe("idempotency keys of purged runs", () => {
  it("give the same result for their retention, then count as absent, and go with a later purge", async () => {
    const bench = kernelOf(graphs);
    const runId = await settled(bench, "COMPLETED", "k");
    await bench.clock.advance(1000);
    await bench.kernel.dispatch(purge);
    expect(await create(bench, { idempotencyKey: "k" })).toBe(runId);
    await bench.clock.advance(POLICY.keyRetentionMs - 1001);
    expect(await create(bench, { idempotencyKey: "k" })).toBe(runId);
    const keyed = async () =>
      (await bench.store.load({ of: "run", runId, key: { type: "run.create", key: "k" } })).key;
    await bench.kernel.dispatch(purge);
    expect(await keyed()).not.toBeNull();
    await bench.clock.advance(1);
    expect(await keyed()).toBeNull();
    const before = bench.watch.commits.length;
    await bench.kernel.dispatch(purge);
    expect(bench.watch.commits.slice(before).flat()).toEqual([
      expect.objectContaining({
        runId,
        guards: { gone: true },
        dropKeys: [{ type: "run.create", key: "k" }],
      }),
    ]);
    expect(await bench.kernel.dispatch(purge)).toEqual({ purged: 0 });
    expect(bench.watch.commits).toHaveLength(before + 1);
    expect(await create(bench, { idempotencyKey: "k" })).not.toBe(runId);
  });

  it("go with the run where they are older than their retention", async () => {
    const bench = kernelOf(graphs);
    const runId = await settled(bench, "COMPLETED", "k");
    await bench.clock.advance(POLICY.keyRetentionMs);
    await bench.kernel.dispatch(purge);
    expect(await create(bench, { idempotencyKey: "k" })).not.toBe(runId);
  });

  it("are kept for as long as the run is there, however old", async () => {
    const bench = kernelOf(graphs);
    const runId = await settled(bench, "COMPLETED", "k");
    await bench.clock.advance(10 * POLICY.keyRetentionMs);
    expect(await create(bench, { idempotencyKey: "k" })).toBe(runId);
  });

  it("aren't taken from another run that uses the key by then", async () => {
    const bench = kernelOf(graphs);
    await settled(bench, "COMPLETED", "k");
    await bench.kernel.dispatch(purge);
    await bench.clock.advance(POLICY.keyRetentionMs);
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      await create(kernelOf(graphs, { store: bench.store, clock: bench.clock }), { idempotencyKey: "k" });
    };
    await bench.kernel.dispatch(purge);
    const { rows } = await bench.store.runs({});
    expect(rows).toHaveLength(1);
    expect(await create(bench, { idempotencyKey: "k" })).toBe(rows[0]?.id);
  });
});
