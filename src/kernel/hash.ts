import { canonical, canonicalWithBlobs, hashOf } from "../ports/canonical.ts";

/**
 * What an idempotency key is compared by: the canonical text of a command's fields, Blobs by digest, or its SHA-256.
 * @throws PayloadError naming the field, such as `input.items[3]`
 */
export async function payloadHash(fields: Readonly<Record<string, unknown>>): Promise<string> {
  let text = "";
  for (const name in fields) {
    const value = fields[name];
    const isObject = typeof value === "object" && value !== null;
    text += `${name}=${isObject ? await canonicalWithBlobs(value, name) : canonical(value)};`;
  }
  return hashOf(text);
}
