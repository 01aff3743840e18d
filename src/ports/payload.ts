/** User values as payloads and back: Blobs stand outside the value, and so does a value that is too large to ride in a row. */
import { BlobMissingError, InvalidOptionError, PayloadError, TooLargeError } from "../errors.ts";
import type { BlobKey, BlobRef, Payload } from "../model.ts";
import { CODEC, decodeText, textOf } from "./codec.ts";
import { copyValue, pathOf, ROW_DEPTH, type Trail, walkValue } from "./copy.ts";
import type { PendingBlob } from "./executor.ts";
import { isFile } from "./kinds.ts";
import { blobPath } from "./store.ts";

/** Values of about this many bytes and more go to the blob store. */
export const INLINE_LIMIT = 65_536;

/** The name of the blob that holds a whole value; `b0`, `b1` and so on hold the Blobs that stood in it. */
const VALUE = "value";

/** How to encode a value. */
export interface EncodeOptions {
  /** How the value is called in errors, such as `input`. */
  readonly path: string;
  /** The key for a blob of this name. */
  readonly key: (name: string) => BlobKey;
  /** Approximate bytes above which the value itself becomes a blob; {@link INLINE_LIMIT} by default. */
  readonly inlineLimit?: number;
}

/** A payload with the blobs that must be stored before it is committed. */
export interface Encoded {
  readonly payload: Payload;
  readonly blobs: readonly PendingBlob[];
  /** Approximate size of the value in bytes, without the Blobs that stood in it. */
  readonly bytes: number;
}

/**
 * A private payload of a value. The same Blob met twice is stored once.
 *
 * @throws PayloadError, TooLargeError as {@link copyValue}
 */
export function encodePayload(value: unknown, options: EncodeOptions): Encoded {
  const { path, key, inlineLimit = INLINE_LIMIT } = options;
  if (!(inlineLimit >= 0))
    throw new InvalidOptionError("encodePayload", "inlineLimit", "a number of bytes", inlineLimit);
  // Most values hold no Blob: what collects them is made when the first is met.
  let taken: Taken | null = null;
  const { value: copy, bytes } = walkValue(value, path, {
    blob: (blob, trail) => {
      taken ??= new Taken(key);
      taken.take(blob, trail);
      return null;
    },
  });
  const found = taken as Taken | null;
  const refs = found === null ? {} : { blobs: found.refs };
  const blobs = found?.pending() ?? [];
  if (bytes <= inlineLimit) return { payload: { kind: "value", value: copy, ...refs }, blobs, bytes };
  const data = new Blob([textOf(copy)], { type: "application/json" });
  const own = key(VALUE);
  blobs.push({ key: own, data });
  return { payload: { kind: "blob", codec: CODEC, key: own, size: data.size, ...refs }, blobs, bytes };
}

/** The Blobs that were taken out of one value. */
class Taken {
  readonly refs: BlobRef[] = [];
  readonly #keys = new Map<Blob, BlobKey>();
  readonly #key: (name: string) => BlobKey;

  constructor(key: (name: string) => BlobKey) {
    this.#key = key;
  }

  take(blob: Blob, trail: Trail): void {
    const key = this.#keys.get(blob) ?? this.#key(`b${this.#keys.size}`);
    this.#keys.set(blob, key);
    this.refs.push(refOf(blob, key, trail));
  }

  pending(): PendingBlob[] {
    return Array.from(this.#keys, ([data, key]) => ({ key, data }));
  }
}

function refOf(blob: Blob, key: BlobKey, path: Trail): BlobRef {
  const ref = { path, key, size: blob.size, type: blob.type };
  return isFile(blob) ? { ...ref, file: { name: blob.name, lastModified: blob.lastModified } } : ref;
}

/** A payload that holds all of its value. */
export type InlinePayload = Extract<Payload, { kind: "value" }> & { readonly blobs?: never };

/** Whether {@link decodeInline} can read a payload, without waiting. */
export function isInline(payload: Payload): payload is InlinePayload {
  return payload.kind === "value" && payload.blobs === undefined;
}

/** A fresh, private copy of the value of a payload that holds all of it. */
export function decodeInline(payload: InlinePayload): unknown {
  return copyValue(payload.value);
}

/**
 * A fresh, private copy of a payload's value, with its Blobs and Files in their places.
 *
 * @param readBlob reads from the blob store
 * @throws BlobMissingError when `readBlob` finds nothing; CodecError when the value's text can't be read
 */
export async function decodePayload(
  payload: Payload,
  readBlob: (key: BlobKey) => Promise<Blob | null>,
): Promise<unknown> {
  const value = payload.kind === "value" ? payload.value : await readValue(payload, readBlob);
  const refs = payload.blobs ?? [];
  if (refs.length === 0) return payload.kind === "value" ? copyValue(value) : value;
  const found = await Promise.all(refs.map(async (ref) => restore(ref, await read(ref.key, readBlob))));
  const places = new Map(refs.map((ref, index) => [JSON.stringify(ref.path), found[index]]));
  return walkValue(value, "value", { placeholder: (trail) => places.get(JSON.stringify(trail)) }).value;
}

async function readValue(
  payload: Extract<Payload, { kind: "blob" }>,
  readBlob: (key: BlobKey) => Promise<Blob | null>,
): Promise<unknown> {
  const blob = await read(payload.key, readBlob);
  return decodeText(payload.codec, await blob.text());
}

async function read(key: BlobKey, readBlob: (key: BlobKey) => Promise<Blob | null>): Promise<Blob> {
  const blob = await readBlob(key);
  if (blob === null) throw new BlobMissingError(`blob ${JSON.stringify(blobPath(key))}`);
  return blob;
}

/** Blob stores keep bytes; name, date and type come from the reference. */
function restore(ref: BlobRef, blob: Blob): Blob {
  const { type, file } = ref;
  if (file !== undefined) return new File([blob], file.name, { type, lastModified: file.lastModified });
  return blob.type === type && !isFile(blob) ? blob : new Blob([blob], { type });
}

/**
 * A private copy of a value that must ride in a row, such as an annotation.
 *
 * @throws PayloadError for what payloads can't carry, for Blobs, and beyond {@link ROW_DEPTH}; TooLargeError beyond {@link INLINE_LIMIT}
 */
export function copyInline(value: unknown, path: string): unknown {
  const { value: copy, bytes } = walkValue(value, path, {
    maxDepth: ROW_DEPTH,
    blob: (_, trail) => {
      throw new PayloadError(
        pathOf(path, trail),
        "a Blob, which can't ride in a row; keep it as an artifact",
      );
    },
  });
  if (bytes > INLINE_LIMIT) throw new TooLargeError(path, `${INLINE_LIMIT} bytes`, `about ${bytes} bytes`);
  return copy;
}
