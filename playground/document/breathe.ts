/** A callback for progress: `progress` is a fraction from 0 to 1, `message` says what was just done. */
export type ReportProgress = (progress: number, message: string) => void;

/** What every long computation here accepts. */
export interface WorkOptions {
  /** Ends the work early; the signal's reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ReportProgress | undefined;
}

/** At most this long (milliseconds) without giving way, so that heartbeats, cancels and progress get through. */
const SLICE_MS = 20;

/**
 * Makes a function to be awaited between steps of a long computation: it lets other tasks run when this one has held
 * the thread for 20 ms, and throws the signal's reason once the signal is aborted.
 *
 * A timer and not a resolved promise, because microtasks run before messages and timers are looked at.
 */
export function createBreather(signal?: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - since < SLICE_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    since = performance.now();
  };
}
