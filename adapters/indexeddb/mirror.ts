/**
 * What of the database is in memory: every live run's head and jobs, all rows of those runs that somebody asked for, and a few that were over
 * lately. Brought in within the transaction that needs it, written by the transaction that changed it.
 */
import { StoreCorruptError } from "../../src/errors.ts";
import { type Graph, isSettled, type KeyRecord, type RunStatus } from "../../src/model.ts";
import type { Entry } from "../../src/ports/store.ts";
import { admitKey, admitRun, evictKey, evictRun, type OrderedJob } from "../tables/residents.ts";
import { type RunRows, Tables } from "../tables/schema.ts";
import type { Transaction } from "../tables/transaction.ts";
import { type Delta, fold, type KeyName, type RunWrites, weigh, type Writes } from "./delta.ts";
import { type Io, isOfTransaction, UnstorableError } from "./io.ts";
import { type MetaRow, type RunRow, span } from "./schema.ts";

/** Deltas up to about this many bytes ride in their run's row: a short run is one row, a wide one doesn't write its past again with each stage. */
const TAIL_BYTES = 4096;

/** A run with more jobs keeps them in rows of their own, until it has few again. */
const MANY_JOBS = 16;
const FEW_JOBS = 4;

/** Runs that are over and stay in memory, unless they are large: whoever waited for one asks for its outputs next. */
const RECENT = 256;
const RECENT_CHUNKS = 8;

/** How a run stands on disk. Replaced, never changed, so that a rollback can put it back. */
interface OnDisk {
  readonly where: "live" | "settled" | null;
  readonly status: RunStatus;
  readonly chunks: number;
  readonly tail: readonly Delta[];
  readonly weight: number;
  readonly isSpilled: boolean;
  /** Whether all of its rows are in memory, not only head and jobs. */
  readonly isFull: boolean;
}

const NOWHERE: OnDisk = {
  where: null,
  status: "PENDING",
  chunks: 0,
  tail: [],
  weight: 0,
  isSpilled: false,
  isFull: true,
};

/** The database's part in memory. */
export class Mirror {
  tables = new Tables();
  readonly #database: string;
  #disk = new Map<string, OnDisk>();
  /** Over, and only here because they were used lately. */
  #recent = new Set<RunRows>();
  /** Runs that the present transaction brought in or wrote: they may not stay. */
  #guests: RunRows[] = [];
  #guestKeys: KeyName[] = [];
  /** Keys that the present transaction takes to be new: it adds them, and fails where they are there. */
  readonly #newKeys = new Set<string>();
  /** No run has an id after this one. Ids that follow time, as the engine's own do, needn't be looked for among the runs that are over. */
  #lastId = "";
  /** How many runs are over, by status. Replaced, never changed. */
  settled: MetaRow["settled"] = {};

  constructor(database: string) {
    this.#database = database;
  }

  /** Forgets everything and reads the live runs again. */
  async reload(io: Io, { registry, settled }: MetaRow, now: number): Promise<void> {
    const { graphs } = this.tables;
    this.tables = new Tables();
    for (const graph of graphs.values()) this.tables.graphs.set(graph.hash, graph);
    this.tables.registry = registry;
    this.#disk = new Map();
    this.#recent = new Set();
    this.#guests = [];
    this.#guestKeys = [];
    this.settled = settled;
    const [live, lastId, jobs, newest] = await Promise.all([
      io.all<RunRow>("live"),
      io.lastKey("settled"),
      io.all<OrderedJob>("jobs"),
      Promise.all(
        settledStatuses.map((status) => io.all<RunRow>("settled", span(status), 1, "[run.status+nth]")),
      ),
    ]);
    this.#lastId = typeof lastId === "string" ? lastId : "";
    for (const { run } of live) if (run?.id > this.#lastId) this.#lastId = run.id;
    for (const [row] of newest) if (row !== undefined) this.tables.orderAfter(-row.nth);
    // Jobs that nobody can tell apart by their time keep the order of their runs.
    live.sort((left, right) => right.nth - left.nth);
    const spilled = new Map<string, OrderedJob[]>();
    for (const row of jobs.sort((left, right) => left.order - right.order)) {
      if (typeof row.job?.runId !== "string") throw this.#corrupt("a row of jobs is damaged");
      const ofRun = spilled.get(row.job.runId);
      if (ofRun === undefined) spilled.set(row.job.runId, [row]);
      else ofRun.push(row);
    }
    await this.#admit(io, live, "live", now, spilled);
  }

  /** Lets runs in with head and jobs, and, because the indexes tell those with dead letters by their rows, these with all. */
  async #admit(
    io: Io,
    found: readonly RunRow[],
    where: "live" | "settled",
    now: number,
    spilled?: ReadonlyMap<string, readonly OrderedJob[]>,
  ): Promise<void> {
    for (const { run, nth, tail, jobs } of found) {
      if (typeof run?.id !== "string" || typeof nth !== "number" || !Array.isArray(tail))
        throw this.#corrupt(`a row of ${where} is damaged`);
      if (jobs !== null && !Array.isArray(jobs)) throw this.#corrupt(`the jobs of run ${run.id} are damaged`);
    }
    await this.#graphs(
      io,
      found.map(({ run }) => run.graph),
    );
    const lettered: RunRows[] = [];
    for (const row of found) {
      const { run, chunks, tail } = row;
      const order = -row.nth;
      this.tables.orderAfter(order);
      const jobs =
        row.jobs?.map((job) => ({ job, order: this.tables.nextOrder() })) ?? spilled?.get(run.id) ?? [];
      const rows = admitRun(this.tables, run, order, jobs, now);
      const weight = weigh(tail, TAIL_BYTES);
      const isSpilled = row.jobs === null;
      this.#disk.set(run.id, { where, status: run.status, chunks, tail, weight, isSpilled, isFull: false });
      if (where === "settled") this.#guests.push(rows);
      if (row.lettered !== undefined) lettered.push(rows);
    }
    await this.fill(io, lettered);
  }

  async #graphs(io: Io, hashes: Iterable<string>): Promise<void> {
    const { graphs } = this.tables;
    const missing = [...new Set(hashes)].filter((hash) => !graphs.has(hash));
    for (const graph of await Promise.all(missing.map((hash) => io.get<Graph>("graphs", hash))))
      if (graph !== undefined) graphs.set(graph.hash, graph);
  }

  /** Brings in those of these runs that are over. */
  async runs(io: Io, ids: Iterable<string>, now: number): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => id <= this.#lastId && !this.tables.runs.has(id));
    const found = await Promise.all(missing.map((id) => io.get<RunRow>("settled", id)));
    await this.guests(io, found, now);
  }

  /** Lets settled runs in, unless they are here. */
  async guests(io: Io, found: readonly (RunRow | undefined)[], now: number): Promise<void> {
    const missing = found.flatMap((row) =>
      row === undefined || this.tables.runs.has(row.run?.id) ? [] : [row],
    );
    await this.#admit(io, missing, "settled", now);
  }

  /** Brings in all rows of runs of which only head and jobs are here. */
  async fill(io: Io, runs: Iterable<RunRows>): Promise<void> {
    await Promise.all(
      Array.from(runs, async (rows) => {
        const disk = this.#disk.get(rows.id);
        if (disk === undefined || disk.isFull) return;
        const { chunks, tail } = disk;
        const found = chunks === 0 ? [] : await io.all<Delta[]>("deltas", span(rows.id));
        if (found.length !== chunks)
          throw this.#corrupt(
            `${chunks - found.length} of the ${chunks} chunks of run ${rows.id} are missing`,
          );
        let names: KeyName[];
        try {
          names = fold(rows, [...found.flat(), ...tail]);
        } catch (cause) {
          throw this.#corrupt(`the deltas of run ${rows.id} are damaged`, cause);
        }
        await this.keys(io, names);
        this.#disk.set(rows.id, { ...disk, isFull: true });
        this.tables.reindex(rows);
      }),
    );
  }

  /** Brings in idempotency records, each of which finds the run that it belongs to by now. */
  async keys(io: Io, names: Iterable<KeyName>): Promise<void> {
    await Promise.all(
      Array.from(names, async (name) => {
        if (this.tables.key(...name) !== undefined) return;
        const record = await io.get<KeyRecord>("keys", [...name]);
        if (record === undefined) return;
        admitKey(this.tables, record);
        this.#guestKeys.push(name);
      }),
    );
  }

  /** Brings in what must be here for entries to be judged and written. */
  async entries(
    io: Io,
    entries: readonly Entry[],
    now: number,
    { isRecorded, isSure }: { readonly isRecorded: boolean; readonly isSure: boolean },
  ): Promise<void> {
    const names: KeyName[] = [];
    this.#newKeys.clear();
    for (const { create, key, dropKeys, keepKeys } of entries) {
      // Most keys of new runs are new: reading each cost a tenth of a run. Where one isn't, the transaction fails, and is repeated in earnest.
      if (create !== undefined && key?.expect === null && !isRecorded && !isSure)
        this.#newKeys.add(`${key.put.type}/${key.put.key}`);
      else if (key !== undefined) names.push([key.put.type, key.put.key]);
      for (const one of dropKeys ?? []) names.push([one.type, one.key]);
      if (isRecorded) for (const one of keepKeys ?? []) names.push([one.type, one.key]);
    }
    await Promise.all([
      this.runs(
        io,
        entries.map(({ runId }) => runId),
        now,
      ),
      this.keys(io, names),
      this.#graphs(
        io,
        entries.flatMap(({ create, graph }) =>
          create === undefined || (graph !== undefined && !isRecorded) ? [] : create.graph,
        ),
      ),
    ]);
    const needy = entries.filter((entry) => isRecorded || needsAll(entry));
    await this.fill(
      io,
      needy.flatMap(({ runId }) => this.tables.runs.get(runId) ?? []),
    );
  }

  /** Whether all rows of a run that is here are. */
  isFull(runId: string): boolean {
    return this.#disk.get(runId)?.isFull ?? false;
  }

  /** The runs that are not over. */
  *live(): Generator<RunRows> {
    for (const rows of this.tables.runs.values()) if (this.#disk.get(rows.id)?.where === "live") yield rows;
  }

  /** Writes what a transaction did. */
  flush(io: Io, tx: Transaction, writes: Writes): void {
    for (const graph of writes.graphs) io.put("graphs", graph, graph.hash);
    for (const [path, { name, record }] of writes.keys) {
      if (record === null) io.delete("keys", [...name]);
      else if (this.#newKeys.has(path)) io.add("keys", record, [...name]);
      else io.put("keys", record, [...name]);
    }
    for (const [id, written] of writes.runs) {
      const rows = this.tables.runs.get(id);
      try {
        if (written.purged) this.#purge(io, tx, id);
        else if (rows !== undefined) this.#write(io, tx, rows, written);
      } catch (cause) {
        if (isOfTransaction(cause)) throw cause;
        throw new UnstorableError(id, cause);
      }
    }
    this.#guestKeys.push(...Array.from(writes.keys.values(), ({ name }) => name));
  }

  #purge(io: Io, tx: Transaction, id: string): void {
    const disk = this.#disk.get(id);
    if (disk === undefined || disk.where === null) return;
    io.delete(disk.where, id);
    if (disk.chunks > 0) io.delete("deltas", span(id));
    if (disk.isSpilled) io.delete("jobs", span(id));
    for (const store of ["logs", "blobs"]) io.delete(store, span(id));
    this.#place(tx, id, disk, null);
  }

  #write(io: Io, tx: Transaction, rows: RunRows, { delta, jobs }: RunWrites): void {
    const { id } = rows;
    const before = this.#disk.get(id);
    const disk = before ?? NOWHERE;
    if (id > this.#lastId) this.#lastId = id;
    let { chunks, tail, weight, isSpilled } = disk;
    const added = weigh(delta, TAIL_BYTES);
    if (Object.keys(delta).length > 0) {
      tail = [...tail, delta];
      weight += added;
      if (weight > TAIL_BYTES) {
        io.put("deltas", tail, [id, chunks]);
        chunks += 1;
        tail = [];
        weight = 0;
      }
    }
    const { size } = rows.jobs;
    if (isSpilled && size <= FEW_JOBS) {
      io.delete("jobs", span(id));
      isSpilled = false;
    } else if (isSpilled || size > MANY_JOBS) {
      // All of them where they begin to, otherwise only what has changed: of ten thousand one at a time.
      for (const stageId of (isSpilled ? jobs : rows.jobs).keys()) {
        const slot = rows.jobs.get(stageId);
        if (slot === undefined) io.delete("jobs", [id, stageId]);
        else io.put("jobs", { job: slot.job, order: slot.order } satisfies OrderedJob, [id, stageId]);
      }
      isSpilled = true;
    }
    const where = isOver(rows) ? "settled" : "live";
    const row: RunRow = {
      nth: -rows.order,
      run: rows.head,
      jobs: isSpilled ? null : Array.from(rows.jobs.values(), ({ job }) => job),
      chunks,
      tail,
      ...(rows.letters === null || rows.letters.size === 0 ? {} : { lettered: 1 as const }),
    };
    io.put(where, row, id);
    if (disk.where !== null && disk.where !== where) io.delete(disk.where, id);
    const { status } = rows.head;
    this.#place(tx, id, before, { where, status, chunks, tail, weight, isSpilled, isFull: disk.isFull });
    this.#guests.push(rows);
  }

  #place(tx: Transaction, id: string, before: OnDisk | undefined, after: OnDisk | null): void {
    if (after === null) this.#disk.delete(id);
    else this.#disk.set(id, after);
    const { settled } = this;
    this.#count(before, -1);
    this.#count(after, 1);
    tx.onRollback(() => {
      if (before === undefined) this.#disk.delete(id);
      else this.#disk.set(id, before);
      this.settled = settled;
    });
  }

  #count(disk: OnDisk | null | undefined, by: number): void {
    if (disk?.where !== "settled") return;
    const { status } = disk;
    this.settled = { ...this.settled, [status]: (this.settled[status] ?? 0) + by };
  }

  /** After a transaction: what is over stays for a while, and the rest of what it brought in goes. */
  tidy(): void {
    const { tables } = this;
    for (const rows of this.#guests) {
      this.#recent.delete(rows);
      const disk = this.#disk.get(rows.id);
      if (disk?.where !== "settled") continue;
      if (disk.chunks > RECENT_CHUNKS) this.#evict(rows);
      else this.#recent.add(rows);
    }
    this.#guests = [];
    for (const rows of this.#recent) {
      if (this.#recent.size <= RECENT) break;
      this.#recent.delete(rows);
      this.#evict(rows);
    }
    for (const name of this.#guestKeys) evictKey(tables, ...name);
    this.#guestKeys = [];
    tables.index.tidy();
  }

  #evict(rows: RunRows): void {
    // It may have been purged, and another one may have its id.
    if (!this.tables.holds(rows)) return;
    evictRun(this.tables, rows);
    this.#disk.delete(rows.id);
  }

  #corrupt(what: string, cause?: unknown): StoreCorruptError {
    return new StoreCorruptError(this.#database, what, { cause });
  }
}

/** Statuses of runs that are over. */
export const settledStatuses: readonly RunStatus[] = ["COMPLETED", "FAILED", "CANCELLED"];

/** Whether nothing will happen to a run by itself: nobody looks for it in memory. */
export function isOver({ head, jobs, replaying }: RunRows): boolean {
  return head.delivered && isSettled(head.status) && jobs.size === 0 && replaying === 0;
}

/** Whether an entry is about rows that a head alone doesn't tell of. */
function needsAll(entry: Entry): boolean {
  return (
    entry.letters !== undefined ||
    entry.dropLetters !== undefined ||
    entry.dropStages !== undefined ||
    entry.dropSignals !== undefined
  );
}
