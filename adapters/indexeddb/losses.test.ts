/** What the platform may do to a store in the middle of its life. */
import "fake-indexeddb/auto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StoreClosedError } from "../../src/errors.ts";
import type { Store } from "../../src/ports/store.ts";
import { listsOf } from "../../src/testing/conformance/populate.ts";
import {
  claim,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  keyOf,
  note,
  snapshot,
  stateOf,
  verdictOf,
} from "../../src/testing/conformance/rows.ts";
import { Database } from "./database.ts";
import { deleteDatabase } from "./index.ts";
import { breakCommit, breakRead, connect, freshName, openStore, patch } from "./platform.test-helper.ts";

const graph = graphOf("w", [["a"]]);

async function everything(store: Store, ...ids: string[]): Promise<unknown> {
  return [await snapshot(store, ...ids), await listsOf(store)];
}

describe("a full disk", () => {
  it("is a clear error, leaves nothing, and the store goes on when there is room", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const run = await createRun(store, { graph }, "a");
    const before = await everything(store, run.id, "new");
    const told: unknown[] = [];
    store.subscribe((changes) => told.push(...changes));
    const entries = [
      entryFor(run.id, { dropJobs: "all", state: stateOf({ status: "COMPLETED" }), events: [note(1)] }),
      creation({ id: "new", graph }),
    ];
    breakCommit({ error: "QuotaExceededError", when: "instead" });
    await expect(store.commit(entries)).rejects.toMatchObject({
      code: "STORAGE_FULL",
      cause: { name: "QuotaExceededError" },
    });
    breakCommit({ error: "QuotaExceededError", when: "instead" });
    await expect(claim(store, graph, ["a"])).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await everything(store, run.id, "new")).toEqual(before);
    expect(told).toEqual([]);
    expect((await store.commit(entries)).map(({ status }) => status)).toEqual(["committed", "committed"]);
    const after = await everything(store, run.id, "new");
    await store.close();
    expect(await everything(await openStore({ database }), run.id, "new")).toEqual(after);
  });

  it("leaves no gap in the numbers of the change log", async () => {
    const store = await openStore({ record: "changes" });
    const run = await createRun(store);
    breakCommit({ error: "QuotaExceededError", when: "instead" });
    await expect(commit(store, entryFor(run.id, { events: [note(1)] }))).rejects.toThrow();
    await commit(store, entryFor(run.id, { events: [note(2)] }));
    expect((await store.changes({})).map(({ n, commit: of }) => [n, of])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("is the same error for a Blob", async () => {
    const store = await openStore();
    const mend = patch(
      IDBTransaction.prototype,
      "commit",
      () =>
        function (this: IDBTransaction) {
          Reflect.set(this, "error", new DOMException("full", "QuotaExceededError"));
          this.abort();
        },
    );
    const key = { runId: "r", epoch: 1, stageId: "a", attempt: 1, name: "b0" };
    await expect(store.blobs.put(key, new Blob(["x"]))).rejects.toMatchObject({ code: "STORAGE_FULL" });
    mend();
    expect(await store.blobs.get(key)).toBeNull();
  });
});

describe("a row that the platform can't store", () => {
  it("makes its own entry invalid, and no other", async () => {
    const store = await openStore();
    const run = await createRun(store);
    const before = await snapshot(store, run.id);
    const mend = patch(
      IDBObjectStore.prototype,
      "put",
      (own) =>
        function (this: IDBObjectStore, ...args) {
          if (this.name === "live" && args[1] === run.id)
            throw new DOMException("too large", "DataCloneError");
          return own.apply(this, args);
        },
    );
    const verdicts = await store.commit([creation(), entryFor(run.id, { events: [note(1)] }), creation()]);
    mend();
    expect(verdicts.map(({ status }) => status)).toEqual(["committed", "invalid", "committed"]);
    expect(verdicts[1]).toMatchObject({ error: { cause: { name: "DataCloneError" } } });
    expect(await snapshot(store, run.id)).toEqual(before);
  });
});

/** As browsers close it when a user clears the site's data, or their own process for it dies. The package types no part of itself but the whole. */
const closing: string = "fake-indexeddb/lib/forceCloseDatabase";
const { default: forceClose } = (await import(closing)) as { default: (connection: IDBDatabase) => void };

describe("a lost connection", () => {
  const connections = new Set<IDBDatabase>();
  const stop = patch(
    IDBDatabase.prototype,
    "transaction",
    (own) =>
      function (this: IDBDatabase, ...args) {
        connections.add(this);
        return own.apply(this, args);
      },
  );
  afterEach(() => connections.clear());

  it("is opened again", async () => {
    const store = await openStore();
    const run = await createRun(store);
    for (const connection of connections) forceClose(connection);
    connections.clear();
    await commit(store, entryFor(run.id, { events: [note(1)] }));
    // Closed, but nobody has been told yet.
    for (const connection of connections) connection.close();
    await commit(store, entryFor(run.id, { events: [note(2)] }));
    expect((await store.run(run.id))?.run.sequence).toBe(2);
    stop();
  });

  it("in a commit leaves it unknown whether it is in, until it is looked up", async () => {
    for (const when of ["instead", "after"] as const) {
      const store = await openStore();
      const run = await createRun(store, { graph }, "a");
      const entry = entryFor(run.id, { dropJobs: "all", events: [note(1)] });
      const put = keyOf(run.id, "k", entry.id);
      breakCommit({ error: "AbortError", when });
      const [verdict] = await store.commit([{ ...entry, key: { expect: null, put } }]);
      expect(verdict).toMatchObject({ status: "unknown", error: { code: "STORE_LOST", unknown: true } });
      const { settled } = await store.load({ of: "entry", runId: run.id, entry: entry.id });
      const isIn = when === "after";
      expect(settled?.sequence ?? null).toBe(isIn ? 1 : null);
      expect((await store.run(run.id))?.keys).toHaveLength(isIn ? 1 : 0);
      expect((await claim(store, graph, ["a"])).claimed).toHaveLength(isIn ? 0 : 1);
    }
  });

  it("in a claim is an error, and whoever claims next is given what is due", async () => {
    const store = await openStore();
    await createRun(store, { graph }, "a");
    breakCommit({ error: "UnknownError", when: "instead" });
    await expect(claim(store, graph, ["a"])).rejects.toMatchObject({ code: "STORE_LOST" });
    expect((await claim(store, graph, ["a"])).claimed).toHaveLength(1);
  });

  it.each(["TimeoutError", "AbortError", "UnknownError"])(
    "and a transaction that the platform ended with %s are tried once more",
    async (error) => {
      const store = await openStore();
      const run = await createRun(store);
      breakRead(error);
      await commit(store, entryFor(run.id, { events: [note(1)] }));
      expect((await store.events({ run: run.id })).map(({ sequence }) => sequence)).toEqual([1]);
      breakRead(error);
      expect((await store.run(run.id))?.run.sequence).toBe(1);
    },
  );

  it("that is lost again is an error, and the next call tries anew", async () => {
    const store = await openStore();
    const run = await createRun(store);
    let tries = 0;
    const mend = patch(
      IDBDatabase.prototype,
      "transaction",
      (own) =>
        function (this: IDBDatabase, ...args) {
          // Dexie looks at the schema of what it opens.
          if (args[1] !== "readwrite") return own.apply(this, args);
          tries += 1;
          throw new DOMException("closing", "InvalidStateError");
        },
    );
    await expect(verdictOf(store, entryFor(run.id))).rejects.toMatchObject({
      code: "STORE_LOST",
      unknown: false,
    });
    mend();
    expect(tries).toBe(2);
    await commit(store, entryFor(run.id, { events: [note(1)] }));
  });
});

describe("a database that is wanted otherwise", () => {
  it("is let go for a newer version, for good, and says so", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const run = await createRun(store);
    const lost: Error[] = [];
    store.onLost((error) => lost.push(error));
    const silent = store.onLost(() => expect.unreachable());
    silent();
    const newer = await connect(database, 1000);
    const error = { code: "STORE_LOST", message: expect.stringContaining("reload") as string };
    expect(lost).toEqual([expect.objectContaining(error)]);
    await expect(store.run(run.id)).rejects.toMatchObject(error);
    await expect(store.commit([entryFor(run.id)])).rejects.toMatchObject(error);
    await expect(store.blobs.list(run.id)).rejects.toMatchObject(error);
    newer.close();
    await store.close();
  });

  it("is let go when it is deleted, and not made again", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const lost = vi.fn();
    store.onLost(lost);
    await createRun(store);
    await deleteDatabase(database);
    expect(lost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "STORE_LOST" }));
    await expect(createRun(store)).rejects.toMatchObject({ code: "STORE_LOST" });
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(database);
  });

  it.each([
    ["open", (database: string) => openStore({ database })],
    ["delete", deleteDatabase],
  ] as const)("is not waited for beyond all patience, to %s it", async (_, want) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const database = freshName();
    const stubborn = await connect(database, 1, (db) => db.createObjectStore("other"));
    const failure = expect(want(database)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(10_000);
    await failure;
    vi.useRealTimers();
    stubborn.close();
  });

  it("is let go at once when it is closed while it opens", async () => {
    const database = freshName();
    const connection = new Database(database, () => undefined);
    const opening = expect(connection.open()).rejects.toMatchObject({ code: "STORE_CLOSED" });
    connection.giveUp(new StoreClosedError("indexeddb"));
    await opening;
    await deleteDatabase(database);
  });
});

describe("a platform without a database", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is told apart", async () => {
    vi.stubGlobal("indexedDB", undefined);
    await expect(openStore()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("that refuses it says why", async () => {
    const refusal = new DOMException("not in private windows", "SecurityError");
    const mend = patch(
      IDBFactory.prototype,
      "open",
      () =>
        function () {
          throw refusal;
        },
    );
    await expect(openStore()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("not in private windows") as string,
    });
    mend();
  });
});
