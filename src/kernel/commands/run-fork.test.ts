import { describe, expect, it } from "vitest";
import { Kernel } from "../kernel.ts";
import {
  begin,
  execute,
  graphOf,
  headOf,
  kernelOf,
  outcome,
  standing,
  typesOf,
  type Bench,
} from "../kernel.test-helper.ts";
import { expectRefused } from "../watch.test-helper.ts";

const graphs = [graphOf(["a", ["b", "c"], "d"])];
const fork = (
  workflowRunId: string,
  fromStageId: string,
  more: { idempotencyKey?: string; config?: Record<string, unknown> } = {},
) => ({ type: "run.fork", workflowRunId, fromStageId, ...more }) as const;

/** A run that went through, with a Blob in its input and in an output. */
async function completed(): Promise<{ bench: Bench; runId: string }> {
  const bench = kernelOf(graphs);
  bench.executor.bodies.set("a", (task) => {
    const key = { runId: task.runId, epoch: 1, stageId: "a", attempt: 1, name: "0" };
    const blobs = [{ path: ["made"], key, size: 4, type: "" }];
    return outcome({
      kind: "completed",
      value: null,
      output: { kind: "value", value: { made: null }, blobs },
      blobs: [{ key, data: new Blob(["made"]) }],
    });
  });
  const runId = await begin(bench, "wf", { file: new Blob(["given"]) });
  for (const stageId of ["a", "b", "c", "d"]) await execute(bench, runId, stageId);
  return { bench, runId };
}

describe("run.fork", () => {
  it("makes a new run of the same graph that starts before the stage, with the earlier outputs", async () => {
    const { bench, runId } = await completed();
    const before = await bench.store.run(runId);
    const { workflowRunId } = await bench.kernel.dispatch(fork(runId, "b"));
    expect(workflowRunId).not.toBe(runId);
    expect(await bench.store.run(runId)).toEqual(before);
    expect(await headOf(bench, workflowRunId)).toMatchObject({
      status: "PENDING",
      graph: before?.run.graph,
      group: 1,
      epoch: 1,
      forkedFrom: { runId, stageId: "b" },
    });
    expect(await standing(bench, workflowRunId)).toEqual({ run: "PENDING", a: "COMPLETED" });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    for (const stageId of ["b", "c", "d"]) await execute(bench, workflowRunId, stageId);
    expect((await headOf(bench, workflowRunId)).status).toBe("COMPLETED");
    expect(bench.executor.started.filter(({ stage }) => stage.id === "a")).toHaveLength(1);
    const [created] = await bench.store.events({ run: workflowRunId });
    expect(created).toMatchObject({ type: "workflow:created", payload: { forkedFrom: runId } });
  });

  it("keeps the earlier outputs readable after either run is purged", async () => {
    for (const first of ["source", "fork"]) {
      const { bench, runId } = await completed();
      const { workflowRunId } = await bench.kernel.dispatch(fork(runId, "b"));
      const purged = first === "source" ? runId : workflowRunId;
      const left = first === "source" ? workflowRunId : runId;
      if (first === "fork") await bench.kernel.dispatch({ type: "run.cancel", workflowRunId });
      expect(
        await bench.kernel.dispatch({
          type: "run.purge",
          status: [first === "fork" ? "CANCELLED" : "COMPLETED"],
        }),
      ).toEqual({
        purged: 1,
      });
      expect(await bench.store.run(purged)).toBeNull();
      expect(await bench.store.blobs.list(purged)).toEqual([]);
      const found = await bench.store.run(left);
      const keys = [found?.body?.input, found?.stages.find(({ stageId }) => stageId === "a")?.output].flatMap(
        (payload) => payload?.blobs?.map(({ key }) => key) ?? [],
      );
      expect(keys.map((key) => key.runId)).toEqual([left, left]);
      const texts = await Promise.all(keys.map(async (key) => (await bench.store.blobs.get(key))?.text()));
      expect(texts).toEqual(["given", "made"]);
    }
  });

  it("takes a config of its own, or the old run's", async () => {
    const { bench, runId } = await completed();
    const same = await bench.kernel.dispatch(fork(runId, "d"));
    expect((await bench.store.run(same.workflowRunId))?.body?.config).toEqual({ kind: "value", value: {} });
    const own = await bench.kernel.dispatch(fork(runId, "d", { config: { d: { depth: 3 } } }));
    expect((await bench.store.run(own.workflowRunId))?.body?.config).toEqual({
      kind: "value",
      value: { d: { depth: 3 } },
    });
  });

  it("also forks a live run, from what is done of it", async () => {
    const bench = kernelOf(graphs);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    const { workflowRunId } = await bench.kernel.dispatch(fork(runId, "b"));
    expect(await standing(bench, workflowRunId)).toEqual({ run: "PENDING", a: "COMPLETED" });
    expect((await headOf(bench, runId)).status).toBe("RUNNING");
    await expectRefused(bench.store, "MISSING_OUTPUT", () => bench.kernel.dispatch(fork(runId, "d")));
  });

  it("is refused for what isn't there, and leaves no copies behind", async () => {
    const { bench, runId } = await completed();
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => bench.kernel.dispatch(fork("nobody", "a")));
    const config = { d: { file: new Blob(["text"]) } };
    await expectRefused(bench.store, "UNKNOWN_STAGE", () =>
      bench.kernel.dispatch(fork(runId, "z", { config })),
    );
    bench.watch.onCommit = async () => {
      throw new Error("no connection");
    };
    const made: string[] = [];
    const put = bench.store.blobs.put.bind(bench.store.blobs);
    bench.store.blobs.put = (key, data) => {
      made.push(key.runId);
      return put(key, data);
    };
    await expect(bench.kernel.dispatch(fork(runId, "b", { config }))).rejects.toThrow("no connection");
    expect(made).toHaveLength(3);
    for (const id of made) expect(await bench.store.blobs.list(id)).toEqual([]);
    expect(await bench.store.blobs.list(runId)).toHaveLength(2);
  });

  it("checks a config by the workflow's schema", async () => {
    const { bench, runId } = await completed();
    const strict = new Kernel({
      ...bench.kernel.ports,
      registry: {
        ids: () => ["wf"],
        get: (id) =>
          id === "wf"
            ? {
                graph: graphOf(["a"]),
                parseConfig: async () => ({
                  ok: false,
                  issues: [{ path: "d.depth", message: "expected a number" }],
                }),
              }
            : undefined,
      },
    });
    const error = await expectRefused(bench.store, "INVALID_STAGE_CONFIG", () =>
      strict.dispatch(fork(runId, "d", { config: {} })),
    );
    expect(error).toMatchObject({ issues: [{ path: "d.depth" }] });
    const blind = new Kernel({ ...bench.kernel.ports, registry: { ids: () => [], get: () => undefined } });
    await expectRefused(bench.store, "UNKNOWN_WORKFLOW", () =>
      blind.dispatch(fork(runId, "d", { config: {} })),
    );
  });
});

describe("run.fork with a key", () => {
  it("forks once and replays its result", async () => {
    const { bench, runId } = await completed();
    const first = await bench.kernel.dispatch(fork(runId, "b", { idempotencyKey: "k" }));
    expect(await bench.kernel.dispatch(fork(runId, "b", { idempotencyKey: "k" }))).toEqual(first);
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () =>
      bench.kernel.dispatch(fork(runId, "d", { idempotencyKey: "k" })),
    );
    const other = bench.kernel.dispatch(fork(runId, "b", { idempotencyKey: "k2" }));
    await expect(bench.kernel.dispatch(fork(runId, "b", { idempotencyKey: "k2" }))).rejects.toMatchObject({
      code: "IDEMPOTENCY_IN_PROGRESS",
    });
    expect(await other).not.toEqual(first);
  });

  it("forks once where two kernels are told to at the same time, and the loser's copies go", async () => {
    const { bench, runId } = await completed();
    const other = kernelOf(graphs, { store: bench.store, clock: bench.clock });
    const made = new Set<string>();
    const put = bench.store.blobs.put.bind(bench.store.blobs);
    bench.store.blobs.put = (key, data) => {
      made.add(key.runId);
      return put(key, data);
    };
    const results = await Promise.all(
      [bench, other].map(({ kernel }) => kernel.dispatch(fork(runId, "b", { idempotencyKey: "k" }))),
    );
    expect(results[0]).toEqual(results[1]);
    expect(made.size).toBe(2);
    const kept = results[0]?.workflowRunId ?? "";
    for (const id of made) expect(await bench.store.blobs.list(id)).toHaveLength(id === kept ? 2 : 0);
    expect(await typesOf(bench, kept)).toEqual(["workflow:created"]);
  });
});
