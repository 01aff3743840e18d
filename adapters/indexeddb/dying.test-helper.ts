/** Transactions that die in their middle, on any platform: what is aborted is what the platform itself would abort. */

/** Writes of rows that are let through before the transaction of the next one is aborted. */
let writesLeft = Number.POSITIVE_INFINITY;

/** Counts what any store writes, by standing before the platform's own methods. */
function watchWrites(): void {
  const { prototype } = IDBObjectStore;
  for (const name of ["put", "delete"] as const) {
    const own = prototype[name] as (...args: unknown[]) => unknown;
    if ("isWatched" in own) continue;
    const watched = function (this: IDBObjectStore, ...args: unknown[]): unknown {
      if (writesLeft === 0) this.transaction.abort();
      writesLeft -= 1;
      return own.apply(this, args);
    };
    Reflect.set(prototype, name, Object.assign(watched, { isWatched: true }));
  }
}

/** The transaction that writes the row after so many from now on dies; null lets all live. */
export function diesAfter(writes: number | null): void {
  watchWrites();
  writesLeft = writes ?? Number.POSITIVE_INFINITY;
}
