/** `sluice/browser`: the engine in a page. */
export {
  type BrowserEngine,
  type BrowserStatus,
  type ConnectOptions,
  connectEngine,
} from "./client/connect.ts";
export type { PoolWorker } from "./hosts/browser/pool/pool.ts";
export type { StageWorkerInfo, WorkerLike } from "./hosts/browser/pool/workers.ts";
