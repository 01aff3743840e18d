/** The store under the conformance suite, in any test runner or page that has an IndexedDB. */
import type { StoreHarness } from "../../src/testing/index.ts";
import { diesAfter } from "./dying.test-helper.ts";
import { deleteDatabase, type IndexedDbStore, indexedDbStore } from "./index.ts";

let databases = 0;

/** A fresh database. Its clock is a simulated one that listeners and timers of the platform don't know. */
export async function createHarness({ record }: { readonly record?: "changes" }): Promise<StoreHarness> {
  databases += 1;
  const database = `conformance-${databases}-${Math.random()}`;
  let now = 1_700_000_000_000;
  const opened: IndexedDbStore[] = [];
  const open = async (): Promise<IndexedDbStore> => {
    const store = await indexedDbStore({
      database,
      clock: { now: () => now },
      ...(record === undefined ? {} : { record }),
    });
    opened.push(store);
    return store;
  };
  const store = await open();
  return {
    store,
    async advance(ms) {
      now += ms;
      // Listeners are told in a later turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
    second: open,
    async reopen() {
      await store.close();
      return open();
    },
    crash: {
      at(write) {
        diesAfter(write);
      },
      async recover() {
        diesAfter(null);
        await opened.at(-1)?.close();
        return open();
      },
    },
    async destroy() {
      diesAfter(null);
      await Promise.all(opened.map((one) => one.close()));
      await deleteDatabase(database);
    },
  };
}
