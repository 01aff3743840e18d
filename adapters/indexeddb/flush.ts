/**
 * What relaxed commits left to the platform reaches the disk with one strict one. An event can wait a little for it, and the next stage's
 * commit can't: beside a strict one it took 2.5 ms instead of 0.9. So it begins when nothing was written for a moment, and has a store of its own.
 */
import type { Database } from "./database.ts";

/** A strict commit begins when nothing was written for so long, and no later than that. */
const PAUSE_MS = 4;
const LATEST_MS = 24;

/** The strict commits of one store. */
export class Flush {
  readonly #open: () => Database;
  /** Whether something was committed that a power loss could take back. */
  #isSoft = false;
  #beganAt = Number.NEGATIVE_INFINITY;
  #last: Promise<void> = Promise.resolve();
  /** The one that has not begun yet. */
  #next: Promise<void> | null = null;

  /** @param open the connection; throws once the store is closed */
  constructor(open: () => Database) {
    this.#open = open;
  }

  /** A relaxed commit begins. */
  writes(): void {
    this.#beganAt = performance.now();
  }

  /** A relaxed commit is in. */
  wrote(): void {
    this.#isSoft = true;
  }

  /** Resolves when all that is in will survive a power loss. */
  harden(): Promise<void> {
    // One that has not begun yet is this call's too.
    if (this.#next === null) {
      this.#next = this.#last.then(() => this.#flush());
      this.#last = this.#next.catch(() => undefined);
    }
    return this.#next;
  }

  async #flush(): Promise<void> {
    const latest = performance.now() + LATEST_MS;
    while (this.#isSoft && performance.now() < Math.min(latest, this.#beganAt + PAUSE_MS))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    this.#next = null;
    if (!this.#isSoft) return;
    this.#isSoft = false;
    try {
      await this.#open().transact(["flush"], "readwrite", "strict", async (io) => io.put("flush", 0, 0));
    } catch (error) {
      this.#isSoft = true;
      throw error;
    }
  }
}
