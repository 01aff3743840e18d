/** Who leads: whoever holds the lock. Nothing else says so. */
import { type Clock, sleep } from "../../ports/clock.ts";
import type { TabLocks } from "./platform.ts";

/** What {@link Election} is made of. */
export interface ElectionOptions {
  readonly locks: TabLocks;
  readonly clock: Clock;
  /** The lock. */
  readonly name: string;
  /**
   * Leads, until it wants to no more; only then is the lock let go. `stolen` tells that it is lost already. Answers how long not to stand again,
   * in milliseconds.
   */
  readonly lead: (stolen: AbortSignal) => Promise<number>;
}

/** Queues for the lock, again after each reign, until it is stopped. */
export class Election {
  readonly #options: ElectionOptions;
  #queue = new AbortController();
  #isStopped = false;
  #steals = false;
  #isLeading = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  /** Resolves after {@link stop}, when nothing is held any more. */
  async run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#isStopped) {
      const pauseMs = await this.#stand();
      if (pauseMs > 0) await sleep(clock, pauseMs, this.#queue.signal);
    }
  }

  /** Takes the lock from whoever holds it. */
  steal(): void {
    if (this.#isLeading || this.#isStopped) return;
    this.#steals = true;
    this.#queue.abort();
  }

  /** Stands no more. A reign under way ends by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#queue.abort();
  }

  async #stand(): Promise<number> {
    const { locks, name, lead } = this.#options;
    const stolen = new AbortController();
    const steal = this.#steals;
    this.#steals = false;
    this.#queue = new AbortController();
    let reign = Promise.resolve(0);
    try {
      await locks.request(name, steal ? { steal } : { signal: this.#queue.signal }, () => {
        if (this.#isStopped) return undefined;
        this.#isLeading = true;
        reign = lead(stolen.signal);
        return reign;
      });
    } catch {
      // Taken out of the queue, or stolen; an error of the reign itself comes with the next line.
      stolen.abort();
    }
    try {
      // As long as it takes: two reigns of one tab would be in each other's way.
      return await reign;
    } finally {
      this.#isLeading = false;
    }
  }
}
