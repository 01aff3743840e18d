/** Observers: who is told what happened. */
import type { Change } from "../../src/ports/store.ts";

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
