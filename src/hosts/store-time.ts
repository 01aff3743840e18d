/** The store's time as a host may use it: to pace its questions, never to decide. */
import type { Clock } from "../ports/clock.ts";
import type { Instant } from "../ports/store.ts";

/**
 * How far off an instant of the store's clock is, by the host's own clock. The two may differ by any amount; each commit of this
 * kernel tells the store's time anew.
 */
export class StoreTime {
  readonly #clock: Clock;
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It is this late in the store. */
  tell(at: number): void {
    this.#ahead = at - this.#clock.now();
  }

  /** Milliseconds until an instant of the store's; not less than 0. */
  until(at: number): number {
    return Math.max(0, at - this.#ahead - this.#clock.now());
  }
}

/** Milliseconds from a commit to an instant that its entry set. */
export function delayOf(instant: Instant, at: number): number {
  if (instant === null) return Number.POSITIVE_INFINITY;
  return Math.max(0, typeof instant === "number" ? instant - at : instant.in);
}

/**
 * How long to wait at least after so many questions in a row that found nothing, in milliseconds: what seems due by the host's clock may not be by
 * the store's, and asking again at once would only ask faster.
 */
export function patience(empty: number): number {
  return empty === 0 ? 0 : Math.min(1000, 2 ** empty);
}
