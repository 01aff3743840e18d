/**
 * `sluice/kernel-worker`: the ready-made worker that a page's engine runs in. It holds no user code. The only file of the package in which a
 * host, a kernel and the stores come together.
 */
import { deleteDatabase, indexedDbStore } from "../../../adapters/indexeddb/index.ts";
import { memoryStore } from "../../../adapters/memory/index.ts";
import type { Port } from "./pool/comlink-link.ts";
import { serveKernel } from "./serve-kernel.ts";

serveKernel(globalThis as unknown as Port, async ({ database, storage, durability, record }) => {
  const recorded = record === undefined ? {} : { record };
  if (storage === "memory") {
    const store = memoryStore(recorded);
    return { store, epoch: 1, onLost: () => undefined, erase: () => Promise.resolve() };
  }
  const store = await indexedDbStore({
    database,
    ...recorded,
    ...(durability === undefined ? {} : { durability }),
  });
  return {
    store,
    epoch: await store.lead(),
    onLost: (listener) => void store.onLost(listener),
    erase: () => deleteDatabase(database),
  };
});
