/**
 * Time as the engine sees it. The kernel takes no decision by it: the store's clock does that. It paces polls, heartbeats and
 * attempt timeouts, and virtual clocks replace it in the simulator, in lessons and in tests.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fire` once after `ms` milliseconds; the answer takes it back. */
  after(ms: number, fire: () => void): () => void;
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}
