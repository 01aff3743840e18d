/** One transaction: what it wrote, how to take it back, and what it will tell. */
import type { Change, ChangeRecord, RowChange } from "../../src/ports/store.ts";
import type { RunRows, Tables } from "./schema.ts";

/** Lets tests and simulations fail a transaction in its middle. */
export interface Faults {
  /** Called before each row is written; what it throws rolls the whole transaction back and rejects the call. */
  write(table: RowChange["table"], key: string): void;
}

/** A row's table and key, its versions before and after. */
type Row = Omit<RowChange, "key">;

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
  readonly #faults: Faults | null;
  readonly #undo: (() => void)[] = [];
  readonly #touched: RunRows[] = [];

  constructor(
    tables: Tables,
    now: number,
    options: { readonly faults: Faults | null; readonly record: boolean },
  ) {
    this.tables = tables;
    this.now = now;
    this.#faults = options.faults;
    this.#rows = options.record ? [] : null;
  }

  /** Whether rows must be named to {@link wrote}; their keys are not made up otherwise. */
  get isWatched(): boolean {
    return this.#rows !== null || this.#faults !== null;
  }

  /** Tells of a row that is about to be written. */
  wrote(key: string, row: Row): void {
    this.#faults?.write(row.table, key);
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
