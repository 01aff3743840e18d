import { describe, expect, it } from "vitest";
import {
  begin,
  type Bench,
  execute,
  gate,
  graphOf,
  headOf,
  jobOf,
  kernelOf,
  lease,
  outcome,
  settle,
  standing,
  suspends,
} from "./kernel.test-helper.ts";
import { entriesOf, expectRefused } from "./watch.test-helper.ts";

const graphs = [graphOf(["a", "b"])];
const keyed = (
  bench: Bench,
  runId: string,
  more: { token?: number; config?: unknown; stageId?: string } = {},
) => {
  const { stageId = "a", ...rest } = more;
  return execute(bench, runId, stageId, { idempotencyKey: "k", ...rest });
};

/** The record of the key, as a store has it. */
async function recordOf({ store }: Bench, runId: string) {
  return (await store.load({ of: "run", runId, key: { type: "job.execute", key: "k" } })).key;
}

describe("job.execute with a key", () => {
  it("mistake 2: writes the key with the start, completes it with the finish, and replays its result", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    bench.executor.bodies.set("a", async () => {
      expect(await recordOf(bench, runId)).toMatchObject({
        open: { stageId: "a", epoch: 1, token: 1 },
        result: null,
      });
      return { n: 1 };
    });
    const first = await keyed(bench, runId);
    expect(first).toEqual({ outcome: "completed", output: { n: 1 } });
    expect(await recordOf(bench, runId)).toMatchObject({ open: null });
    const written = entriesOf(bench.watch).filter(({ key }) => key?.put.type === "job.execute");
    expect(written.map(({ events }) => events[0]?.type)).toEqual(["stage:started", "stage:completed"]);
    expect(await keyed(bench, runId)).toEqual(first);
    expect(bench.executor.started).toHaveLength(1);
  });

  it("replays failures and skips too, and an output with its Blobs", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    const key = { runId, epoch: 1, stageId: "a", attempt: 1, name: "0" };
    bench.executor.bodies.set("a", () =>
      outcome({
        kind: "completed",
        value: "as the body gave it",
        output: {
          kind: "value",
          value: { file: null },
          blobs: [{ path: ["file"], key, size: 4, type: "text/plain" }],
        },
        blobs: [{ key, data: new Blob(["text"]) }],
      }),
    );
    await keyed(bench, runId);
    const { output } = await keyed(bench, runId);
    expect(await (output as { file: Blob }).file.text()).toBe("text");
    const failing = await begin(bench);
    bench.executor.bodies.set("a", () => {
      throw new TypeError("no");
    });
    const failed = await execute(bench, failing, "a", { idempotencyKey: "k2" });
    expect(await execute(bench, failing, "a", { idempotencyKey: "k2" })).toEqual(failed);
    const skipping = await begin(bench);
    bench.executor.bodies.set("a", () => outcome({ kind: "skipped", reason: null }));
    await execute(bench, skipping, "a", { idempotencyKey: "k3" });
    expect(await execute(bench, skipping, "a", { idempotencyKey: "k3" })).toEqual({ outcome: "skipped" });
  });

  it("is refused with another payload, finished or not", async () => {
    const bench = kernelOf(graphs);
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const first = keyed(bench, runId);
    await settle();
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () => keyed(other, runId, { config: 1 }));
    slow.open("done");
    await first;
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () => keyed(other, runId, { stageId: "b" }));
  });

  it("is in progress for as long as the first one executes, here and elsewhere", async () => {
    const bench = kernelOf(graphs);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const first = keyed(bench, runId);
    await settle();
    for (const one of [bench, other]) {
      await expectRefused(bench.store, "IDEMPOTENCY_IN_PROGRESS", () => keyed(one, runId));
    }
    slow.open("done");
    const result = await first;
    expect(await keyed(other, runId)).toEqual(result);
  });

  it("gives the job back where another kernel wrote the key first", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const other = kernelOf([graphOf([["a", "b"]])], { store: bench.store, clock: bench.clock });
    const slow = gate();
    other.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    let first: Promise<unknown> = Promise.resolve();
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      first = keyed(other, runId);
      await settle();
      // Its lease is lost at once, so that the job is free while the key is still open.
      await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    };
    await expect(keyed(bench, runId)).rejects.toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
    expect(await jobOf(bench, runId, "a")).toMatchObject({ worker: null, started: false });
    expect(bench.executor.started).toEqual([]);
    slow.open("late");
    await first;
  });

  it("is released on suspension and on a failure that may be tried again", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    let tries = 0;
    bench.executor.bodies.set("a", (task) => {
      tries += 1;
      if (tries === 1) throw new Error("again");
      return task.resume === null ? suspends({ dueIn: 1000 }) : "done";
    });
    expect(await keyed(bench, runId)).toMatchObject({ outcome: "failed", retryable: true });
    expect(await recordOf(bench, runId)).toBeNull();
    await bench.clock.advance(1000);
    expect(await keyed(bench, runId)).toMatchObject({ outcome: "suspended" });
    expect(await recordOf(bench, runId)).toBeNull();
    await bench.clock.advance(1000);
    expect(await keyed(bench, runId)).toEqual({ outcome: "completed", output: "done" });
    expect(await keyed(bench, runId)).toEqual({ outcome: "completed", output: "done" });
  });

  it.each(["released", "expired", "reaped"])("is reclaimed from a holder whose lease was %s", async (how) => {
    const bench = kernelOf(graphs);
    const dead = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    dead.executor.bodies.set("a", () => new Promise(() => undefined));
    const runId = await begin(bench);
    void keyed(dead, runId);
    await settle();
    dead.watch.beats = false;
    if (how === "released") await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    else await bench.clock.advance(30_000);
    if (how === "expired") {
      await expect(keyed(bench, runId)).rejects.toMatchObject({ code: "JOB_LEASED" });
    }
    if (how !== "released")
      await bench.kernel.dispatch({ type: "lease.reapStale", staleThresholdMs: 30_000 });
    expect(await keyed(bench, runId)).toEqual({ outcome: "completed", output: "a" });
    expect(await recordOf(bench, runId)).toMatchObject({ open: null });
  });

  it("isn't completed by a ghost: whoever took over completes it", async () => {
    const bench = kernelOf(graphs);
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const slow = gate();
    bench.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    const first = keyed(bench, runId);
    await settle();
    await bench.store.jobs.release({ leases: [await jobOf(bench, runId, "a")] });
    expect(await keyed(other, runId)).toEqual({ outcome: "completed", output: "a" });
    slow.open("from the dead");
    expect(await first).toEqual({ outcome: "completed", ghost: true });
    expect(await keyed(other, runId)).toEqual({ outcome: "completed", output: "a" });
  });

  it("can be used anew after its execution was cancelled with its run and the run rerun", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", (task) => (task.epoch === 1 ? new Promise(() => undefined) : "second"));
    const runId = await begin(bench);
    const first = keyed(bench, runId);
    await settle();
    await bench.kernel.dispatch({ type: "run.cancel", workflowRunId: runId });
    expect(await first).toEqual({ outcome: "cancelled", ghost: true });
    await bench.kernel.dispatch({ type: "run.rerunFrom", workflowRunId: runId, fromStageId: "a" });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    expect(await keyed(bench, runId)).toEqual({ outcome: "completed", output: "second" });
  });
});

describe("the task that a body is given", () => {
  it("mistake 11: loads the outputs that the stage depends on, and no others", async () => {
    const ids = ["a", "b", "c", "d", "e"];
    const graph = graphOf(ids, { e: { dependencies: ["b"] } });
    const one = kernelOf([graph]);
    const runId = await begin(one);
    for (const stageId of ids.slice(0, 4)) await execute(one, runId, stageId);
    // A kernel that remembers nothing of the run.
    const two = kernelOf([graph], { store: one.store, clock: one.clock });
    await execute(two, runId, "e");
    const loaded = two.watch.scopes.flatMap((scope) => (scope.of === "run" ? (scope.stages ?? []) : []));
    expect([...loaded].sort()).toEqual(["b", "d"]);
    expect([...(two.executor.started[0]?.outputs.keys() ?? [])].sort()).toEqual(["b", "d"]);
  });

  it("holds all earlier outputs where the stage names no dependencies, none of its own group's", async () => {
    const bench = kernelOf([graphOf(["a", ["b", "c"], "d"])]);
    const runId = await begin(bench);
    for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
    const keys = bench.executor.started.map(({ outputs }) => [...outputs.keys()].sort().join());
    expect(keys).toEqual(["", "a", "a", "a,b,c"]);
  });

  it("holds the config of the run, or the caller's for this execution", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await execute(bench, runId, "a", { config: { depth: 3 } });
    await execute(bench, runId, "b");
    const [a, b] = bench.executor.started;
    expect(a?.ownConfig).toEqual({ value: { depth: 3 } });
    expect(b).not.toHaveProperty("ownConfig");
    expect(b?.config).toEqual({ kind: "value", value: {} });
    expect([a?.idempotencyKey, b?.idempotencyKey]).toEqual([`${runId}/a/1`, `${runId}/b/1`]);
  });

  it("tells of a skipped stage's missing output", async () => {
    const bench = kernelOf(graphs);
    bench.executor.bodies.set("a", () => outcome({ kind: "skipped", reason: null }));
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    expect(bench.executor.started[1]?.outputs.get("a")).toBeNull();
  });

  it("reports progress to observers, and logs and blobs to the store, under its attempt", async () => {
    const bench = kernelOf(graphs);
    const changes: unknown[] = [];
    bench.store.subscribe((told) => changes.push(...told.filter(({ kind }) => kind === "progress")));
    const runId = await begin(bench);
    const batch = {
      runId,
      stageId: "a",
      epoch: 1,
      attempt: 1,
      from: 0,
      lines: [{ at: 1, level: "INFO" as const, message: "hello" }],
    };
    const key = { runId, epoch: 1, stageId: "a", attempt: 1, name: "x" };
    bench.executor.bodies.set("a", async (_, observer) => {
      observer.progress({ progress: 0.5, message: "half" });
      await observer.logs(batch);
      await observer.writeBlob(key, new Blob(["text"]));
      return (await observer.readBlob(key))?.size;
    });
    expect(await execute(bench, runId, "a")).toMatchObject({ output: 4 });
    expect(changes).toEqual([
      { kind: "progress", runId, stageId: "a", epoch: 1, attempt: 1, progress: 0.5, message: "half" },
    ]);
    expect(await bench.store.logs({ runId })).toEqual([batch]);
  });
});

describe("a failing stage whose siblings move at the same moment", () => {
  it("isn't mistaken for a ghost: a sibling that is claimed in between only makes it decide again", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    bench.executor.bodies.set("a", () => {
      throw new TypeError("no");
    });
    const runId = await begin(bench);
    let claimed = 0;
    bench.watch.afterLoad = async (scope) => {
      if (scope.of !== "run" || scope.jobs !== "all") return;
      bench.watch.afterLoad = null;
      claimed = await lease(bench, runId, "b", "w2");
    };
    expect(await execute(bench, runId, "a")).toMatchObject({ outcome: "failed", retryable: false });
    expect(claimed).toBe(1);
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED", b: "CANCELLED" });
    expect((await headOf(bench, runId)).error).toMatchObject({ stageId: "a" });
  });
});
