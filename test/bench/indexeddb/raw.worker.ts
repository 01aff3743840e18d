/**
 * IndexedDB without an engine, doing what an engine's typical transaction does: two gets, one of them by a compound index, and five puts of
 * 300 bytes over four stores, relaxed, with an explicit `commit()`. A batch is one transaction of many steps; the gets of all its steps are under way
 * at once, because that is the fastest way to do them.
 */

import type { RawWork } from "./api.ts";

const STORES = ["jobs", "stages", "events", "keys"];
/** Jobs that wait. Each step takes the one that is due and puts it at the end. */
const WAITING = 1000;
const PAD = "x".repeat(220);

let step = 0;
let database: Promise<IDBDatabase> | undefined;

self.addEventListener("message", ({ data }: MessageEvent<RawWork>) => {
  // Nobody listens to a rejection here: the page hears of it as an error of this worker.
  void work(data).then(
    (ms) => self.postMessage(ms),
    (error: unknown) => reportError(error),
  );
});

async function work({ transactions, steps, reads }: RawWork): Promise<number> {
  database ??= open();
  const db = await database;
  const from = performance.now();
  for (let done = 0; done < transactions; done += 1) await transact(db, steps, reads);
  return performance.now() - from;
}

function transact(db: IDBDatabase, steps: number, reads: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const tx = db.transaction(STORES, "readwrite", { durability: "relaxed" });
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new Error("the transaction was aborted"));
    const [jobs, stages, events, keys] = STORES.map((name) => tx.objectStore(name)) as [
      IDBObjectStore,
      IDBObjectStore,
      IDBObjectStore,
      IDBObjectStore,
    ];
    const ready = jobs.index("ready");
    let open = steps;
    const write = (n: number, job: { readonly id: number }): void => {
      jobs.put(row(job.id, n + WAITING));
      stages.put(row(job.id, n));
      events.put(row(2 * n, n));
      events.put(row(2 * n + 1, n));
      keys.put(row(n, n));
      open -= 1;
      if (open === 0) tx.commit();
    };
    for (let index = 0; index < steps; index += 1) {
      const n = step;
      step += 1;
      const id = n % WAITING;
      if (!reads) {
        write(n, { id });
        continue;
      }
      stages.get(id);
      const due = ready.get(["READY", n]);
      due.onsuccess = () => {
        const job = due.result as { readonly id: number } | undefined;
        if (job === undefined) tx.abort();
        else write(n, job);
      };
    }
  });
}

/** Some 300 bytes as they are stored. */
function row(id: number, due: number) {
  return { id, status: "READY", due, worker: "worker-1", attempt: 1, token: 1, updatedAt: 1.7e12, pad: PAD };
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("raw", 1);
    opening.onupgradeneeded = () => {
      for (const name of STORES) {
        const store = opening.result.createObjectStore(name, { keyPath: "id" });
        if (name === "jobs") store.createIndex("ready", ["status", "due"]);
      }
      const { transaction } = opening;
      for (let id = 0; id < WAITING; id += 1) {
        transaction?.objectStore("jobs").put(row(id, id));
        transaction?.objectStore("stages").put(row(id, id));
      }
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error("the database could not be opened"));
  });
}
