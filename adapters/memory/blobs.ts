/** Large values and artifacts: references to immutable Blobs, by run. */
import type { BlobKey } from "../../src/model.ts";
import type { BlobStore } from "../../src/ports/blob-store.ts";
import { blobPath } from "../../src/ports/store.ts";

interface Kept {
  readonly key: BlobKey;
  readonly data: Blob;
}

/** The blob table. */
export class MemoryBlobs {
  readonly #runs = new Map<string, Map<string, Kept>>();

  put(key: BlobKey, data: Blob): void {
    let blobs = this.#runs.get(key.runId);
    if (blobs === undefined) {
      blobs = new Map();
      this.#runs.set(key.runId, blobs);
    }
    blobs.set(blobPath(key), { key: { ...key }, data });
  }

  get(key: BlobKey): Blob | null {
    return this.#runs.get(key.runId)?.get(blobPath(key))?.data ?? null;
  }

  list(runId: string): BlobKey[] {
    return Array.from(this.#runs.get(runId)?.values() ?? [], ({ key }) => ({ ...key }));
  }

  remove(runId: string, attempt?: Pick<BlobKey, "epoch" | "stageId" | "attempt">): void {
    const blobs = this.#runs.get(runId);
    if (blobs === undefined) return;
    for (const [path, { key }] of blobs) {
      if (attempt === undefined || isOf(key, attempt)) blobs.delete(path);
    }
    if (blobs.size === 0) this.#runs.delete(runId);
  }
}

function isOf(key: BlobKey, attempt: Pick<BlobKey, "epoch" | "stageId" | "attempt">): boolean {
  return key.epoch === attempt.epoch && key.stageId === attempt.stageId && key.attempt === attempt.attempt;
}

/**
 * The blob table as the engine's port.
 * @param assertOpen throws once the store is closed
 */
export function blobStore(blobs: MemoryBlobs, assertOpen: () => void): BlobStore {
  return {
    async put(key, data) {
      assertOpen();
      blobs.put(key, data);
    },
    async get(key) {
      assertOpen();
      return blobs.get(key);
    },
    async list(runId) {
      assertOpen();
      return blobs.list(runId);
    },
    async remove(runId, attempt) {
      assertOpen();
      blobs.remove(runId, attempt);
    },
  };
}
