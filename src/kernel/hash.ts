import { canonicalWithBlobs, hashOf } from "../ports/canonical.ts";

/** What an idempotency key is compared by: the canonical text of a command's payload, Blobs by digest, or its SHA-256. */
export async function payloadHash(payload: readonly unknown[]): Promise<string> {
  return hashOf(await canonicalWithBlobs(payload));
}
