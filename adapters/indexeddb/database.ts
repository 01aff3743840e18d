// oxlint-disable-next-line typescript/triple-slash-reference -- whoever compiles this file, by whatever tsconfig, needs those types
/// <reference path="./dexie-module.d.ts" />
/** The connection: opened, lost, opened again, and given up when another version or a deletion asks for it. */
// Not from "dexie": that wraps a UMD build, which Vite's development server can't load from a worker inside a package.
import { Dexie } from "dexie/dist/modern/dexie.mjs";
import {
  SchemaNewerError,
  StorageFullError,
  StoreLostError,
  StoreUnavailableError,
} from "../../src/errors.ts";
import { Io } from "./io.ts";
import { type SchemaVersion, versions } from "./schema.ts";

/** How a store's data survive a power loss: each commit by itself, or at the next strict one. */
export type Durability = "relaxed" | "strict";

/** How long another tab may take to let go of an older schema. It is asked to, and a page of ours does at once. */
const PATIENCE_MS = 10_000;

/** Dexie multiplies the versions of a schema, so that its own repairs fit between them. */
const DEXIE_FACTOR = 10;

/** By these names a platform says that the connection, not the transaction, is at fault. */
const CONNECTION = new Set(["InvalidStateError", "AbortError", "UnknownError"]);

/** One database's connection. */
export class Database {
  readonly name: string;
  readonly #schema: readonly SchemaVersion[];
  readonly #lost: (error: Error) => void;
  #opening: Promise<IDBDatabase> | null = null;
  #dexie: Dexie | null = null;
  /** Why it must not be opened again. */
  #gone: Error | null = null;

  /** @param lost told when the connection is gone for good */
  constructor(name: string, lost: (error: Error) => void, schema: readonly SchemaVersion[] = versions) {
    this.name = name;
    this.#lost = lost;
    this.#schema = schema;
  }

  /**
   * The open connection.
   * @throws StoreUnavailableError, SchemaNewerError, StoreLostError
   */
  open(): Promise<IDBDatabase> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    if (this.#opening === null) {
      const opening = this.#open();
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = null;
      });
    }
    return this.#opening;
  }

  /** Lets go of the connection; the next call opens another one. */
  drop(): void {
    this.#opening = null;
    this.#dexie?.close();
    this.#dexie = null;
  }

  /** Lets go of it for good. */
  giveUp(error: Error): void {
    this.#gone ??= error;
    this.drop();
    this.#lost(error);
  }

  async #open(): Promise<IDBDatabase> {
    const { name } = this;
    if (typeof indexedDB === "undefined")
      throw new StoreUnavailableError(name, "this platform has no IndexedDB");
    const db = new Dexie(name, { autoOpen: false });
    for (const [index, { stores, upgrade }] of this.#schema.entries()) {
      const version = db.version(index + 1).stores(stores);
      if (upgrade !== undefined) version.upgrade(upgrade);
    }
    // Dexie's own listeners would open again what was given up.
    db.on("versionchange", ({ newVersion }) => {
      const why =
        newVersion === null
          ? "it is being deleted"
          : "a newer version of Sluice upgrades it; reload the page";
      this.giveUp(new StoreLostError(name, why));
      return false;
    });
    let raw: IDBDatabase;
    try {
      // Before it is opened: Dexie opens newer ones too, and mends what it misses in them.
      const found = (await indexedDB.databases?.())?.find((one) => one.name === name)?.version ?? 0;
      this.#assertKnown(found);
      raw = await within(db);
      this.#assertKnown(raw.version);
    } catch (error) {
      db.close();
      if (error instanceof SchemaNewerError) throw error;
      if (isNamed(error, "QuotaExceededError")) throw new StorageFullError("indexeddb", { cause: error });
      throw new StoreUnavailableError(name, error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
    // Meanwhile it may have been closed, or asked for by another tab.
    if (this.#gone !== null) {
      db.close();
      throw this.#gone;
    }
    this.#dexie = db;
    raw.addEventListener("close", () => {
      if (this.#dexie === db) this.drop();
    });
    return raw;
  }

  #assertKnown(version: number): void {
    const found = Math.floor(version / DEXIE_FACTOR);
    if (found > this.#schema.length) throw new SchemaNewerError(this.name, found, this.#schema.length);
  }

  /**
   * Runs `body` as one transaction. A connection that the platform closed, and a transaction that it ended (a computer that slept), are
   * tried once more; `body` must bear that.
   *
   * @throws StorageFullError; StoreLostError, with `unknown` where the commit was under way; what `body` throws, with nothing written
   */
  async transact<Result>(
    stores: readonly string[],
    mode: IDBTransactionMode,
    durability: Durability,
    body: (io: Io) => Promise<Result>,
  ): Promise<Result> {
    for (let tries = 0; ; tries += 1) {
      const raw = await this.open();
      let io: Io | null = null;
      try {
        io = new Io(raw.transaction(stores, mode, { durability }));
        const result = await body(io);
        await io.commit();
        return result;
      } catch (error) {
        const cause = io === null ? error : io.abort(error);
        if (isNamed(cause, "QuotaExceededError")) throw new StorageFullError("indexeddb", { cause });
        const isConnection = cause instanceof DOMException && CONNECTION.has(cause.name);
        if (!isConnection && !isNamed(cause, "TimeoutError")) throw cause;
        if (isConnection) this.drop();
        const unknown = mode === "readwrite" && io !== null && io.committing;
        if (unknown || tries > 0) {
          const why = unknown ? "the answer of a commit did not come" : "it was closed, and closed again";
          throw new StoreLostError(this.name, why, { cause, unknown });
        }
      }
    }
  }
}

/** Opens, but doesn't wait for ever for a tab that doesn't let go. */
function within(db: Dexie): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    db.on("blocked", () => {
      timer ??= setTimeout(
        () => reject(new Error("another tab doesn't let go of it; close the site's other tabs")),
        PATIENCE_MS,
      );
      return false;
    });
    db.open()
      .then(() => resolve(db.backendDB()), reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Whether an error of the platform, or of Dexie around it, has this name. */
function isNamed(error: unknown, name: string): boolean {
  const { name: own, inner } = (error ?? {}) as { readonly name?: unknown; readonly inner?: unknown };
  return own === name || (inner !== undefined && isNamed(inner, name));
}

/**
 * Deletes a database with everything in it. Stores that are open on it are told that it is lost.
 * @throws StoreUnavailableError when another tab doesn't let go of it
 */
export function deleteDatabase(database: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(database);
    request.onsuccess = () => resolve();
    request.onerror = () =>
      reject(new StoreUnavailableError(database, "it can't be deleted", { cause: request.error }));
    request.onblocked = () => {
      const why = "another tab doesn't let go of it";
      setTimeout(() => reject(new StoreUnavailableError(database, why)), PATIENCE_MS);
    };
  });
}
