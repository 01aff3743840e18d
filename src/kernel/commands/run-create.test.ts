import { describe, expect, it } from "vitest";
import { givenOf } from "../decide.test-helper.ts";
import { Kernel } from "../kernel.ts";
import { begin, create, execute, graphOf, headOf, kernelOf, typesOf } from "../kernel.test-helper.ts";
import { deepFreeze, entriesOf, expectRefused } from "../watch.test-helper.ts";
import { decideCreate, type NewRun } from "./run-create.ts";

const fresh: NewRun = {
  graph: graphOf([["a", "b", "c"], "d"]),
  body: { input: { kind: "value", value: 1 }, config: { kind: "value", value: {} } },
  key: "k",
  hash: "h",
  priority: 7,
  annotations: {},
  deliverTo: [],
  holder: "kernel",
};

describe("decideCreate", () => {
  it("is a function of its arguments alone, and leaves them as they are", () => {
    const frozen = deepFreeze({ fresh, given: givenOf({ entry: "e", runId: "r" }) });
    const first = decideCreate(frozen.fresh, frozen.given);
    expect(decideCreate(frozen.fresh, frozen.given).entry).toEqual(first.entry);
    expect(first.entry).toMatchObject({
      id: "e",
      create: { id: "r", status: "PENDING", priority: 7 },
      jobs: [],
    });
  });

  it("leases as many of the first group as there are slots, and enqueues the others", () => {
    const { entry } = decideCreate(fresh, givenOf({ lease: { workerId: "w", slots: 2 } }));
    expect(entry?.create?.status).toBe("RUNNING");
    expect(entry?.counters).toEqual({ set: { remaining: 3, active: 3 } });
    expect(
      entry?.jobs?.map(({ stageId, worker, started, attempt, token }) => ({
        stageId,
        worker,
        started,
        attempt,
        token,
      })),
    ).toEqual([
      { stageId: "a", worker: "w", started: true, attempt: 1, token: 1 },
      { stageId: "b", worker: "w", started: true, attempt: 1, token: 1 },
      { stageId: "c", worker: null, started: false, attempt: 0, token: 0 },
    ]);
    expect(entry?.events.map(({ type }) => type)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:started",
    ]);
  });

  it("leaves the run PENDING where there is no slot", () => {
    const { entry } = decideCreate(fresh, givenOf({ lease: { workerId: "w", slots: 0 } }));
    expect(entry?.create?.status).toBe("PENDING");
  });
});

describe("run.create", () => {
  it("writes a PENDING run with its input, config and annotations in one commit", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const result = await bench.kernel.dispatch({
      type: "run.create",
      workflowId: "wf",
      input: { n: 1, at: new Date(5) },
      idempotencyKey: "k",
      config: { a: { depth: 2 } },
      priority: 3,
      annotations: { source: "upload" },
    });
    expect(result).toEqual({ workflowRunId: expect.any(String), status: "PENDING" });
    expect(bench.watch.commits).toHaveLength(1);
    const found = await bench.store.run(result.workflowRunId);
    expect(found?.run).toMatchObject({
      status: "PENDING",
      priority: 3,
      key: "k",
      epoch: 1,
      group: 0,
      remaining: 0,
    });
    expect(found?.body?.input).toEqual({ kind: "value", value: { n: 1, at: new Date(5) } });
    expect(found?.body?.config).toEqual({ kind: "value", value: { a: { depth: 2 } } });
    expect(found?.jobs).toEqual([]);
    const events = await bench.store.events({ run: result.workflowRunId });
    expect(events.map(({ type, payload }) => ({ type, payload }))).toEqual([
      { type: "workflow:created", payload: { graph: found?.run.graph, priority: 3 } },
      { type: "annotation:created", payload: { name: "source", value: "upload" } },
    ]);
    expect(events.map(({ id, sequence }) => ({ id, sequence }))).toEqual([
      { id: `${result.workflowRunId}:1`, sequence: 1 },
      { id: `${result.workflowRunId}:2`, sequence: 2 },
    ]);
  });

  it("mistake 2: records the key in the commit that creates the run", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    await create(bench, { idempotencyKey: "k" });
    const [entry] = entriesOf(bench.watch);
    expect(entry?.create).toBeDefined();
    expect(entry?.key).toMatchObject({ expect: null, put: { type: "run.create", key: "k", open: null } });
  });

  it("keeps what the caller changes afterwards out of the run", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const input = { list: [1] };
    const runId = await create(bench, { input });
    input.list.push(2);
    expect((await bench.store.run(runId))?.body?.input).toEqual({ kind: "value", value: { list: [1] } });
  });

  it("refuses a workflow that it doesn't know, and names those that it does", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const error = await expectRefused(bench.store, "UNKNOWN_WORKFLOW", () =>
      create(bench, { workflowId: "other" }),
    );
    expect(error.message).toContain('"other"');
    expect(error.message).toContain("wf");
    expect(bench.watch.commits).toEqual([]);
  });

  it("refuses a value that no store can carry, and says where it stands", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const error = await expectRefused(bench.store, "INVALID_PAYLOAD", () =>
      create(bench, { input: { deep: [{ call: () => 1 }] } }),
    );
    expect(error).toMatchObject({ path: "input.deep[0].call" });
  });

  it("stores Blobs before the commit that points to them, and removes them again where it comes to none", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const file = new Blob(["text"], { type: "text/plain" });
    const runId = await create(bench, { input: { file }, idempotencyKey: "k" });
    const body = (await bench.store.run(runId))?.body;
    const key = body?.input.blobs?.[0]?.key;
    expect(key).toMatchObject({ runId });
    expect(await (key && (await bench.store.blobs.get(key)))?.text()).toBe("text");
    await create(bench, { input: { file: new Blob(["text"], { type: "text/plain" }) }, idempotencyKey: "k" });
    bench.watch.onCommit = async () => {
      throw new Error("no connection");
    };
    const before = bench.watch.commits.length;
    await expect(create(bench, { input: { file } })).rejects.toThrow("no connection");
    const losers = entriesOf(bench.watch).filter((entry) => entry.runId !== runId);
    expect(bench.watch.commits).toHaveLength(before + 1);
    expect(losers).toHaveLength(2);
    for (const loser of losers) expect(await bench.store.blobs.list(loser.runId)).toEqual([]);
    expect(await bench.store.blobs.list(runId)).toHaveLength(1);
  });

  it("mistake 8: parses input and config by the workflow's schemas before anything is written", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const { kernel } = bench;
    const strict = new Kernel({
      ...kernel.ports,
      registry: {
        ids: () => ["wf"],
        get: () => ({
          graph: graphOf(["a"]),
          parseInput: async (input) =>
            typeof input === "number"
              ? { ok: true, value: input * 2 }
              : { ok: false, issues: [{ path: "n", message: "expected a number" }] },
          parseConfig: async (config) =>
            "a" in config
              ? { ok: true, value: { a: { depth: 9 } } }
              : { ok: false, issues: [{ path: "a", message: "missing" }] },
        }),
      },
    });
    const bad = { ...bench, kernel: strict };
    expect(
      await expectRefused(bench.store, "INVALID_WORKFLOW_INPUT", () => create(bad, { input: "x" })),
    ).toMatchObject({
      issues: [{ path: "n", message: "expected a number" }],
    });
    await expectRefused(bench.store, "INVALID_STAGE_CONFIG", () => create(bad, { input: 1 }));
    const runId = await create(bad, { input: 4, config: { a: {} } });
    expect((await bench.store.run(runId))?.body).toMatchObject({
      input: { value: 8 },
      // Kept as it was given: each stage parses its own part.
      config: { value: { a: {} } },
    });
  });
});

describe("run.create with a key", () => {
  it("gives the same result for the same payload, and writes nothing twice", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const input = { b: 1, a: new Map([["x", 1n]]), file: new Blob(["text"]) };
    const runId = await create(bench, { idempotencyKey: "k", input });
    const again = { a: new Map([["x", 1n]]), b: 1, file: new Blob(["text"]) };
    expect(await create(bench, { idempotencyKey: "k", input: again })).toBe(runId);
    expect((await bench.store.runs({})).rows).toHaveLength(1);
  });

  it("answers as the first time even when the run is long over", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const runId = await create(bench, { idempotencyKey: "k" });
    await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await execute(bench, runId, "a");
    const again = await bench.kernel.dispatch({
      type: "run.create",
      workflowId: "wf",
      input: null,
      idempotencyKey: "k",
    });
    expect(again).toEqual({ workflowRunId: runId, status: "PENDING" });
  });

  it.each([
    ["input", { input: { n: 2 } }],
    ["a Blob's content", { input: { n: 1, file: new Blob(["other"]) } }],
    ["config", { input: { n: 1, file: new Blob(["text"]) }, config: { a: {} } }],
    ["priority", { input: { n: 1, file: new Blob(["text"]) }, priority: 1 }],
    ["annotations", { input: { n: 1, file: new Blob(["text"]) }, annotations: { x: 1 } }],
  ])("refuses another payload: %s", async (_, more) => {
    const bench = kernelOf([graphOf(["a"])]);
    await create(bench, { idempotencyKey: "k", input: { n: 1, file: new Blob(["text"]) } });
    await expectRefused(bench.store, "IDEMPOTENCY_KEY_REUSED", () =>
      create(bench, { idempotencyKey: "k", ...more }),
    );
  });

  it("says that the first is in progress while it is uncommitted, in the same kernel", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const first = create(bench, { idempotencyKey: "k" });
    await expect(create(bench, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_IN_PROGRESS",
    });
    const runId = await first;
    expect(await create(bench, { idempotencyKey: "k" })).toBe(runId);
  });

  it("lets one of two kernels create the run, and gives both its id", async () => {
    const one = kernelOf([graphOf(["a"])]);
    const two = kernelOf([graphOf(["a"])], { store: one.store, clock: one.clock });
    const ids = await Promise.all([one, two].map((bench) => create(bench, { idempotencyKey: "k" })));
    expect(new Set(ids).size).toBe(1);
    expect((await one.store.runs({})).rows).toHaveLength(1);
  });
});

describe("a host's start", () => {
  it("creates and claims in one commit, with both events", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const { result, next } = await bench.kernel.host.start(
      { type: "run.create", workflowId: "wf", input: null, idempotencyKey: "k" },
      { workerId: "w", slots: 1 },
    );
    expect(bench.watch.commits).toHaveLength(1);
    expect(result.status).toBe("RUNNING");
    expect(next.map(({ stageId, worker, started }) => ({ stageId, worker, started }))).toEqual([
      { stageId: "a", worker: "w", started: true },
    ]);
    expect(await typesOf(bench, result.workflowRunId)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
    ]);
    expect(await headOf(bench, result.workflowRunId)).toMatchObject({
      status: "RUNNING",
      remaining: 2,
      active: 2,
    });
  });

  it("checks the command like dispatch", () => {
    const { kernel } = kernelOf([graphOf(["a"])]);
    expect(() =>
      kernel.host.start({ type: "run.create", workflowId: "", input: null, idempotencyKey: "k" }, null),
    ).toThrow(expect.objectContaining({ code: "INVALID_COMMAND", field: "workflowId" }));
  });

  it("gives nothing to execute for a key that another start has used", async () => {
    const bench = kernelOf([graphOf(["a"])]);
    const command = { type: "run.create", workflowId: "wf", input: null, idempotencyKey: "k" } as const;
    const first = await bench.kernel.host.start(command, { workerId: "w", slots: 1 });
    const second = await bench.kernel.host.start(command, { workerId: "w", slots: 1 });
    expect(second).toEqual({ result: first.result, next: [] });
    expect(await begin(bench)).not.toBe(first.result.workflowRunId);
  });
});
