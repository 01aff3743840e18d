/** A store in the browser's IndexedDB, for as many tabs as there are; see README.md. */
import { InvalidOptionError } from "../../src/errors.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Durability } from "./database.ts";
import { versions } from "./schema.ts";
import { Indexed, type IndexedDbStore } from "./store.ts";

export { deleteDatabase } from "./database.ts";
export type { IndexedDbStore } from "./store.ts";

/** How a store in IndexedDB is made. */
export interface IndexedDbStoreOptions {
  /** Its name on this origin. One for each user, where several use the same browser. */
  readonly database: string;
  /**
   * `relaxed`, the default: a power loss may take back the last commits, but none of which an event has left. `strict`: it takes back none.
   */
  readonly durability?: Durability;
  /** Keeps a log of each commit's row changes, for the scrubber and for teaching. */
  readonly record?: "changes";
  /** The store's clock; the machine's by default. */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * Opens a database, which is made if it isn't there, and asks the browser to keep it.
 *
 * @throws InvalidOptionError; StoreUnavailableError where the platform has no IndexedDB or refuses it; SchemaNewerError for a database of a
 * newer version; StorageFullError where there is no room for it; StoreCorruptError for rows that can't be read
 * @example const store = await indexedDbStore({ database: "my-app" });
 */
export async function indexedDbStore(options: IndexedDbStoreOptions): Promise<IndexedDbStore> {
  const refuse = (option: string, expected: string, got: unknown): never => {
    throw new InvalidOptionError("indexedDbStore", option, expected, got);
  };
  if (typeof options !== "object" || options === null) refuse("options", "an object", options);
  const { database, durability = "relaxed", record, clock = { now: () => Date.now() } } = options;
  if (typeof database !== "string" || database === "") refuse("database", "a name", database);
  if (durability !== "relaxed" && durability !== "strict")
    refuse("durability", '"relaxed" or "strict"', durability);
  if (record !== undefined && record !== "changes") refuse("record", '"changes"', record);
  if (typeof clock?.now !== "function") refuse("clock", "an object with now", clock);
  const store = new Indexed({
    database,
    durability,
    clock,
    isRecorded: record !== undefined,
    schema: versions,
  });
  await store.start();
  // Only a page has it, and only some browsers ask their user: a store works without. Workers leave it to their page.
  globalThis.navigator?.storage?.persist?.().catch(() => undefined);
  return store;
}
