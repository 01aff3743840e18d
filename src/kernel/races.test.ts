/** Races that the simulator found, each in its smallest form. */
import { describe, expect, it } from "vitest";
import { StorageFullError } from "../errors.ts";
import { nextTurn } from "../testing/clock.ts";
import {
  begin,
  create,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  outcome,
  RecordingSink,
  settle,
  standing,
  suspends,
} from "./kernel.test-helper.ts";

const pipe = [graphOf(["a", "b"])];

describe("a host without the code of a stage", () => {
  it("isn't leased it with a claim of the run, nor with the stage before it", async () => {
    const bench = kernelOf(pipe);
    bench.executor.handlers.delete("wf/b");
    const runId = await create(bench);
    const { next } = await bench.kernel.host.claimPending("w", 10, 10);
    expect(next.map(({ stageId }) => stageId)).toEqual(["a"]);
    const [first] = next;
    if (first === undefined) throw new Error("a was not leased");
    expect((await bench.kernel.host.execute(first, 5)).next).toEqual([]);
    expect(await jobOf(bench, runId, "b")).toMatchObject({ worker: null, attempt: 0 });
  });

  it("refuses to execute it by hand, and leaves the job to who has it", async () => {
    const bench = kernelOf(pipe);
    const runId = await begin(bench);
    bench.executor.handlers.clear();
    await expect(execute(bench, runId, "a")).rejects.toMatchObject({ code: "JOB_NOT_DUE" });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, token: 0 });
  });
});

describe("a claim that is committed in several transactions", () => {
  it("still executes what was leased in one where another fails, and rejects only where all do", async () => {
    const bench = kernelOf(pipe);
    // One more than the kernel puts into one transaction.
    for (let run = 0; run < 101; run += 1) await create(bench);
    let commits = 0;
    bench.watch.onCommit = async (_, commit) => {
      commits += 1;
      if (commits === 1) return commit();
      throw new StorageFullError("memory");
    };
    const { claimed, next } = await bench.kernel.host.claimPending("w", 200, 200);
    expect([claimed, next.length]).toEqual([100, 100]);
    await expect(bench.kernel.host.claimPending("w", 200, 200)).rejects.toMatchObject({
      code: "STORAGE_FULL",
    });
  });
});

describe("a check whose answer can't be written", () => {
  it("gives its lease back, so that the trouble isn't counted as a crash", async () => {
    const bench = kernelOf([graphOf(["a"], { a: { checks: true } })]);
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    bench.watch.onCommit = async () => {
      throw new StorageFullError("memory");
    };
    await expect(bench.kernel.dispatch({ type: "stage.pollSuspended" })).rejects.toMatchObject({
      code: "STORAGE_FULL",
    });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, kind: "check", crashes: 0 });
  });
});

describe("an answer that was lost, and came after others had moved the run", () => {
  it("doesn't let the run's new version vouch for the state that this kernel remembers", async () => {
    const bench = kernelOf([graphOf([["a", "b"], "c"], { b: { policy: { maxAttempts: 1 } } })]);
    const other = kernelOf([graphOf([["a", "b"], "c"], { b: { policy: { maxAttempts: 1 } } })], {
      store: bench.store,
      clock: bench.clock,
    });
    const a = gate();
    bench.executor.bodies.set("a", a.body);
    other.executor.bodies.set("b", () => {
      throw new Error("b fails");
    });
    const runId = await begin(bench);
    const first = execute(bench, runId, "a");
    await settle();
    bench.watch.onCommit = async (entries, commit) => {
      await commit();
      bench.watch.onCommit = null;
      await execute(other, runId, "b");
      return entries.map(() => ({ status: "unknown", error: new Error("the connection died") }));
    };
    await bench.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "x", payload: 1 });
    a.open("done");
    await first;
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "COMPLETED", b: "FAILED" });
  });
});

describe("a heartbeat that hangs", () => {
  it("doesn't keep the next one from renewing the leases", async () => {
    const bench = kernelOf(pipe, { policy: { leaseMs: 3000 } });
    const body = gate();
    bench.executor.bodies.set("a", body.body);
    const runId = await begin(bench);
    const { jobs } = bench.store;
    const heartbeat = jobs.heartbeat;
    let beats = 0;
    Object.assign(jobs, {
      heartbeat: (request: Parameters<typeof heartbeat>[0]) => {
        beats += 1;
        return beats === 1 ? new Promise(() => undefined) : heartbeat(request);
      },
    });
    const execution = execute(bench, runId, "a");
    await settle();
    await bench.clock.advance(4000);
    expect((await jobOf(bench, runId, "a")).leaseUntil).toBeGreaterThan(bench.clock.now());
    body.open("done");
    expect(await execution).toMatchObject({ outcome: "completed" });
  });
});

describe("eager delivery", () => {
  it("notices events of others also behind an entry of its own that has none", async () => {
    const sink = new RecordingSink("audit");
    const bench = kernelOf(pipe, { sink });
    const other = kernelOf(pipe, { store: bench.store, clock: bench.clock });
    bench.kernel.host.deliverEagerly();
    const runId = await create(bench);
    await other.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await bench.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "x", payload: 1 });
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    await settle();
    await bench.kernel.dispatch({ type: "outbox.flush" });
    expect(sink.types("audit")).toEqual(["workflow:created", "workflow:started", "workflow:cancelled"]);
  });

  it("finishes what is being handed over before a host that stops gives the cursors back", async () => {
    const sink = new RecordingSink();
    const slow: { seen: string[]; open: () => void } = { seen: [], open: () => undefined };
    sink.subscribe({
      name: "slow",
      handle: async (event) => {
        slow.seen.push(event.type);
        if (slow.seen.length === 1) await new Promise<void>((resolve) => (slow.open = resolve));
      },
    });
    const bench = kernelOf(pipe, { sink });
    bench.kernel.host.deliverEagerly();
    const quiet = await create(bench);
    await settle();
    slow.open();
    await settle();
    // Created before the stop, and answered while the quiet run is being given back: its first event takes long.
    slow.seen.length = 0;
    let answer: () => void = () => undefined;
    bench.watch.onCommit = async (_, commit) => {
      bench.watch.onCommit = null;
      const verdicts = await commit();
      await new Promise<void>((resolve) => (answer = resolve));
      return verdicts;
    };
    const created = create(bench);
    await settle();
    const stopped = bench.kernel.host.stop();
    await settle();
    answer();
    const busy = await created;
    await settle();
    expect(slow.seen).toEqual(["workflow:created"]);
    expect((await headOf(bench, busy)).cursors["slow"]?.holder).not.toBeNull();
    slow.open();
    await stopped;
    expect((await headOf(bench, busy)).cursors["slow"]).toMatchObject({ holder: null, position: 1 });
    expect((await headOf(bench, quiet)).cursors["slow"]).toMatchObject({ holder: null, position: 1 });
  });
});

describe("a flush", () => {
  it("starts a new subscriber at now also where what it isn't owed is longer than a page", async () => {
    const sink = new RecordingSink();
    const bench = kernelOf(pipe, { sink });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await bench.clock.advance(1000);
    sink.subscribe({ name: "late", handle: (event) => void sink.given.push({ subscriber: "late", event }) });
    await bench.kernel.dispatch({ type: "outbox.flush" });
    await bench.clock.advance(1000);
    await execute(bench, runId, "b");
    for (let round = 0; round < 10; round += 1) {
      await bench.kernel.dispatch({ type: "outbox.flush", maxEvents: 1 });
    }
    expect(sink.types("late")).toEqual(["stage:started", "stage:completed", "workflow:completed"]);
  });

  it("doesn't put a cursor back that was moved after it read it", async () => {
    const sink = new RecordingSink("audit");
    const bench = kernelOf(pipe, { sink });
    const other = kernelOf(pipe, {
      store: bench.store,
      clock: bench.clock,
      sink: new RecordingSink("audit"),
    });
    const runId = await create(bench);
    let isFirst = true;
    bench.watch.afterLoad = async ({ of }) => {
      if (of !== "outbox" || !isFirst) return;
      isFirst = false;
      await other.kernel.dispatch({ type: "outbox.flush" });
    };
    await bench.kernel.dispatch({ type: "outbox.flush" });
    expect([sink.types("audit"), other.sink.types("audit")]).toEqual([[], ["workflow:created"]]);
    expect((await headOf(bench, runId)).cursors["audit"]).toMatchObject({ position: 1, holder: null });
  });
});

describe("a purge", () => {
  it("waits for the dead letters that were put back", async () => {
    const sink = new RecordingSink();
    let refuses = true;
    sink.subscribe({
      name: "moody",
      handle: (event) => {
        if (refuses && event.type === "workflow:created") throw new Error("not now");
      },
    });
    const bench = kernelOf(pipe, { sink, policy: { maxDeliveries: 1 } });
    const runId = await create(bench);
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    await bench.kernel.dispatch({ type: "outbox.flush" });
    refuses = false;
    bench.watch.afterLoad = async ({ of }) => {
      if (of !== "purgeable") return;
      bench.watch.afterLoad = null;
      await bench.kernel.dispatch({ type: "plugin.replayDLQ" });
    };
    // Put back after the purge had read the run, and before.
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 0 });
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 0 });
    await bench.kernel.dispatch({ type: "outbox.flush" });
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
  });
});

describe("an idempotency key whose result stands in the blob store", () => {
  it("keeps its run for as long as it is kept, and gives the same result until then", async () => {
    const bench = kernelOf([graphOf(["a"])], { policy: { keyRetentionMs: 5000 } });
    const key = { runId: "", epoch: 1, stageId: "a", attempt: 1, name: "value" };
    bench.executor.bodies.set("a", ({ runId }) => {
      const own = { ...key, runId };
      const data = new Blob(['["large"]']);
      const output = { kind: "blob", codec: "devalue@6", key: own, size: data.size };
      return outcome({ kind: "completed", output, value: "large", blobs: [{ key: own, data }] });
    });
    const runId = await begin(bench);
    const once = await execute(bench, runId, "a", { idempotencyKey: "k" });
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 0 });
    expect(await execute(bench, runId, "a", { idempotencyKey: "k" })).toEqual(once);
    await bench.clock.advance(5000);
    expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
  });
});

describe("a fork of a run that is purged while its blobs are copied", () => {
  it("is refused, and leaves nothing", async () => {
    const bench = kernelOf(pipe);
    const key = (runId: string) => ({ runId, epoch: 1, stageId: "a", attempt: 1, name: "value" });
    bench.executor.bodies.set("a", ({ runId }) => {
      const data = new Blob(['["large"]']);
      const output = { kind: "blob", codec: "devalue@6", key: key(runId), size: data.size };
      return outcome({ kind: "completed", output, value: "large", blobs: [{ key: key(runId), data }] });
    });
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      expect(await bench.kernel.dispatch({ type: "run.purge" })).toEqual({ purged: 1 });
    };
    await expect(
      bench.kernel.dispatch({ type: "run.fork", workflowRunId: runId, fromStageId: "b" }),
    ).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    expect((await bench.store.runs({})).rows).toEqual([]);
  });
});

describe("two callers with one lease", () => {
  it("start the body once", async () => {
    const bench = kernelOf(pipe);
    const body = gate();
    bench.executor.bodies.set("a", body.body);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "a");
    const both = [execute(bench, runId, "a", { token }), execute(bench, runId, "a", { token })];
    await nextTurn();
    await settle();
    body.open("done");
    const outcomes = await Promise.all(both);
    expect(outcomes.filter(({ ghost }) => ghost !== true)).toHaveLength(1);
    expect(bench.executor.started).toHaveLength(1);
  });
});
