import type { Backoff } from "../model.ts";

/**
 * The delay before the next attempt: exponential, capped, with up to `jitter` of it taken off by chance, so that stages that failed together
 * don't come back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015; `jitter: 1` is its "full jitter").
 *
 * @param failures failed attempts so far, from 1
 * @param random uniform in [0, 1)
 * @returns milliseconds
 */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  // Finite, because no delay at all times infinitely much would be no number.
  const growth = Math.min(Number.MAX_VALUE, backoff.factor ** Math.max(0, failures - 1));
  const delay = Math.min(backoff.maxMs, backoff.initialMs * growth);
  return Math.round(delay * (1 - backoff.jitter * random));
}
