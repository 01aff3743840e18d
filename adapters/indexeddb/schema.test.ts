/** Databases of other versions, and damaged ones. */
import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import {
  commit,
  createRun,
  entryFor,
  graphOf,
  note,
  payload,
  snapshot,
  stageOf,
} from "../../src/testing/conformance/rows.ts";
import { connect, dump, freshName, plant } from "./platform.test-helper.ts";
import { type RunRow, type SchemaVersion, versions } from "./schema.ts";
import { Indexed } from "./store.ts";

/** Version 1 as it shipped, made by hand: it must open for ever. */
async function makeVersion1(database: string): Promise<void> {
  const db = await connect(database, 10, (made) => {
    for (const name of ["live", "jobs", "deltas", "graphs", "logs", "blobs", "meta", "flush", "changes"])
      made.createObjectStore(name);
    made.createObjectStore("keys").createIndex("expiresAt", "expiresAt");
    const settled = made.createObjectStore("settled");
    settled.createIndex("run.key", "run.key");
    settled.createIndex("[run.status+run.settledAt]", ["run.status", "run.settledAt"]);
    settled.createIndex("[run.status+nth]", ["run.status", "nth"]);
    settled.createIndex("[run.workflowId+run.status+nth]", ["run.workflowId", "run.status", "nth"]);
    settled.createIndex("lettered", "lettered");
  });
  const graph = graphOf("w", [["a"], ["b"]]);
  const run = {
    id: "live-run",
    workflowId: "w",
    graph: graph.hash,
    priority: 0,
    key: "k1",
    forkedFrom: null,
    status: "RUNNING",
    epoch: 1,
    group: 1,
    error: null,
    delivered: false,
    version: 3,
    sequence: 2,
    remaining: 1,
    active: 1,
    cursors: {},
    entry: "e2",
    createdAt: 1000,
    updatedAt: 1002,
    settledAt: null,
  };
  const job = {
    runId: "live-run",
    stageId: "b",
    workflowId: "w",
    epoch: 1,
    group: 1,
    kind: "execute",
    priority: 0,
    attempt: 0,
    failures: 0,
    crashes: 0,
    checkFailures: 0,
    started: false,
    token: 0,
    worker: null,
    leaseUntil: 0,
    renewedAt: 0,
    dueAt: 1002,
    enqueuedAt: 1002,
    startedAt: null,
    suspended: false,
    resumes: false,
    signal: null,
    deadlineAt: null,
  };
  const journal = (runId: string, from: number) => ({
    runId,
    from,
    at: 1001,
    entry: `e${from}`,
    events: [note(from)],
  });
  const stage = { ...stageOf("live-run", "a"), startedAt: 1000, endedAt: 1001 };
  const body = { runId: "live-run", input: payload({ n: 1 }), config: payload({}) };
  const over = {
    ...run,
    id: "old-run",
    key: "k0",
    status: "COMPLETED",
    delivered: true,
    remaining: 0,
    active: 0,
    settledAt: 900,
  };
  await plant(db, {
    meta: [
      [
        "meta",
        {
          epoch: 4,
          writer: "somebody",
          registry: { version: 1, subscribers: [{ name: "sink", since: 5 }] },
          settled: { COMPLETED: 1 },
        },
      ],
    ],
    graphs: [[graph.hash, graph]],
    live: [
      [
        "live-run",
        {
          nth: -2,
          run,
          jobs: [job],
          chunks: 1,
          tail: [{ stages: [stage], journal: journal("live-run", 2) }],
        },
      ],
    ],
    deltas: [[["live-run", 0], [{ body, journal: journal("live-run", 1), keys: [["run.create", "k1"]] }]]],
    keys: [
      [
        ["run.create", "k1"],
        {
          type: "run.create",
          key: "k1",
          hash: "h",
          runId: "live-run",
          entry: "e1",
          createdAt: 1000,
          expiresAt: null,
          open: null,
          result: 1,
        },
      ],
    ],
    settled: [
      ["old-run", { nth: -1, run: over, jobs: [], chunks: 0, tail: [{ journal: journal("old-run", 1) }] }],
    ],
  });
  db.close();
}

/** What every reader of such a database must find. */
async function expectVersion1(store: Indexed): Promise<void> {
  const found = await store.run("live-run");
  expect(found).toMatchObject({
    run: { status: "RUNNING", version: 3, sequence: 2 },
    body: { input: payload({ n: 1 }) },
    jobs: [{ stageId: "b", dueAt: 1002 }],
    stages: [{ stageId: "a", status: "COMPLETED" }],
    keys: [{ key: "k1" }],
    graph: { workflowId: "w" },
  });
  expect((await store.events({ run: "live-run" })).map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect((await store.runs({})).rows.map(({ id }) => id)).toEqual(["live-run", "old-run"]);
  expect((await store.runByKey("k0"))?.id).toBe("old-run");
  expect((await store.register([])).subscribers).toEqual([{ name: "sink", since: 5 }]);
  expect(await store.lead()).toBe(5);
  await commit(store, entryFor("live-run", { events: [note(3)] }));
  expect((await store.run("live-run"))?.run.sequence).toBe(3);
}

function open(database: string, schema: readonly SchemaVersion[] = versions): Promise<Indexed> {
  const clock = { now: () => 2000 };
  return new Indexed({ database, durability: "relaxed", clock, isRecorded: false, schema }).start();
}

/** A version that might come: it gives each row that is over a new field, and an index on it. */
const next: SchemaVersion = {
  stores: { settled: `${versions.at(-1)?.stores.settled},shelf`, shelves: "" },
  upgrade: (transaction) =>
    transaction
      .table("settled")
      .toCollection()
      .modify((row: RunRow & { shelf?: string }) => {
        row.shelf = row.run.workflowId;
      }),
};

describe("a database of an earlier version", () => {
  it("is read as it is while the version is the same", async () => {
    const database = freshName();
    await makeVersion1(database);
    await expectVersion1(await open(database));
  });

  it("is upgraded, and every run is still there", async () => {
    const database = freshName();
    await makeVersion1(database);
    const store = await open(database, [...versions, next]);
    await expectVersion1(store);
    await store.close();
    const { settled, shelves } = await dump(database);
    expect([settled, shelves]).toEqual([[expect.objectContaining({ shelf: "w" })], []]);
    await expect(open(database)).rejects.toMatchObject({ code: "SCHEMA_NEWER" });
  });

  it("stays as it was when its upgrade fails", async () => {
    const database = freshName();
    await makeVersion1(database);
    const before = await dump(database);
    const broken = { ...next, upgrade: () => Promise.reject(new Error("not today")) };
    await expect(open(database, [...versions, broken])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await dump(database)).toEqual(before);
    await expectVersion1(await open(database));
  });
});

describe("a database of a newer version", () => {
  it("is refused, and left as it is", async () => {
    const database = freshName();
    (await connect(database, 30, (db) => db.createObjectStore("unheard of"))).close();
    await expect(open(database)).rejects.toMatchObject({
      code: "SCHEMA_NEWER",
      message: expect.stringContaining("3") as string,
    });
    const db = await connect(database);
    expect([db.version, [...db.objectStoreNames]]).toEqual([30, ["unheard of"]]);
    db.close();
  });
});

describe("a damaged database", () => {
  it.each([
    ["a row of live", { live: [["r", { run: 5 }]] }],
    ["a row of live", { live: [["r", { nth: 1, run: { id: "r" }, tail: "" }]] }],
    ["a row of jobs", { jobs: [["r", { foreign: true }]] }],
    ["the row of meta", { meta: [["meta", { is: "x" }]] }],
    ["the row of meta", { meta: [["meta", { epoch: 1, writer: "w", registry: {}, settled: {} }]] }],
    ["the jobs of run r", { live: [["r", { nth: 1, run: { id: "r" }, jobs: 1, tail: [] }]] }],
  ] as const)("says that %s is damaged", async (what, rows) => {
    const database = freshName();
    await makeVersion1(database);
    const db = await connect(database);
    await plant(db, rows);
    db.close();
    await expect(open(database)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining(what) as string,
    });
  });

  it("is not taken for an empty one by a leader that has to read it again", async () => {
    const database = freshName();
    await makeVersion1(database);
    const store = await open(database);
    await store.lead();
    const db = await connect(database);
    const meta = { epoch: 5, writer: "another", registry: { version: 0, subscribers: [] }, settled: {} };
    await plant(db, { live: [["r", {}]], meta: [["meta", meta]] });
    db.close();
    const refused = { code: "STORE_CORRUPT" };
    await expect(store.register([])).rejects.toMatchObject(refused);
    await expect(store.run("live-run")).rejects.toMatchObject(refused);
  });

  it("says which run misses a part, and goes on with the others", async () => {
    const database = freshName();
    const store = await open(database);
    const [one, two] = [await createRun(store), await createRun(store)];
    for (const { id } of [one, two])
      await commit(
        store,
        entryFor(id, { stages: [stageOf(id, "a", { output: payload("x".repeat(9000)) })] }),
      );
    const before = await snapshot(store, two.id);
    await store.close();
    const db = await connect(database);
    await plant(db, { deltas: [[[one.id, 0], [{ stages: 5 }]]] });
    db.close();
    const again = await open(database);
    await expect(again.run(one.id)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining(one.id) as string,
    });
    await again.close();
    const raw = await connect(database);
    raw.transaction("deltas", "readwrite").objectStore("deltas").delete([one.id, 0]);
    raw.close();
    const last = await open(database);
    await expect(last.events({ run: one.id })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining("missing") as string,
    });
    expect(await snapshot(last, two.id)).toEqual(before);
  });
});
