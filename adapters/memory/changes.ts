/** The bounded log of row changes. */
import { checkCount, checkPlace } from "../../src/ports/limits.ts";
import type { ChangeRecord, Store } from "../../src/ports/store.ts";
import { copyData } from "../tables/copies.ts";
import type { Recorded } from "../tables/transaction.ts";

/** The last entries that were committed, with their rows before and after. */
export class ChangeLog {
  readonly #limit: number;
  #records: ChangeRecord[] = [];
  #n = 0;
  #commit = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Keeps the entries of one transaction. */
  append(at: number, entries: readonly Recorded[]): void {
    if (entries.length === 0) return;
    this.#commit += 1;
    for (const entry of entries) {
      this.#n += 1;
      this.#records.push({ n: this.#n, commit: this.#commit, at, ...entry });
    }
    // Dropped in halves: shifting one off an array of 10,000 at each commit costs more than the commit.
    if (this.#records.length > 2 * this.#limit) this.#records = this.#records.slice(-this.#limit);
  }

  list({ after = 0, runId, limit = 1000 }: Parameters<Store["changes"]>[0]): ChangeRecord[] {
    checkPlace("changes", "after", after);
    checkCount("changes", "limit", limit);
    return this.#records
      .slice(-this.#limit)
      .filter((record) => record.n > after && (runId === undefined || record.runId === runId))
      .slice(0, limit)
      .map((record) => copyData(record, "changes"));
  }
}
