/** The platform's own IndexedDB, watched and broken: what a store does is seen from outside, and fails as a browser would let it fail. */
import { type IndexedDbStore, indexedDbStore, type IndexedDbStoreOptions } from "./index.ts";

let databases = 0;

/** A name that no other test uses. */
export function freshName(): string {
  databases += 1;
  return `test-${databases}-${Math.random()}`;
}

/** A store on a database of its own, unless told otherwise. */
export function openStore(options: Partial<IndexedDbStoreOptions> = {}): Promise<IndexedDbStore> {
  return indexedDbStore({ database: freshName(), ...options });
}

/** One transaction as it was begun. */
export interface Begun {
  readonly mode: IDBTransactionMode;
  readonly durability: IDBTransactionDurability | undefined;
  readonly stores: readonly string[];
}

/** What was asked of the platform since the watch began. */
export interface Watch {
  readonly transactions: Begun[];
  /** Requests such as `put live`, in their order. */
  readonly requests: string[];
  /** How many of these requests there were. */
  readonly count: (...requests: string[]) => number;
  readonly reset: () => void;
  readonly stop: () => void;
}

/** Replaces a method; the answer puts it back. */
export function patch<Prototype extends object, Name extends keyof Prototype & string>(
  prototype: Prototype,
  name: Name,
  make: (own: (this: unknown, ...args: unknown[]) => unknown) => (this: never, ...args: never[]) => unknown,
): () => void {
  const own = prototype[name] as (this: unknown, ...args: unknown[]) => unknown;
  Reflect.set(prototype, name, make(own));
  return () => void Reflect.set(prototype, name, own);
}

/** Writes down every request. */
export function watchPlatform(): Watch {
  const transactions: Begun[] = [];
  const requests: string[] = [];
  const methods = ["get", "getAll", "getAllKeys", "count", "openCursor", "add", "put", "delete"] as const;
  const stops = methods.map((name) =>
    patch(
      IDBObjectStore.prototype,
      name,
      (own) =>
        function (this: IDBObjectStore, ...args) {
          requests.push(`${name} ${this.name}`);
          return own.apply(this, args);
        },
    ),
  );
  const begin = patch(
    IDBDatabase.prototype,
    "transaction",
    (own) =>
      function (this: IDBDatabase, ...args: Parameters<IDBDatabase["transaction"]>) {
        const [stores, mode = "readonly", options] = args;
        transactions.push({ mode, durability: options?.durability, stores: [stores].flat() as string[] });
        return own.apply(this, args);
      },
  );
  return {
    transactions,
    requests,
    count: (...names) => requests.filter((request) => names.includes(request)).length,
    reset() {
      transactions.length = 0;
      requests.length = 0;
    },
    stop() {
      for (const stop of [...stops, begin]) stop();
    },
  };
}

/** How a transaction ends that should have been committed. */
export type Ending =
  | { readonly error: string; readonly when: "instead" }
  /** It is in, and its answer is lost. */
  | { readonly error: string; readonly when: "after" };

/** Lets the next transaction that writes runs end otherwise. */
export function breakCommit({ error, when }: Ending): void {
  const stop = patch(
    IDBTransaction.prototype,
    "commit",
    (own) =>
      function (this: IDBTransaction) {
        if (this.mode !== "readwrite" || !this.objectStoreNames.contains("live")) return own.call(this);
        stop();
        const failure = new DOMException("as the test wants it", error);
        if (when === "instead") {
          Reflect.set(this, "error", failure);
          return this.abort();
        }
        const told = this.onabort;
        this.oncomplete = () => {
          Reflect.set(this, "error", failure);
          told?.call(this, new Event("abort"));
        };
        return own.call(this);
      },
  );
}

/** Lets the next transaction that reads its first row be ended by the platform. */
export function breakRead(error: string): void {
  const stop = patch(
    IDBObjectStore.prototype,
    "get",
    (own) =>
      function (this: IDBObjectStore, ...args) {
        stop();
        const request = own.apply(this, args);
        Reflect.set(this.transaction, "error", new DOMException("as the test wants it", error));
        this.transaction.abort();
        return request;
      },
  );
}

/** Everything that stands in a database: rows by store. */
export async function dump(database: string): Promise<Record<string, unknown[]>> {
  const db = await connect(database);
  const names = [...db.objectStoreNames];
  const transaction = db.transaction(names, "readonly");
  const rows = await Promise.all(names.map((name) => answer(transaction.objectStore(name).getAll())));
  db.close();
  return Object.fromEntries(names.map((name, index) => [name, rows[index] ?? []]));
}

/** Opens a database as anybody could. */
export function connect(
  database: string,
  version?: number,
  upgrade: (db: IDBDatabase) => void = () => undefined,
): Promise<IDBDatabase> {
  const request = indexedDB.open(database, version);
  request.onupgradeneeded = () => upgrade(request.result);
  return answer(request);
}

/** Puts rows under their keys, in one transaction. */
export async function plant(
  db: IDBDatabase,
  rows: Readonly<Record<string, readonly (readonly [key: IDBValidKey, row: unknown])[]>>,
): Promise<void> {
  const transaction = db.transaction(Object.keys(rows), "readwrite");
  for (const [store, entries] of Object.entries(rows))
    for (const [key, row] of entries) transaction.objectStore(store).put(row, key);
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("failed"));
  });
}
