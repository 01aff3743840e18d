import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../../src/errors.ts";
import type { Change, Store } from "../../src/ports/store.ts";
import {
  claim,
  commit,
  createRun,
  creation,
  cursorOf,
  entryFor,
  graphOf,
  jobOf,
  letterOf,
  note,
  stateOf,
} from "../../src/testing/conformance/rows.ts";
import { commitEntry } from "../tables/commit.ts";
import { Tables } from "../tables/schema.ts";
import { loadScope } from "../tables/scopes.ts";
import { Transaction } from "../tables/transaction.ts";
import { memoryStore } from "./index.ts";

describe("memoryStore", () => {
  it("goes by the machine's clock unless it is given one", async () => {
    const before = Date.now();
    const { now } = await memoryStore().load({ of: "run", runId: "none" });
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
    const still = memoryStore({ clock: { now: () => 42 } });
    expect((await still.load({ of: "run", runId: "none" })).now).toBe(42);
  });

  it("says that it keeps nothing", async () => {
    expect(await memoryStore().storage()).toEqual({
      kind: "memory",
      durable: false,
      persisted: null,
      usageBytes: null,
      quotaBytes: null,
      runs: 0,
    });
  });

  it.each([0, -1, 1.5, Number.NaN, 2_000_000])("refuses a change log of %d entries", (changeLimit) => {
    expect(() => memoryStore({ record: "changes", changeLimit })).toThrow(InvalidOptionError);
  });

  it.each([
    ["options", null],
    ["clock", { clock: {} }],
    ["clock", { clock: null }],
    ["record", { record: true }],
  ])("refuses %s that can't be: %j", (option, given) => {
    expect(() => memoryStore(given as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option }),
    );
  });

  it("keeps the last entries of its change log, and their numbers", async () => {
    const store = memoryStore({ record: "changes", changeLimit: 3 });
    const run = await createRun(store);
    for (let round = 0; round < 20; round += 1) {
      await commit(store, entryFor(run.id, { events: [note(round)] }));
      const numbers = (await store.changes({})).map(({ n }) => n);
      expect(numbers).toEqual([round, round + 1, round + 2].filter((n) => n > 0));
    }
    expect((await store.changes({ after: 20 })).map(({ n }) => n)).toEqual([21]);
  });

  it("tells observers only after the call has answered", async () => {
    const store = memoryStore();
    const told: Change[] = [];
    store.subscribe((changes) => told.push(...changes));
    const answer = store.commit([creation()]);
    expect(told).toEqual([]);
    await answer;
    await Promise.resolve();
    expect(told).toHaveLength(1);
  });

  it("tells nobody of a transaction that died", async () => {
    let dies = false;
    const store = memoryStore({
      faults: {
        write() {
          if (dies) throw new Error("died");
        },
      },
    });
    const told: Change[] = [];
    store.subscribe((changes) => told.push(...changes));
    dies = true;
    await expect(store.commit([creation(), creation()])).rejects.toThrow("died");
    dies = false;
    await createRun(store);
    expect(told).toHaveLength(1);
  });

  it("lets a leader's epoch that died with its commit not count", async () => {
    let dies = true;
    const store = memoryStore({
      faults: {
        write() {
          if (dies) throw new Error("died");
        },
      },
    });
    await expect(store.commit([creation()], 7)).rejects.toThrow("died");
    dies = false;
    expect((await store.commit([creation()], 6))[0]?.status).toBe("committed");
  });

  it("names the rows that it is about to write", async () => {
    const written: string[] = [];
    const store = memoryStore({ faults: { write: (table, key) => written.push(`${table} ${key}`) } });
    const graph = graphOf("w", [["a"]]);
    await createRun(store, { id: "r", graph }, "a");
    expect(written).toEqual([`graph ${graph.hash}`, "run r", "body r", "job r/a"]);
    written.length = 0;
    await claim(store, graph, ["a"]);
    await commit(store, entryFor("r", { dropJobs: "all", events: [note(1)] }));
    expect(written).toEqual(["job r/a", "job r/a", "run r", "journal r:1"]);
  });

  it("lets no subscriber's arrears hide another's", async () => {
    const store = memoryStore();
    const behind = async (id: string, name: string, by: number): Promise<void> => {
      await createRun(store, { id });
      const cursors = { one: cursorOf(1), two: cursorOf(1), [name]: cursorOf(by) };
      await commit(store, entryFor(id, { events: [note(1)], cursors }));
    };
    for (const id of ["a", "b", "c"]) await behind(id, "one", 0);
    await behind("d", "two", 0);
    await behind("e", "two", 1);
    await commit(
      store,
      entryFor("e", { letters: [letterOf("e", 1, { subscriber: "one", replaying: true })] }),
    );
    const load = async (limit: number): Promise<string[]> => {
      const { runs } = await store.load({ of: "outbox", subscribers: ["one", "two"], limit, maxEvents: 1 });
      return runs.map(({ run }) => run.id).toSorted();
    };
    expect(await load(0)).toEqual([]);
    expect(await load(3)).toEqual(["a", "d", "e"]);
    expect(await load(4)).toEqual(["a", "b", "d", "e"]);
    expect(await load(9)).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("hands out a graph that nobody can change", async () => {
    const store = memoryStore();
    const graph = graphOf("w", [["a"]]);
    const run = await createRun(store, { graph });
    const { runs } = await store.load({ of: "run", runId: run.id, graph: true });
    expect(Object.isFrozen(runs[0]?.graph?.stages[0]?.policy)).toBe(true);
    expect(Object.isFrozen(graph)).toBe(false);
  });
});

describe("a long life", () => {
  /** How many runs each scope looks at is how often their rows are read. */
  function countReads(tables: Tables): () => number {
    let reads = 0;
    for (const rows of tables.runs.values()) {
      const { head } = rows;
      Object.defineProperty(rows, "head", {
        get() {
          reads += 1;
          return head;
        },
      });
    }
    return () => reads;
  }

  it("doesn't make a scope look at runs that are over", () => {
    const tables = new Tables();
    const graph = graphOf("w", [["a"]]);
    const put = (entry: ReturnType<typeof creation>): void => {
      const tx = new Transaction(tables, 1000, { watch: null, record: false });
      expect(commitEntry(tx, entry).status).toBe("committed");
    };
    loadScope(tables, { of: "outbox", subscribers: ["sink"], limit: 10, maxEvents: 10 }, 1000);
    for (let index = 0; index < 3000; index += 1) {
      put({ ...creation({ graph, state: { status: "COMPLETED", delivered: true } }), events: [note(1)] });
    }
    put(creation({ id: "pending", graph, state: { status: "PENDING" } }));
    put({
      ...creation({ id: "running", graph }),
      jobs: [jobOf("running", "a", { worker: "w" })],
      events: [note(1)],
    });
    const reads = countReads(tables);
    const found = [
      loadScope(tables, { of: "pending", workflowIds: null, limit: 10 }, 2000),
      loadScope(tables, { of: "stale", staleMs: 0, dead: [], limit: 10 }, 2000),
      loadScope(tables, { of: "stuck", idleMs: 0, limit: 10 }, 2000),
      loadScope(tables, { of: "outbox", subscribers: ["sink"], limit: 10, maxEvents: 10 }, 2000),
      loadScope(tables, { of: "letters", limit: 10 }, 2000),
    ].map(({ runs }) => runs.map(({ run }) => run.id));
    expect(found).toEqual([["pending"], ["running"], [], ["running"], []]);
    expect(reads()).toBeLessThan(50);
    loadScope(tables, { of: "purgeable", olderThanMs: 0, status: null, keep: 0, limit: 5 }, 2000);
    expect(reads()).toBeLessThan(200);
  });

  it("leaves nothing of purged runs in any table", () => {
    const tables = new Tables();
    const graph = graphOf("w", [["a"]]);
    const transact = (...entries: Parameters<Store["commit"]>[0][number][]): void => {
      const tx = new Transaction(tables, 1000, { watch: null, record: false });
      for (const entry of entries) expect(commitEntry(tx, entry).status).toBe("committed");
      tables.index.tidy();
    };
    for (let index = 0; index < 5000; index += 1) {
      const entry = creation({ graph });
      transact({ ...entry, jobs: [jobOf(entry.runId, "a", { workflowId: "w" })], events: [note(1)] });
      transact(entryFor(entry.runId, { state: stateOf({ status: "COMPLETED", delivered: true }) }));
      transact(entryFor(entry.runId, { purge: true }));
    }
    expect([
      tables.runs.size,
      tables.runsByKey.size,
      tables.queue.leased.size,
      tables.index.jobless.size,
    ]).toEqual([0, 0, 0, 0]);
    expect(tables.index.settled(null).size).toBe(0);
    const asker = { handlers: new Set(["w/a"]), kinds: ["execute"] as const };
    expect(tables.queue.take(asker, 2000, 10, () => undefined)).toBeNull();
    expect(tables.index.places).toBeLessThan(3000);
  });
});
