/** The store: one call after the other, each as one transaction on disk and one in memory that end alike. */
import { LeaderLostError, StoreClosedError, StoreCorruptError, StoreLostError } from "../../src/errors.ts";
import type { Run } from "../../src/model.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { checkCount, checkPlace } from "../../src/ports/limits.ts";
import type { Entry, Registry, StorageReport, Store, Verdict } from "../../src/ports/store.ts";
import { commitEntry } from "../tables/commit.ts";
import { Feed } from "../tables/feed.ts";
import { jobTransport } from "../tables/jobs.ts";
import * as queries from "../tables/queries.ts";
import { copyRegistry, withNames, withoutName } from "../tables/registry.ts";
import { Transaction } from "../tables/transaction.ts";
import { appendLogs, blobStore, ChangeLog, readLogs } from "./blobs.ts";
import { Database, type Durability } from "./database.ts";
import { Writes } from "./delta.ts";
import { Flush } from "./flush.ts";
import { type Io, UnstorableError } from "./io.ts";
import { Mirror } from "./mirror.ts";
import { bringLettered, countRuns, findRunByKey, listRuns, see } from "./queries.ts";
import { META, type MetaDraft, type MetaRow, NEW, type SchemaVersion } from "./schema.ts";

/** A store in IndexedDB. */
export interface IndexedDbStore extends Store {
  /**
   * Takes the lead: raises the epoch in the database, and demands it in every later write of this store. Whoever led before can't write any
   * more. Answers the epoch.
   */
  lead(): Promise<number>;
  /**
   * Tells when the database is lost for good: a newer version upgrades it, it is being deleted, or another one leads. The answer takes it back.
   */
  onLost(listener: (error: Error) => void): () => void;
}

/** The options with their defaults. */
export interface Settings {
  readonly database: string;
  readonly durability: Durability;
  readonly clock: Pick<Clock, "now">;
  readonly isRecorded: boolean;
  readonly schema: readonly SchemaVersion[];
}

/** What a leader knows from memory is true for this long after it last saw that it leads: a frozen one is replaced after five seconds. */
const TRUST_MS = 1000;

const ROWS = ["meta", "live", "jobs", "deltas", "keys", "settled", "graphs"];

/** What a transaction does besides changing rows in memory. */
interface Work {
  /** Brings in what it needs. It may be called again. */
  readonly prepare?: (io: Io) => Promise<unknown>;
  readonly stores?: readonly string[];
}

/** What was seen in memory; undefined when it takes a transaction to see it. */
type View<Result> = (io: Io | null) => Promise<Result | undefined>;

/** {@link IndexedDbStore} as it is. */
export class Indexed implements IndexedDbStore {
  readonly kind = "indexeddb";
  readonly blobs;
  readonly jobs;
  readonly harden?: () => Promise<void>;
  readonly #settings: Settings;
  readonly #database: Database;
  readonly #mirror: Mirror;
  readonly #feed = new Feed();
  readonly #log: ChangeLog | null;
  readonly #lost = new Set<(error: Error) => void>();
  #isLost = false;
  /** Who this is: what the database says wrote last. */
  readonly #id = crypto.randomUUID();
  /** The epoch that it leads under; 0 while it doesn't. */
  #epoch = 0;
  /** Whether memory holds what stood in the database when this store wrote last. */
  #isFresh = false;
  #seenAt = Number.NEGATIVE_INFINITY;
  #flush: Flush | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(settings: Settings) {
    const { database, durability, isRecorded, schema } = settings;
    this.#settings = settings;
    this.#database = new Database(database, (error) => this.#tell(error), schema);
    this.#mirror = new Mirror(database);
    this.#log = isRecorded ? new ChangeLog() : null;
    this.blobs = blobStore(() => this.#open(), durability);
    this.jobs = jobTransport((body) => this.#write(body));
    if (durability === "relaxed") {
      const flush = new Flush(() => this.#open());
      this.#flush = flush;
      this.harden = () => flush.harden();
    }
  }

  /** Opens the database and reads what lives. */
  async start(): Promise<this> {
    await this.#read(async (io) => (io === null ? undefined : true));
    return this;
  }

  load(scope: Parameters<Store["load"]>[0]): ReturnType<Store["load"]> {
    return this.#read((io) => see(this.#mirror, io, scope, this.#settings.clock.now()));
  }

  async commit(entries: readonly Entry[], epoch?: number): Promise<readonly Verdict[]> {
    const { isRecorded, clock } = this.#settings;
    const bad = new Map<string, Error>();
    let isSure = false;
    for (;;) {
      const good = entries.filter(({ id }) => !bad.has(id));
      const work: Work = {
        prepare: (io) => this.#mirror.entries(io, good, clock.now(), { isRecorded, isSure }),
        stores: good.some(({ purge }) => purge) ? ["logs", "blobs"] : [],
      };
      try {
        return await this.#write<readonly Verdict[]>((tx, meta) => {
          if (epoch !== undefined && epoch < meta.epoch) return entries.map(() => STALE);
          if (epoch !== undefined) meta.epoch = epoch;
          return entries.map((entry): Verdict => {
            const error = bad.get(entry.id);
            return error === undefined ? commitEntry(tx, entry) : { status: "invalid", error };
          });
        }, work);
      } catch (error) {
        if (error instanceof LeaderLostError) return entries.map(() => STALE);
        // A key that was taken to be new is there.
        if (!isSure && error instanceof DOMException && error.name === "ConstraintError") {
          isSure = true;
          continue;
        }
        if (error instanceof StoreLostError && error.unknown)
          return entries.map(() => ({ status: "unknown", error }));
        const unstorable = error instanceof UnstorableError ? error : null;
        const culprit = good.find(({ runId }) => runId === unstorable?.runId);
        if (unstorable === null || culprit === undefined) throw error;
        bad.set(culprit.id, unstorable);
      }
    }
  }

  lead(): Promise<number> {
    return this.#queue(async () => {
      const before = this.#epoch;
      // Whoever leads by now, this one's turn comes after.
      this.#epoch = 0;
      this.#epoch = await this.#transact((_, meta) => {
        meta.epoch += 1;
        return meta.epoch;
      }).finally(() => {
        this.#epoch = before;
      });
      this.#isLost = false;
      return this.#epoch;
    });
  }

  onLost(listener: (error: Error) => void): () => void {
    this.#lost.add(listener);
    return () => this.#lost.delete(listener);
  }

  register(names: readonly string[]): Promise<Registry> {
    return this.#list((registry) => withNames(registry, names, this.#settings.clock.now()));
  }

  unregister(name: string): Promise<Registry> {
    return this.#list((registry) => {
      this.#mirror.tables.outbox.forget(name);
      return withoutName(registry, name);
    });
  }

  #list(next: (registry: Registry) => Registry): Promise<Registry> {
    return this.#write((tx, meta) => {
      const { tables } = tx;
      const before = tables.registry;
      tables.registry = next(before);
      tx.onRollback(() => {
        tables.registry = before;
      });
      meta.registry = tables.registry;
      return copyRegistry(tables.registry);
    });
  }

  async appendLogs(batches: Parameters<Store["appendLogs"]>[0]): Promise<void> {
    await appendLogs(this.#open(), this.#settings.durability, batches);
  }

  async logs(query: Parameters<Store["logs"]>[0]): ReturnType<Store["logs"]> {
    return queries.listLogs(await readLogs(this.#open(), query), query);
  }

  run(runId: string): ReturnType<Store["run"]> {
    return this.#ofRun(runId, () => queries.findRun(this.#mirror.tables, runId));
  }

  events(query: Parameters<Store["events"]>[0]): ReturnType<Store["events"]> {
    return this.#ofRun(query.run, () => queries.listEvents(this.#mirror.tables, query));
  }

  past(runId: string): ReturnType<Store["past"]> {
    return this.#ofRun(runId, () => queries.listPast(this.#mirror.tables, runId));
  }

  /** What all rows of one run tell. */
  #ofRun<Result>(runId: string, answer: () => Result): Promise<Result> {
    const mirror = this.#mirror;
    return this.#read(async (io) => {
      if (!mirror.isFull(runId)) {
        if (io === null) return undefined;
        await mirror.runs(io, [runId], this.#settings.clock.now());
        const rows = mirror.tables.runs.get(runId);
        if (rows !== undefined) await mirror.fill(io, [rows]);
      }
      return answer();
    });
  }

  runByKey(key: string): Promise<Run | null> {
    return this.#read(async (io) => (io === null ? undefined : findRunByKey(this.#mirror, io, key)));
  }

  runs(filter: Parameters<Store["runs"]>[0]): ReturnType<Store["runs"]> {
    return this.#read(async (io) => (io === null ? undefined : listRuns(this.#mirror, io, filter)));
  }

  letters(query: Parameters<Store["letters"]>[0]): ReturnType<Store["letters"]> {
    const { clock } = this.#settings;
    return this.#read(async (io) => {
      if (io === null) return undefined;
      const list = () => queries.listLetters(this.#mirror.tables, query);
      const isEnough = () => list().length >= (query.limit ?? queries.PAGE);
      await bringLettered(this.#mirror, io, query.runId, clock.now(), isEnough);
      return list();
    });
  }

  changes(query: Parameters<Store["changes"]>[0]): ReturnType<Store["changes"]> {
    return this.#read(async (io) => {
      checkPlace("changes", "after", query.after ?? 0);
      checkCount("changes", "limit", query.limit ?? 0);
      if (this.#log === null) return [];
      return io === null ? undefined : this.#log.list(io, query);
    });
  }

  subscribe(listener: Parameters<Store["subscribe"]>[0]): () => void {
    this.#open();
    return this.#feed.subscribe(listener);
  }

  announce(change: Parameters<Store["announce"]>[0]): void {
    this.#open();
    this.#feed.publish([change]);
  }

  async storage(): Promise<StorageReport> {
    const runs = await this.#read(async () => countRuns(this.#mirror));
    const { storage } = globalThis.navigator ?? {};
    const [estimate, persisted] = await Promise.all([storage?.estimate?.(), storage?.persisted?.()]);
    return {
      kind: this.kind,
      durable: true,
      persisted: persisted ?? null,
      usageBytes: estimate?.usage ?? null,
      quotaBytes: estimate?.quota ?? null,
      runs,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#feed.clear();
    await this.#turn;
    this.#lost.clear();
    this.#database.giveUp(new StoreClosedError(this.kind));
  }

  #open(): Database {
    if (this.#isClosed) throw new StoreClosedError(this.kind);
    return this.#database;
  }

  #tell(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    for (const listener of this.#lost) listener(error);
  }

  /** One after the other: what is in memory is always what one transaction left, never half of two. */
  async #queue<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#open();
    const turn = this.#turn.then(work).finally(() => this.#mirror.tidy());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #read<Result>(view: View<Result>): Promise<Result> {
    return this.#queue(async () => {
      if (this.#epoch > 0 && this.#isFresh && performance.now() - this.#seenAt < TRUST_MS) {
        const known = await view(null);
        if (known !== undefined) return known;
      }
      const { durability } = this.#settings;
      const stores = this.#log === null ? ROWS : [...ROWS, "changes"];
      const seen = await this.#database.transact(stores, "readonly", durability, async (io) => {
        const { writer } = await this.#meta(io);
        return this.#isFresh && writer === this.#id ? view(io) : undefined;
      });
      if (seen !== undefined) return seen;
      // Another one wrote meanwhile: from now on it is this one's memory that holds what stands there.
      let found: Result | undefined;
      return this.#transact(() => found as Result, {
        prepare: async (io) => {
          found = await view(io);
        },
      });
    });
  }

  #write<Result>(body: (tx: Transaction, meta: MetaDraft) => Result, work: Work = {}): Promise<Result> {
    return this.#queue(() => this.#transact(body, work));
  }

  async #transact<Result>(
    body: (tx: Transaction, meta: MetaDraft) => Result,
    work: Work = {},
  ): Promise<Result> {
    const { clock, durability } = this.#settings;
    const { prepare, stores = [] } = work;
    const log = this.#log;
    const scope = [...ROWS, ...stores, ...(log === null ? [] : ["changes"])];
    const told: Transaction[] = [];
    this.#flush?.writes();
    const result = await this.#database
      .transact(scope, "readwrite", durability, async (io) => {
        // Most often memory is fresh: then what is needed is asked for together with whether it is.
        const reading = this.#meta(io);
        const early = this.#isFresh ? prepare?.(io) : undefined;
        const [before] = await Promise.all([reading, early?.catch(() => undefined)]);
        if (!this.#isFresh || before.writer !== this.#id) {
          this.#isFresh = false;
          await this.#mirror.reload(io, before, clock.now());
          await log?.reload(io);
          this.#isFresh = true;
          await prepare?.(io);
        } else await early;
        const { tables, settled } = this.#mirror;
        const writes = new Writes(tables);
        const tx = new Transaction(tables, clock.now(), { watch: writes.watch, record: log !== null });
        io.onAbort = () => tx.rollback();
        const meta: MetaDraft = { ...before, writer: this.#id };
        const value = body(tx, meta);
        this.#mirror.flush(io, tx, writes);
        if (log !== null) tx.onRollback(log.write(io, tx.now, tx.recorded));
        meta.settled = this.#mirror.settled;
        const { epoch, writer, registry } = before;
        if (
          meta.epoch !== epoch ||
          meta.writer !== writer ||
          meta.registry !== registry ||
          meta.settled !== settled
        )
          io.put("meta", meta, META);
        told.push(tx);
        return value;
      })
      .catch((error: unknown) => {
        // What it wrote may be there or not: the next call looks.
        if (error instanceof StoreLostError) this.#isFresh = false;
        throw error;
      });
    this.#flush?.wrote();
    this.#feed.publish(told.at(-1)?.changes ?? []);
    return result;
  }

  async #meta(io: Io): Promise<MetaRow> {
    const meta = (await io.get<MetaRow>("meta", META)) ?? NEW;
    const { name } = this.#database;
    if (typeof meta.epoch !== "number" || !Array.isArray(meta.registry?.subscribers) || meta.settled == null)
      throw new StoreCorruptError(name, "the row of meta is damaged");
    if (this.#epoch > 0 && meta.epoch !== this.#epoch) {
      const error =
        meta.epoch > this.#epoch
          ? new LeaderLostError(name, this.#epoch, meta.epoch)
          : new StoreLostError(name, "it was deleted, and made anew by another tab");
      this.#tell(error);
      throw error;
    }
    this.#seenAt = performance.now();
    return meta;
  }
}

const STALE: Verdict = { status: "stale", guard: "epoch" };
