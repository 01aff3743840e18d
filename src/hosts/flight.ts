/** Work that is asked for often and must never run twice at once, and when it is asked for. */
import type { Clock } from "../ports/clock.ts";

/**
 * Runs a task whenever it is asked to: one at a time, and once more if it was asked meanwhile. What the task throws goes to `onError`; it is
 * then not repeated by itself.
 */
export class Flight {
  readonly #task: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #isAsked = false;
  #isUp = false;
  #idle: (() => void)[] = [];

  constructor(task: () => Promise<void>, onError: (error: unknown) => void) {
    this.#task = task;
    this.#onError = onError;
  }

  /** Starts the task soon, or again after the run under way. */
  ask(): void {
    this.#isAsked = true;
    if (this.#isUp) return;
    this.#isUp = true;
    void this.#fly();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#isUp) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #fly(): Promise<void> {
    // What was woken by one commit asks within a few turns of the microtask queue: one run answers it all.
    for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
    while (this.#isAsked) {
      this.#isAsked = false;
      try {
        await this.#task();
      } catch (error) {
        this.#isAsked = false;
        this.#onError(error);
      }
    }
    this.#isUp = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Waits longer after each failure in a row: 100 ms, doubled each time, up to 5 s. */
export class Backoff {
  #failures = 0;

  /** Counts a failure; answers how long to wait, in milliseconds. */
  failed(): number {
    this.#failures += 1;
    return Math.min(5000, 50 * 2 ** Math.min(this.#failures, 10));
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

/** One alarm: of several instants that it is set for, the earliest counts, and the others are forgotten. */
export class Alarm {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Goes off in `ms` milliseconds at the latest; never, if that is infinite. */
  within(ms: number): void {
    const at = this.#clock.now() + ms;
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    this.#cancel = this.#clock.after(ms, () => {
      this.clear();
      this.#fire();
    });
  }

  get isSet(): boolean {
    return this.#cancel !== null;
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#at = Number.POSITIVE_INFINITY;
  }
}

/** An alarm that goes off for each instant that it is set for; instants that fall together, within `grainMs`, are one. */
export class Alarms {
  readonly #clock: Clock;
  readonly #grainMs: number;
  readonly #fire: () => void;
  readonly #set = new Map<number, () => void>();

  constructor(clock: Clock, grainMs: number, fire: () => void) {
    this.#clock = clock;
    this.#grainMs = grainMs;
    this.#fire = fire;
  }

  /** Goes off in `ms` milliseconds, and at most `grainMs` later; never, if that is infinite. */
  after(ms: number): void {
    const now = this.#clock.now();
    const at = Math.ceil((now + ms) / this.#grainMs) * this.#grainMs;
    if (at === Number.POSITIVE_INFINITY || this.#set.has(at)) return;
    const cancel = this.#clock.after(at - now, () => {
      this.#set.delete(at);
      this.#fire();
    });
    this.#set.set(at, cancel);
  }

  clear(): void {
    for (const cancel of this.#set.values()) cancel();
    this.#set.clear();
  }
}
