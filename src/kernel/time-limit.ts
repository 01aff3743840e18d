/** One timer for many waits of the same length: setting and taking back a timer for every event was a tenth of what a browser's kernel did. */
import type { Clock } from "../ports/clock.ts";

interface Wait {
  readonly until: number;
  readonly fail: () => void;
}

/** Ends waits that take too long. */
export class TimeLimit {
  readonly ms: number;
  readonly #clock: Clock;
  /** In the order in which they end. */
  readonly #waits = new Set<Wait>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.ms = ms;
  }

  /** Settles as the promise does, or rejects with `late` when that takes longer than the limit. */
  within<T>(promise: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = { until: this.#clock.now() + this.ms, fail: () => reject(late()) };
      this.#waits.add(wait);
      if (this.#cancel === null) this.#arm(this.ms);
      promise.then(resolve, reject).finally(() => {
        this.#waits.delete(wait);
        // A timer that nobody waits for would keep a Node process from ending.
        if (this.#waits.size > 0) return;
        this.#cancel?.();
        this.#cancel = null;
      });
    });
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = null;
      const now = this.#clock.now();
      for (const wait of this.#waits) {
        if (wait.until > now) {
          this.#arm(wait.until - now);
          return;
        }
        this.#waits.delete(wait);
        wait.fail();
      }
    });
  }
}
