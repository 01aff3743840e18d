import type { BlobKey } from "../model.ts";

/**
 * Large values and artifacts, outside the transactions: written before the entry that points to them, so that a rejected entry leaves at
 * most an unreferenced blob under the attempt's own key.
 */
export interface BlobStore {
  /** Writes or replaces one blob. Rejects with `StorageFullError` when there is no room. */
  put(key: BlobKey, data: Blob): Promise<void>;
  /** A handle on the blob, or null. */
  get(key: BlobKey): Promise<Blob | null>;
  /** The keys of one run's blobs. */
  list(runId: string): Promise<readonly BlobKey[]>;
  /** Removes all blobs of a run, or one attempt's. */
  remove(runId: string, attempt?: Pick<BlobKey, "epoch" | "stageId" | "attempt">): Promise<void>;
}
