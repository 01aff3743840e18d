/// <reference lib="dom" />
/** One transaction on the platform's own handle: measured, twice as fast as through Dexie's tables. */

/** Requests of one transaction. Between them nothing foreign may be awaited: it would commit by itself. */
export class Io {
  readonly #raw: IDBTransaction;
  readonly #done: Promise<void>;
  /** Whether it was told to commit: from then on only the platform knows what became of it. */
  committing = false;
  #adds = false;
  /** Takes back what was done in memory, when nothing was written. */
  onAbort: () => void = () => undefined;

  constructor(raw: IDBTransaction) {
    this.#raw = raw;
    this.#done = new Promise((resolve, reject) => {
      raw.oncomplete = () => resolve();
      raw.onabort = () => reject(raw.error ?? new DOMException("the transaction was aborted", "AbortError"));
    });
    this.#done.catch(() => undefined);
  }

  get<T>(store: string, key: IDBValidKey): Promise<T | undefined> {
    return answer(this.#raw.objectStore(store).get(key)) as Promise<T | undefined>;
  }

  all<T>(store: string, range?: IDBKeyRange | null, limit?: number, index?: string): Promise<T[]> {
    return answer(this.#source(store, index).getAll(range, limit)) as Promise<T[]>;
  }

  /** The rows' own keys. */
  keys<T>(store: string, range?: IDBKeyRange | null, limit?: number, index?: string): Promise<T[]> {
    return answer(this.#source(store, index).getAllKeys(range, limit)) as unknown as Promise<T[]>;
  }

  /** The last row. */
  async last<T>(store: string, index?: string): Promise<T | undefined> {
    return (await answer(this.#source(store, index).openCursor(null, "prev")))?.value as T | undefined;
  }

  /** The last key. */
  async lastKey(store: string): Promise<IDBValidKey | undefined> {
    return (await answer(this.#source(store, undefined).openKeyCursor(null, "prev")))?.key;
  }

  /** Puts what isn't there. Where it is, the platform ends the whole transaction with a `ConstraintError`. */
  add(store: string, value: unknown, key: IDBValidKey): void {
    this.#adds = true;
    this.#raw.objectStore(store).add(value, key);
  }

  put(store: string, value: unknown, key: IDBValidKey): void {
    this.#raw.objectStore(store).put(value, key);
  }

  delete(store: string, key: IDBValidKey | IDBKeyRange): void {
    this.#raw.objectStore(store).delete(key);
  }

  /** Resolves once everything is in. */
  commit(): Promise<void> {
    this.committing = true;
    // Told to commit, Firefox (140) keeps the rest of a transaction whose `add` failed; committing by itself, it ends it as it should.
    if (!this.#adds) this.#raw.commit();
    return this.#done;
  }

  /** Leaves nothing of it; answers what it failed by, of which `error` may only be the consequence. */
  abort(error: unknown): unknown {
    try {
      this.#raw.abort();
    } catch {
      // It was over already.
    }
    this.onAbort();
    return this.#raw.error ?? error;
  }

  #source(store: string, index: string | undefined): IDBObjectStore | IDBIndex {
    const found = this.#raw.objectStore(store);
    return index === undefined ? found : found.index(index);
  }
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  const promise = new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException("the request failed", "UnknownError"));
  });
  // When one of several fails, the others' failures have no listener.
  promise.catch(() => undefined);
  return promise;
}

/** Whether it is the transaction that failed, and not what was to be written. */
export function isOfTransaction(error: unknown): boolean {
  return (
    error instanceof DOMException &&
    (error.name === "TransactionInactiveError" || error.name === "InvalidStateError")
  );
}

/** A row that the platform can't store, though it is one of ours: too large for one message between its processes. */
export class UnstorableError extends Error {
  readonly runId: string;
  constructor(runId: string, cause: unknown) {
    super(`the rows of run ${runId} can't be stored`, { cause });
    this.runId = runId;
  }
}
