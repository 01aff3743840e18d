/** The one module that knows how the page gets its engine. */
import { type BrowserEngine, connectEngine } from "sluice/browser";

/** The engine as the page uses it. */
export type PageEngine = BrowserEngine;

/** Where runs are kept. */
export type StorageKind = "indexeddb" | "memory";

/** The workflow that documents go through. */
export const DOCUMENT_WORKFLOW = "doc-processor";

/** At least two, so that there is another one to take over where a worker was killed. */
const LEAST_WORKERS = 2;

/** Connects to the engine over a store of this kind. */
export function connect(storage: StorageKind): Promise<PageEngine> {
  return connectEngine({
    stages: () => new Worker(new URL("./stages.worker.ts", import.meta.url), { type: "module" }),
    database: "sluice-playground",
    storage,
    workers: Math.min(4, Math.max(LEAST_WORKERS, navigator.hardwareConcurrency - 1)),
  });
}
