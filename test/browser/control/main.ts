import { gateLock } from "../app/gates.ts";
import type { Begun, Control } from "./api.ts";

const begun: Begun[] = [];
const bodies = new BroadcastChannel("bodies");
bodies.addEventListener("message", ({ data }: MessageEvent<Begun>) => void begun.push(data));

function openDatabase(database: string, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(database, version);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error("the database could not be opened"));
  });
}

const shut = new Map<string, () => void>();

const control: Control = {
  shut: (gate) =>
    new Promise((resolve, reject) => {
      const held = navigator.locks.request(
        gateLock(gate),
        () =>
          new Promise<void>((open) => {
            shut.set(gate, open);
            resolve();
          }),
      );
      held.catch(reject);
    }),
  async open(gate) {
    const open = shut.get(gate);
    if (open === undefined) throw new Error(`the gate ${gate} is not shut`);
    shut.delete(gate);
    open();
  },
  async begun() {
    return [...begun];
  },
  async say(channel, message) {
    const speaker = new BroadcastChannel(channel);
    speaker.postMessage(message);
    speaker.close();
  },
  async plant(database, version) {
    (await openDatabase(database, version)).close();
  },
  async spoil(database) {
    const db = await openDatabase(database);
    await new Promise<void>((resolve, reject) => {
      const stores = [...db.objectStoreNames];
      const tx = db.transaction(stores, "readwrite");
      for (const store of stores) tx.objectStore(store).put({ is: "not a row" }, "spoilt");
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error ?? new Error("the transaction was aborted"));
    });
    db.close();
  },
  async databases() {
    return (await indexedDB.databases()).map(({ name = "" }) => name);
  },
};
Object.assign(globalThis, { offered: control });
