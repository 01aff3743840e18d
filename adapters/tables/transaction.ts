/** One transaction: what it wrote, how to take it back, and what it will tell. */
import type { Change, ChangeRecord, RowChange } from "../../src/ports/store.ts";
import type { RunRows, Tables } from "./schema.ts";

/** Is told of each row before it is written; what it throws rolls the whole transaction back. */
export type Watch = (key: string, row: Row) => void;

/** A row's table, its versions before and after. */
export type Row = Omit<RowChange, "key">;

/** One entry of the change log before it has its number. */
export type Recorded = Pick<ChangeRecord, "runId" | "entry" | "command" | "rows">;

/** Collects what a transaction does. Nothing in it waits, so no other call sees it half done. */
export class Transaction {
  readonly tables: Tables;
  readonly now: number;
  readonly changes: Change[] = [];
  readonly recorded: Recorded[] = [];
  /** The rows written since the last entry was recorded; null where nobody records them. */
  #rows: RowChange[] | null;
  readonly #watch: Watch | null;
  readonly #undo: (() => void)[] = [];
  readonly #touched: RunRows[] = [];

  constructor(
    tables: Tables,
    now: number,
    options: { readonly watch: Watch | null; readonly record: boolean },
  ) {
    this.tables = tables;
    this.now = now;
    this.#watch = options.watch;
    this.#rows = options.record ? [] : null;
  }

  /** Whether rows must be named to {@link wrote}; their keys are not made up otherwise. */
  get isWatched(): boolean {
    return this.#rows !== null || this.#watch !== null;
  }

  /** Tells of a row that is about to be written. */
  wrote(key: string, row: Row): void {
    this.#watch?.(key, row);
    this.#rows?.push({ key, ...row });
  }

  /** Records what was written since the last call as one entry. */
  record(runId: string, entry: string, command: string): void {
    if (this.#rows === null || this.#rows.length === 0) return;
    this.recorded.push({ runId, entry, command, rows: this.#rows });
    this.#rows = [];
  }

  /** How to take back what is done next. */
  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Brings a run's indexes in line with its rows, now and after a rollback. */
  reindex(rows: RunRows): void {
    this.#touched.push(rows);
    this.tables.reindex(rows);
  }

  /** Takes everything back. */
  rollback(): void {
    for (const undo of this.#undo.toReversed()) undo();
    for (const rows of this.#touched) this.tables.reindex(rows);
  }
}
