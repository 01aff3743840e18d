import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import { StorageFullError } from "../errors.ts";
import type { Entry, Verdict } from "../ports/store.ts";
import {
  begin,
  create,
  execute,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  outcome,
  standing,
  StillClock,
  typesOf,
} from "./kernel.test-helper.ts";
import { entriesOf, expectRefused } from "./watch.test-helper.ts";

const graphs = [graphOf(["a", "b"])];
const lost = (entries: readonly Entry[]): Verdict[] =>
  entries.map(() => ({ status: "unknown", error: new Error("connection lost") }));

describe("a store without room", () => {
  it("is a clear error to the caller of each command, changes nothing, and the kernel goes on when there is room", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    bench.watch.onCommit = async () => {
      throw new StorageFullError("memory");
    };
    await expectRefused(bench.store, "STORAGE_FULL", () => create(bench, { idempotencyKey: "k" }));
    await expectRefused(bench.store, "STORAGE_FULL", () =>
      bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId }),
    );
    await expectRefused(bench.store, "STORAGE_FULL", () =>
      bench.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "x", payload: 1 }),
    );
    bench.watch.onCommit = null;
    const created = await create(bench, { idempotencyKey: "k" });
    expect(await typesOf(bench, created)).toEqual(["workflow:created"]);
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "completed" });
  });

  it("isn't the body's fault: the finished attempt's lease goes back uncounted, and the body runs again", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    bench.watch.onCommit = async (entries, commit) => {
      if (entries.some(({ stages }) => stages !== undefined)) throw new StorageFullError("memory");
      return commit();
    };
    await expect(execute(bench, runId, "a", { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "STORAGE_FULL",
    });
    expect(await jobOf(bench, runId, "a")).toMatchObject({
      worker: null,
      started: false,
      failures: 0,
      crashes: 0,
    });
    bench.watch.onCommit = null;
    expect(await execute(bench, runId, "a", { idempotencyKey: "k" })).toEqual({
      outcome: "completed",
      output: "a",
    });
    expect(bench.executor.started).toHaveLength(2);
  });

  it("has no room for a blob: the run isn't created, and the next one is", async () => {
    const bench = kernelOf(graphs);
    const put = bench.store.blobs.put.bind(bench.store.blobs);
    bench.store.blobs.put = async () => {
      throw new StorageFullError("memory");
    };
    await expectRefused(bench.store, "STORAGE_FULL", () =>
      create(bench, { input: new Blob(["x"]), idempotencyKey: "k" }),
    );
    bench.store.blobs.put = put;
    await create(bench, { input: new Blob(["x"]), idempotencyKey: "k" });
    expect((await bench.store.runs({})).rows).toHaveLength(1);
  });
});

describe("a closed store", () => {
  it("refuses every command", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await bench.store.close();
    const closed = { code: "STORE_CLOSED" };
    await expect(create(bench)).rejects.toMatchObject(closed);
    await expect(execute(bench, runId, "a")).rejects.toMatchObject(closed);
    await expect(
      bench.kernel.dispatch({ type: "run.transition", workflowRunId: runId }),
    ).rejects.toMatchObject(closed);
    await expect(bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" })).rejects.toMatchObject(
      closed,
    );
    await expect(bench.kernel.dispatch({ type: "run.purge" })).rejects.toMatchObject(closed);
  });
});

describe("mistake 10: a transaction that breaks in its middle", () => {
  it("leaves nothing behind, whichever row it breaks at", async () => {
    const clock = new StillClock();
    let failAt = Number.POSITIVE_INFINITY;
    let writes = 0;
    const faults = {
      write: () => {
        writes += 1;
        if (writes > failAt) throw new Error("broke");
      },
    };
    const bench = kernelOf(graphs, { store: memoryStore({ clock, faults }), clock });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    for (failAt = 0; ; failAt += 1) {
      writes = 0;
      const before = JSON.stringify(await bench.store.run(runId));
      const events = await typesOf(bench, runId);
      const cancelled = await bench.kernel
        .dispatch({ type: "run.cancel", workflowRunId: runId })
        .catch(() => null);
      if (cancelled !== null) break;
      expect(JSON.stringify(await bench.store.run(runId))).toBe(before);
      expect(await typesOf(bench, runId)).toEqual(events);
    }
    // Head, job, record, journal: it broke at each of them.
    expect(failAt).toBe(4);
    expect(await standing(bench, runId)).toEqual({ run: "CANCELLED", a: "COMPLETED", b: "CANCELLED" });
  });
});

describe("an answer that was lost", () => {
  it.each(["committed", "not committed"])(
    "is no reason to do anything twice: every commit was %s",
    async (how) => {
      const bench = kernelOf(graphs);
      let isLost = false;
      bench.watch.onCommit = async (entries, commit) => {
        isLost = !isLost;
        if (how === "not committed") return isLost ? lost(entries) : commit();
        const verdicts = await commit();
        return verdicts.every(({ status }) => status === "committed") ? lost(entries) : verdicts;
      };
      const runId = await create(bench, { idempotencyKey: "k", input: { file: new Blob(["text"]) } });
      expect(await create(bench, { idempotencyKey: "k", input: { file: new Blob(["text"]) } })).toBe(runId);
      const claim = () => bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
      // What a sweep loses is found by the next one.
      const claimed = [...(await claim()).claimed, ...(await claim()).claimed];
      expect(claimed.map(({ workflowRunId }) => workflowRunId)).toEqual([runId]);
      expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", output: "a" });
      expect(await execute(bench, runId, "b")).toEqual({ outcome: "completed", output: "b" });
      expect(bench.executor.started).toHaveLength(2);
      expect(await headOf(bench, runId)).toMatchObject({ status: "COMPLETED", remaining: 0 });
      expect(await typesOf(bench, runId)).toEqual([
        "workflow:created",
        "workflow:started",
        "stage:started",
        "stage:completed",
        "stage:started",
        "stage:completed",
        "workflow:completed",
      ]);
      expect((await bench.store.runs({})).rows).toHaveLength(1);
      expect(await bench.store.blobs.list(runId)).toHaveLength(1);
    },
  );

  it("makes no ghost of an attempt whose finish came in after it was asked for, and keeps its blobs", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    const key = { runId, epoch: 1, stageId: "a", attempt: 1, name: "0" };
    bench.executor.bodies.set("a", () =>
      outcome({
        kind: "completed",
        value: null,
        output: { kind: "value", value: null, blobs: [{ path: [], key, size: 4, type: "" }] },
        blobs: [{ key, data: new Blob(["text"]) }],
      }),
    );
    bench.watch.onCommit = async (entries, commit) => {
      if (!entries.some(({ stages }) => stages !== undefined)) return commit();
      bench.watch.onCommit = null;
      bench.watch.afterLoad = async () => {
        bench.watch.afterLoad = null;
        await commit();
      };
      return lost(entries);
    };
    expect(await execute(bench, runId, "a")).toEqual({ outcome: "completed", ghost: false });
    expect(await bench.store.blobs.list(runId)).toEqual([key]);
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", a: "COMPLETED" });
  });

  it("tries a create again under another id: the first run may have ended and been purged meanwhile", async () => {
    const bench = kernelOf(graphs);
    const { store, clock } = bench;
    const other = kernelOf(graphs, { store, clock, policy: { keyRetentionMs: 0 } });
    bench.watch.onCommit = async (entries, commit) => {
      bench.watch.onCommit = null;
      await commit();
      const first = entries[0]?.runId ?? "";
      await other.kernel.dispatch({ type: "run.cancel", workflowRunId: first });
      await bench.clock.advance(1);
      expect(await other.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
      return lost(entries);
    };
    const runId = await create(bench, { idempotencyKey: "k", input: new Blob(["text"]) });
    const [first] = entriesOf(bench.watch);
    expect(first?.runId).not.toBe(runId);
    expect(await bench.store.blobs.list(first?.runId ?? "")).toEqual([]);
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
  });

  it("forks once without a key too, whether or not the first try got in late", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    bench.watch.onCommit = async (entries, commit) => {
      bench.watch.onCommit = null;
      bench.watch.afterLoad = async () => {
        bench.watch.afterLoad = null;
        await commit();
      };
      return lost(entries);
    };
    const fork = await bench.kernel.dispatch({ type: "run.fork", workflowRunId: runId, fromStageId: "a" });
    const { rows } = await bench.store.runs({});
    expect(rows.map(({ id }) => id).toSorted()).toEqual([runId, fork.workflowRunId].toSorted());
  });

  it("takes no blob from a run that may be there", async () => {
    const bench = kernelOf(graphs);
    let reachable = true;
    bench.watch.onCommit = async (entries, commit) => {
      await commit();
      reachable = false;
      return lost(entries);
    };
    bench.watch.afterLoad = () => {
      if (!reachable) throw new Error("no connection");
    };
    const created = create(bench, { idempotencyKey: "k", input: new Blob(["text"]) });
    const told = expect(created).rejects.toMatchObject({ code: "COMMIT_UNKNOWN" });
    for (let turn = 0; turn < 10; turn += 1) await bench.clock.advance(60_000);
    await told;
    bench.watch.onCommit = null;
    bench.watch.afterLoad = null;
    const runId = await create(bench, { idempotencyKey: "k", input: new Blob(["text"]) });
    expect((await bench.store.runs({})).rows.map(({ id }) => id)).toEqual([runId]);
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
  });
});

describe("writers that always come first", () => {
  it("end a finish in a typed error after bounded tries, and the lease goes back uncounted", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await begin(bench);
    let tries = 0;
    bench.watch.onCommit = async (entries, commit) => {
      if (!entries.some(({ stages }) => stages !== undefined)) return commit();
      tries += 1;
      return entries.map(() => ({ status: "stale", guard: "version" }));
    };
    const execution = execute(bench, runId, "a");
    const told = expect(execution).rejects.toMatchObject({ code: "STALE_VERSION" });
    for (let turn = 0; turn < 110; turn += 1) await bench.clock.advance(100);
    await told;
    expect(tries).toBe(100);
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, failures: 0, crashes: 0 });
    expect(entriesOf(bench.watch).length).toBe(103);
  });
});
