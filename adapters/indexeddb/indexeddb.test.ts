import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  claim,
  claimOne,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  jobOf,
  keyOf,
  note,
  payload,
  stageOf,
} from "../../src/testing/conformance/rows.ts";
import { indexedDbStore } from "./index.ts";
import { dump, freshName, openStore, patch, type Watch, watchPlatform } from "./platform.test-helper.ts";
import { graphs, threeStages } from "./runs.test-helper.ts";

let watch: Watch;
beforeEach(() => {
  watch = watchPlatform();
});
afterEach(() => watch.stop());

describe("indexedDbStore", () => {
  it.each([
    ["options", null],
    ["database", {}],
    ["database", { database: "" }],
    ["durability", { database: "d", durability: "often" }],
    ["record", { database: "d", record: true }],
    ["clock", { database: "d", clock: {} }],
    ["clock", { database: "d", clock: null }],
  ])("refuses %s that can't be: %j", async (option, given) => {
    await expect(indexedDbStore(given as never)).rejects.toMatchObject({ code: "INVALID_OPTION", option });
  });

  it("goes by the machine's clock unless it is given one", async () => {
    const before = Date.now();
    const { now } = await (await openStore()).load({ of: "run", runId: "none" });
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    const still = await openStore({ clock: { now: () => 42 } });
    expect((await still.load({ of: "run", runId: "none" })).now).toBe(42);
  });

  it("says how safe the data is, as far as the platform does", async () => {
    const persist = vi.fn(async () => true);
    const storage = {
      persist,
      persisted: async () => true,
      estimate: async () => ({ usage: 12_345, quota: 99_999 }),
    };
    vi.stubGlobal("navigator", { storage });
    const store = await openStore();
    await createRun(store);
    expect(await store.storage()).toEqual({
      kind: "indexeddb",
      durable: true,
      persisted: true,
      usageBytes: 12_345,
      quotaBytes: 99_999,
      runs: 1,
    });
    expect(persist).toHaveBeenCalledOnce();
    vi.stubGlobal("navigator", undefined);
    expect(await store.storage()).toMatchObject({ persisted: null, usageBytes: null, quotaBytes: null });
    vi.unstubAllGlobals();
  });
});

describe("what a commit costs", () => {
  it("is few rows for a short run", async () => {
    const store = await openStore();
    await store.lead();
    await threeStages(store, "first");
    watch.reset();
    await threeStages(store, "second");
    const writes = watch.requests.filter((request) => /^(add|put|delete) /.test(request));
    expect(writes.sort()).toEqual([
      "add keys",
      "delete live",
      "put live",
      "put live",
      "put live",
      "put live",
      "put meta",
      "put settled",
    ]);
    // Each looks whether it still leads, and nothing else: the id follows those before it, and the key is added in the hope that it is new.
    expect(watch.requests.filter((request) => request.startsWith("get"))).toEqual(
      Array.from({ length: 5 }, () => "get meta"),
    );
  });

  it("is one more try where a key that was taken to be new is another run's", async () => {
    const database = freshName();
    const before = await openStore({ database });
    await threeStages(before, "first");
    await before.close();
    const store = await openStore({ database });
    await store.lead();
    watch.reset();
    const born = creation({ id: "second", graph: graphs.three });
    const [verdict] = await store.commit([
      { ...born, key: { expect: null, put: keyOf("second", "key of first", born.id) } },
    ]);
    expect(verdict).toMatchObject({ status: "duplicate", record: { runId: "first" } });
    expect(watch.requests.filter((request) => /^(add|get) keys/.test(request))).toEqual([
      "add keys",
      "get keys",
    ]);
    expect(await store.run("second")).toBeNull();
  });

  it("is the same for a stage of a wide group as of a narrow one", async () => {
    const store = await openStore();
    const costs: string[][] = [];
    for (const width of [40, 2000]) {
      const ids = Array.from({ length: width }, (_, index) => `s${index}`);
      const run = await createRun(store, { graph: graphOf(`w${width}`, [ids]) }, ...ids);
      const job = await claimOne(store, run, "s7");
      watch.reset();
      await commit(
        store,
        entryFor(run.id, {
          guards: { jobs: [{ stageId: "s7", token: job.token }] },
          dropJobs: ["s7"],
          stages: [stageOf(run.id, "s7")],
          counters: { add: { remaining: -1, active: -1 } },
          events: [note(1)],
        }),
      );
      costs.push([...watch.requests]);
    }
    expect(costs[0]).toEqual(["get meta", "delete jobs", "put live"]);
    expect(costs[1]).toEqual(costs[0]);
  });

  it("doesn't grow with what was written before", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const run = await createRun(store);
    for (let index = 0; index < 30; index += 1)
      await commit(
        store,
        entryFor(run.id, { stages: [stageOf(run.id, `s${index}`, { output: payload("x".repeat(500)) })] }),
      );
    const { live, deltas } = await dump(database);
    expect(JSON.stringify(live).length).toBeLessThan(8000);
    expect(deltas?.length).toBeGreaterThan(3);
    await store.close();
    const again = await openStore({ database });
    expect((await again.run(run.id))?.stages).toHaveLength(30);
  });

  it("is no scan of runs that are over", async () => {
    const store = await openStore();
    for (let index = 0; index < 20; index += 1) await threeStages(store, `run-${index}`);
    const run = await createRun(store, { graph: graphs.three }, "a");
    watch.reset();
    const job = await claimOne(store, run, "a");
    await store.jobs.heartbeat({ leases: [job], leaseFor: 1000 });
    await store.load({ of: "pending", workflowIds: null, limit: 10 });
    await store.load({ of: "stale", staleMs: null, dead: [], limit: 10 });
    await store.load({ of: "stuck", idleMs: 0, limit: 10 });
    await store.load({ of: "outbox", subscribers: ["sink"], limit: 10, maxEvents: 10 });
    await threeStages(store, "last");
    const scans = watch.requests.filter((request) => /^(getAll|count|openCursor)/.test(request));
    expect(scans).toEqual([]);
  });
});

describe("a run with many jobs", () => {
  it("keeps them in rows of their own until it has few, in their order", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const ids = Array.from({ length: 30 }, (_, index) => `s${29 - index}`);
    const graph = graphOf("wide", [ids]);
    const run = await createRun(store, { graph }, ...ids);
    expect((await dump(database)).jobs).toHaveLength(30);
    await store.close();
    const again = await openStore({ database });
    const { claimed } = await claim(again, graph, ids, { limit: 5 });
    expect(claimed.map(({ job: { stageId } }) => stageId)).toEqual(ids.slice(0, 5));
    await commit(again, entryFor(run.id, { dropJobs: ids.slice(0, 20) }));
    expect((await dump(database)).jobs).toHaveLength(10);
    await commit(again, entryFor(run.id, { dropJobs: ids.slice(0, 28) }));
    const { jobs, live } = await dump(database);
    expect([jobs?.length, (live?.[0] as { jobs: unknown[] }).jobs.length]).toEqual([0, 2]);
    await again.close();
    const last = await openStore({ database });
    expect((await last.run(run.id))?.jobs.map(({ stageId }) => stageId)).toEqual(ids.slice(28));
  });
});

describe("a purge", () => {
  it("leaves nothing on disk but the keys that it keeps and the graph", async () => {
    const database = freshName();
    const store = await openStore({ database });
    for (const id of ["small", "large"]) {
      await threeStages(store, id);
      await store.blobs.put({ runId: id, epoch: 1, stageId: "a", attempt: 1, name: "b0" }, new Blob(["x"]));
      const lines = [{ at: 1, level: "INFO" as const, message: "x" }];
      await store.appendLogs([{ runId: id, stageId: "a", epoch: 1, attempt: 1, from: 0, lines }]);
    }
    const ids = Array.from({ length: 30 }, (_, index) => `s${index}`);
    await commit(
      store,
      entryFor("large", {
        jobs: ids.map((id) => jobOf("large", id)),
        stages: [stageOf("large", "x", { output: payload("y".repeat(9000)) })],
      }),
    );
    const before = await dump(database);
    expect(Object.keys(before).filter((name) => before[name]?.length === 0)).toEqual(["changes", "flush"]);
    await commit(
      store,
      entryFor("small", { purge: true, dropKeys: [{ type: "test", key: "key of small" }] }),
    );
    await commit(store, entryFor("large", { purge: true }));
    const { meta, graphs: kept, keys, ...rest } = await dump(database);
    expect([meta?.length, kept?.length, keys?.length]).toEqual([1, 1, 1]);
    expect(Object.values(rest).flat()).toEqual([]);
  });
});

describe("harden", () => {
  it("is there unless every commit is strict by itself", async () => {
    const strict = await openStore({ durability: "strict" });
    expect(strict.harden).toBeUndefined();
    watch.reset();
    await createRun(strict);
    expect(
      watch.transactions.filter(({ mode }) => mode === "readwrite").map(({ durability }) => durability),
    ).toEqual(["strict"]);
  });

  it("makes one strict commit for all that were committed before it, and none where there were none", async () => {
    const store = await openStore();
    await createRun(store);
    watch.reset();
    await Promise.all([store.harden?.(), store.harden?.()]);
    await store.harden?.();
    expect(watch.transactions.map(({ mode, durability }) => [mode, durability])).toEqual([
      ["readwrite", "strict"],
    ]);
    expect(watch.requests).toEqual(["put flush"]);
    await commit(store, creation());
    watch.reset();
    await store.harden?.();
    expect(watch.transactions.map(({ durability }) => durability)).toEqual(["strict"]);
  });

  it("tries again after it failed", async () => {
    const store = await openStore();
    await createRun(store);
    const mend = patch(
      IDBDatabase.prototype,
      "transaction",
      () =>
        function () {
          throw new DOMException("no", "DataError");
        },
    );
    await expect(store.harden?.()).rejects.toThrow("no");
    mend();
    watch.reset();
    await store.harden?.();
    expect(watch.requests).toEqual(["put flush"]);
  });
});
