/** Web Locks, by which the death of a worker is noticed: the platform frees what it held. */

/** The part of the platform's LockManager that is needed here. */
export interface Locks {
  request(name: string, options: { readonly signal?: AbortSignal }, held: () => unknown): Promise<unknown>;
}

/** The platform's; undefined where it has none, as on an insecure page. */
export function platformLocks(): Locks | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: Locks } }).navigator?.locks;
}

/** The lock that a stage worker holds for as long as it lives. */
export function stageLock(database: string, workerId: string): string {
  return `sluice:${database}:stage:${workerId}`;
}

/** Takes a lock for as long as this thread lives. */
export function holdForLife(locks: Locks, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const hold = (): Promise<never> => {
      resolve();
      return new Promise(() => undefined);
    };
    locks.request(name, {}, hold).catch(reject);
  });
}

/** Calls back when whoever holds a lock has died; the answer ends that. */
export function whenFree(locks: Locks, name: string, act: () => void): () => void {
  const watch = new AbortController();
  // It rejects only where the watch is ended, or the page is on its way out.
  locks.request(name, { signal: watch.signal }, act).catch(() => undefined);
  return () => watch.abort();
}
