import { describe, expect, it } from "vitest";
import { NOW } from "../ports/store.ts";
import { recordOf } from "./commands/job-execute-finish.ts";
import { runOf, startedJob } from "./decide.test-helper.ts";
import { stateOf } from "./decision.ts";
import { begin, execute, graphOf, headOf, kernelOf } from "./kernel.test-helper.ts";
import { runAfter, Warm } from "./warm.ts";

const graph = graphOf([["a", "b"]]);
const committed = { status: "committed", at: 77, version: 3, sequence: 4, remaining: 1, active: 1 } as const;
const entry = { id: "e", runId: "run", command: "test", guards: {}, events: [] };

describe("what is remembered of a run", () => {
  it("follows its commits: counters, sequence, outputs", () => {
    const warm = new Warm();
    warm.set(runOf({ remaining: 2 }), graph);
    const output = { kind: "value", value: 1 } as const;
    const record = recordOf({ job: startedJob("a") }, { status: "COMPLETED", output });
    const skipped = recordOf({ job: startedJob("b") }, { status: "SKIPPED" });
    warm.apply({ ...entry, stages: [record, skipped] }, committed);
    expect(warm.get("run")?.run).toMatchObject({
      version: 3,
      sequence: 4,
      remaining: 1,
      updatedAt: 77,
      entry: "e",
    });
    expect([...(warm.get("run")?.outputs ?? [])]).toEqual([
      ["a", output],
      ["b", null],
    ]);
  });

  it("is replaced by what was read later, and never by what was read before", () => {
    const warm = new Warm();
    warm.set(runOf({ version: 5, sequence: 9 }), graph);
    warm.set(runOf({ version: 4, sequence: 9 }), graph);
    expect(warm.get("run")?.run.version).toBe(5);
    warm.set(runOf({ version: 5, sequence: 10 }), graph);
    expect(warm.get("run")?.run.sequence).toBe(10);
  });

  it("forgets the outputs of an earlier epoch, and takes nothing from one", () => {
    const warm = new Warm();
    warm.set(runOf(), graph).outputs.set("a", null);
    warm.set(runOf({ epoch: 2 }), graph);
    expect(warm.get("run")?.outputs.size).toBe(0);
    warm.set(runOf({ epoch: 1, version: 99, sequence: 99 }), graph);
    expect(warm.get("run")?.run.epoch).toBe(2);
  });

  it("ends with the run, with its epoch, with its purge, and where another kernel moved the run meanwhile", () => {
    for (const change of [
      { state: stateOf(runOf(), { status: "COMPLETED" }) },
      { state: stateOf(runOf(), { epoch: 2 }) },
      { purge: true as const },
    ]) {
      const warm = new Warm();
      warm.set(runOf(), graph);
      warm.apply({ ...entry, ...change }, committed);
      expect(warm.get("run")).toBeUndefined();
    }
    const warm = new Warm();
    warm.set(runOf({ version: 3 }), graph);
    warm.apply(entry, { ...committed, version: 4 });
    expect(warm.get("run")).toBeUndefined();
  });

  it("isn't more than so many runs: the longest unused goes first", () => {
    const warm = new Warm(2);
    for (const id of ["r1", "r2", "r3"]) warm.set(runOf({ id }), graph);
    expect(["r1", "r2", "r3"].map((id) => warm.get(id)?.run.id)).toEqual([undefined, "r2", "r3"]);
  });

  it("isn't kept of settled runs", () => {
    const warm = new Warm();
    expect(warm.set(runOf({ status: "FAILED" }), graph).run.status).toBe("FAILED");
    expect(warm.get("run")).toBeUndefined();
  });
});

describe("runAfter", () => {
  it("is the head as the store has it after the entry", () => {
    const settled = runAfter(
      runOf(),
      { ...entry, state: stateOf(runOf(), { status: "COMPLETED" }) },
      committed,
    );
    expect(settled).toMatchObject({ status: "COMPLETED", settledAt: 77 });
    const cursor = { position: 1, token: 2, holder: "k", heldUntil: { in: 10 }, failures: 0, dueAt: NOW };
    const moved = runAfter(runOf(), { ...entry, cursors: { s: cursor } }, committed);
    expect(moved.cursors.s).toMatchObject({ heldUntil: 87, dueAt: 77 });
    expect(moved.settledAt).toBeNull();
  });

  it("agrees with the memory store about every entry of a run", async () => {
    const bench = kernelOf([graphOf(["a", ["b", "c"]])]);
    const heads: unknown[] = [];
    bench.kernel.host.onCommitted((written, verdict) => {
      heads.push(
        bench.store
          .run(written.runId)
          .then((found) => [found?.run.sequence, verdict.sequence, found?.run.version, verdict.version]),
      );
    });
    const runId = await begin(bench);
    for (const stageId of ["a", "b", "c"]) await execute(bench, runId, stageId);
    for (const [one, other, version, told] of (await Promise.all(heads)) as number[][])
      expect([one, version]).toEqual([other, told]);
    expect((await headOf(bench, runId)).status).toBe("COMPLETED");
  });
});

describe("warm state", () => {
  it("saves reading: a run that is executed here is read once for its body, and never for its head", async () => {
    const bench = kernelOf([graphOf(["a", "b", "c"])]);
    const { next } = await bench.kernel.host.start(
      { type: "run.create", workflowId: "wf", input: 1, idempotencyKey: "k" },
      { workerId: "w", slots: 1 },
    );
    let jobs = next;
    while (jobs.length > 0) {
      const [job] = jobs;
      if (job === undefined) break;
      ({ next: jobs } = await bench.kernel.host.execute(job, 0));
    }
    expect(bench.executor.started.map(({ stage }) => stage.id)).toEqual(["a", "b", "c"]);
    expect(bench.watch.scopes).toEqual([]);
  });

  it("is never a right to write: what it got wrong is decided again from a fresh read", async () => {
    const one = kernelOf([graphOf(["a", "b"])]);
    const two = kernelOf([graphOf(["a", "b"])], { store: one.store, clock: one.clock });
    const runId = await begin(one);
    one.executor.bodies.set("a", async () => {
      await two.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "x", payload: 1 });
      return "a";
    });
    expect(await execute(one, runId, "a")).toEqual({ outcome: "completed", output: "a" });
    expect(await headOf(one, runId)).toMatchObject({ group: 1, status: "RUNNING", remaining: 1 });
  });
});
