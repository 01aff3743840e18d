/**
 * A store in memory: for tests, the simulator and whatever may be lost with its process. Everything in it is synchronous, so each call is a
 * transaction that no other call sees half done; see README.md.
 */
import { InvalidOptionError, StoreClosedError } from "../../src/errors.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Entry, RowChange, Store, Verdict } from "../../src/ports/store.ts";
import { commitEntry } from "../tables/commit.ts";
import { copyData } from "../tables/copies.ts";
import { Feed } from "../tables/feed.ts";
import { jobTransport } from "../tables/jobs.ts";
import * as queries from "../tables/queries.ts";
import { copyRegistry, withNames, withoutName } from "../tables/registry.ts";
import { Tables } from "../tables/schema.ts";
import { loadScope } from "../tables/scopes.ts";
import { Transaction } from "../tables/transaction.ts";
import { blobStore, MemoryBlobs } from "./blobs.ts";
import { ChangeLog } from "./changes.ts";

/** Lets tests and simulations fail a transaction in its middle. */
export interface Faults {
  /** Called before each row is written; what it throws rolls the whole transaction back and rejects the call. */
  write(table: RowChange["table"], key: string): void;
}

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** The store's clock; the machine's by default. */
  readonly clock?: Pick<Clock, "now">;
  /** Keeps a log of each commit's row changes, for the scrubber and for teaching. */
  readonly record?: "changes";
  /** Entries in that log at most; 10,000 by default. */
  readonly changeLimit?: number;
  /** Fails transactions in their middle, for tests and simulations. */
  readonly faults?: Faults;
}

/**
 * Makes an empty store.
 *
 * @throws InvalidOptionError for an option that can't be, such as a `changeLimit` that is not a whole number from 1 to a million
 * @example const kernel = createKernel({ store: memoryStore(), registry, executor });
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options);
}

function checkOptions(options: MemoryStoreOptions): void {
  const refuse = (option: string, expected: string, got: unknown): never => {
    throw new InvalidOptionError("memoryStore", option, expected, got);
  };
  if (typeof options !== "object" || options === null) refuse("options", "an object", options);
  const { clock, record }: { clock?: Partial<Clock> | null; record?: unknown } = options;
  if (clock !== undefined && typeof clock?.now !== "function") refuse("clock", "an object with now", clock);
  if (record !== undefined && record !== "changes") refuse("record", '"changes"', record);
}

class MemoryStore implements Store {
  readonly kind = "memory";
  readonly blobs;
  readonly jobs;
  readonly #tables = new Tables();
  readonly #blobs = new MemoryBlobs();
  readonly #feed = new Feed();
  readonly #clock: Pick<Clock, "now">;
  readonly #log: ChangeLog | null;
  readonly #faults: Faults | null;
  #isClosed = false;

  constructor(options: MemoryStoreOptions) {
    checkOptions(options);
    const { clock, record, changeLimit = 10_000, faults } = options;
    if (!Number.isInteger(changeLimit) || changeLimit < 1 || changeLimit > 1_000_000) {
      throw new InvalidOptionError(
        "memoryStore",
        "changeLimit",
        "a whole number from 1 to 1000000",
        changeLimit,
      );
    }
    this.#clock = clock ?? { now: () => Date.now() };
    this.#log = record === "changes" ? new ChangeLog(changeLimit) : null;
    this.#faults = faults ?? null;
    this.blobs = blobStore(this.#blobs, () => this.#assertOpen());
    this.jobs = jobTransport(this.#transact);
  }

  async load(scope: Parameters<Store["load"]>[0]): ReturnType<Store["load"]> {
    this.#assertOpen();
    return loadScope(this.#tables, scope, this.#clock.now());
  }

  async commit(entries: readonly Entry[], epoch?: number): Promise<readonly Verdict[]> {
    this.#assertOpen();
    const tables = this.#tables;
    if (epoch !== undefined && epoch < tables.epoch)
      return entries.map(() => ({ status: "stale", guard: "epoch" }));
    const verdicts = this.#transact((tx) => entries.map((entry) => commitEntry(tx, entry)));
    if (epoch !== undefined) tables.epoch = epoch;
    return verdicts;
  }

  readonly #transact = <Result>(body: (tx: Transaction) => Result): Result => {
    this.#assertOpen();
    const faults = this.#faults;
    const tx = new Transaction(this.#tables, this.#clock.now(), {
      watch: faults === null ? null : (key, { table }) => faults.write(table, key),
      record: this.#log !== null,
    });
    let result: Result;
    try {
      result = body(tx);
    } catch (error) {
      tx.rollback();
      throw error;
    }
    this.#tables.index.tidy();
    for (const change of tx.changes) {
      if (change.kind === "commit" && change.status === "PURGED") this.#blobs.remove(change.runId);
    }
    this.#log?.append(tx.now, tx.recorded);
    this.#feed.publish(tx.changes);
    return result;
  };

  /** A batch that is sent again, after its answer was lost, replaces itself. */
  async appendLogs(batches: Parameters<Store["appendLogs"]>[0]): Promise<void> {
    this.#assertOpen();
    for (const batch of copyData(batches, "logs")) {
      const rows = this.#tables.runs.get(batch.runId);
      if (rows === undefined) continue;
      rows.logs ??= new Map();
      rows.logs.set(`${batch.stageId}/${batch.epoch}/${batch.attempt}/${batch.from}`, batch);
    }
  }

  async register(names: readonly string[]): ReturnType<Store["register"]> {
    this.#assertOpen();
    this.#tables.registry = withNames(this.#tables.registry, names, this.#clock.now());
    return copyRegistry(this.#tables.registry);
  }

  async unregister(name: string): ReturnType<Store["unregister"]> {
    this.#assertOpen();
    this.#tables.registry = withoutName(this.#tables.registry, name);
    this.#tables.outbox.forget(name);
    return copyRegistry(this.#tables.registry);
  }

  async run(runId: string): ReturnType<Store["run"]> {
    this.#assertOpen();
    return queries.findRun(this.#tables, runId);
  }

  async runByKey(key: string): ReturnType<Store["runByKey"]> {
    this.#assertOpen();
    return queries.findRunByKey(this.#tables, key);
  }

  async runs(filter: Parameters<Store["runs"]>[0]): ReturnType<Store["runs"]> {
    this.#assertOpen();
    return queries.listRuns(this.#tables, filter);
  }

  async events(query: Parameters<Store["events"]>[0]): ReturnType<Store["events"]> {
    this.#assertOpen();
    return queries.listEvents(this.#tables, query);
  }

  async logs(query: Parameters<Store["logs"]>[0]): ReturnType<Store["logs"]> {
    this.#assertOpen();
    return queries.listLogs(this.#tables.runs.get(query.runId)?.logs?.values() ?? [], query);
  }

  async past(runId: string): ReturnType<Store["past"]> {
    this.#assertOpen();
    return queries.listPast(this.#tables, runId);
  }

  async letters(query: Parameters<Store["letters"]>[0]): ReturnType<Store["letters"]> {
    this.#assertOpen();
    return queries.listLetters(this.#tables, query);
  }

  async changes(query: Parameters<Store["changes"]>[0]): ReturnType<Store["changes"]> {
    this.#assertOpen();
    return this.#log?.list(query) ?? [];
  }

  subscribe(listener: Parameters<Store["subscribe"]>[0]): () => void {
    this.#assertOpen();
    return this.#feed.subscribe(listener);
  }

  announce(change: Parameters<Store["announce"]>[0]): void {
    this.#assertOpen();
    this.#feed.publish([change]);
  }

  async storage(): ReturnType<Store["storage"]> {
    this.#assertOpen();
    const runs = this.#tables.runs.size;
    return { kind: this.kind, durable: false, persisted: null, usageBytes: null, quotaBytes: null, runs };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#feed.clear();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreClosedError(this.kind);
  }
}
