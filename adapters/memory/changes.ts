/** What observers are told: the bounded log of row changes, and the feed of what happened. */
import { checkCount, checkPlace } from "../../src/ports/limits.ts";
import type { Change, ChangeRecord, Store } from "../../src/ports/store.ts";
import { copyData } from "./copies.ts";
import type { Recorded } from "./transaction.ts";

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

/** The listeners. */
export class Feed {
  readonly #listeners = new Set<{ readonly tell: (changes: readonly Change[]) => void }>();

  subscribe(tell: (changes: readonly Change[]) => void): () => void {
    // The same function may be subscribed twice, and each subscription ends by itself.
    const listener = { tell };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody, after the present call has answered. */
  publish(changes: readonly Change[]): void {
    if (changes.length === 0 || this.#listeners.size === 0) return;
    queueMicrotask(() => {
      for (const { tell } of this.#listeners) {
        try {
          tell([...changes]);
        } catch {
          // An observer's fault is its own: neither the store nor the other observers know it.
        }
      }
    });
  }

  clear(): void {
    this.#listeners.clear();
  }
}
