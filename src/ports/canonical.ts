/** One text for each value: what idempotency and content hashes compare. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, PayloadError } from "../errors.ts";
import { MAX_DEPTH } from "./copy.ts";
import { bytesOf, isBlob, isFile, tagOf } from "./kinds.ts";

/** Texts up to this many characters stand for themselves; longer ones are hashed. */
const HASHED_ABOVE = 128;

/** Bytes of a typed array that stand in the text themselves; more are hashed. */
const BYTES_SHOWN = 64;

/** A Blob is hashed in slices of this many bytes, so that a large file neither fills memory nor blocks the thread for long. */
const SLICE = 1 << 20;

/**
 * The canonical text of a payload value: equal for equal values, different for different ones. The order of an object's keys, of a Map's
 * entries and of a Set's members doesn't count; a property that is undefined counts as absent.
 *
 * Give it what `copyValue` has let through: it refuses functions and cycles, but shared references make its text grow without bound.
 *
 * @throws PayloadError for what has no canonical text, and for a Blob, whose bytes can only be read asynchronously
 * ({@link canonicalWithBlobs})
 * @example canonical({ b: 1, a: [-0, 2n] }) // {"a":[-0,2n],"b":1}
 */
export function canonical(value: unknown): string {
  return write(value, 0, noBlobs);
}

/**
 * {@link canonical} of a value that may hold Blobs and Files, which stand in it by type and SHA-256, a File also by name. A File's date is
 * left out: the same upload made again after a reload is the same input.
 */
export async function canonicalWithBlobs(value: unknown): Promise<string> {
  const met = new Map<Blob, string>();
  const text = write(value, 0, (blob) => {
    met.set(blob, "");
    return "";
  });
  if (met.size === 0) return text;
  for (const blob of met.keys()) met.set(blob, await digest(blob));
  return write(value, 0, (blob) => blobText(blob, met.get(blob) ?? ""));
}

/** What is stored and compared for a canonical text: the text itself, or, beyond 128 characters, its SHA-256. */
export function hashOf(text: string): string {
  return text.length <= HASHED_ABOVE ? text : `sha256:${hexOf(utf8ToBytes(text))}`;
}

type BlobText = (blob: Blob) => string;

function noBlobs(): never {
  throw new PayloadError("value", "a Blob where only its digest can stand");
}

function hexOf(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

function write(value: unknown, depth: number, blobText: BlobText): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return value === 0 && 1 / value < 0 ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "object":
      return value === null ? "null" : writeObject(value, depth, blobText);
    case "boolean":
    case "undefined":
      return String(value);
    default:
      throw new PayloadError("value", describe(value));
  }
}

function writeObject(value: object, depth: number, blobText: BlobText): string {
  if (depth >= MAX_DEPTH) throw new PayloadError("value", `nested deeper than ${MAX_DEPTH}, or a cycle`);
  if (Array.isArray(value)) {
    let text = "[";
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) text += ",";
      text += write(value[index], depth + 1, blobText);
    }
    return `${text}]`;
  }
  if (Object.getPrototypeOf(value) === Object.prototype) return writePlain(value, depth, blobText);
  const tag = tagOf(value);
  switch (tag) {
    case "Object":
      return writePlain(value, depth, blobText);
    case "Date":
      return `Date(${Date.prototype.getTime.call(value)})`;
    case "Map":
      return `Map{${sorted(value as Map<unknown, unknown>, ([key, item]) => `${write(key, depth + 1, blobText)}=>${write(item, depth + 1, blobText)}`)}}`;
    case "Set":
      return `Set{${sorted(value as Set<unknown>, (item) => write(item, depth + 1, blobText))}}`;
    default:
  }
  if (tag === "ArrayBuffer" || ArrayBuffer.isView(value)) {
    const bytes = bytesOf(value as ArrayBuffer | ArrayBufferView);
    return bytes.length <= BYTES_SHOWN
      ? `${tag}(${bytesToHex(bytes)})`
      : `${tag}(${bytes.length}:sha256:${hexOf(bytes)})`;
  }
  if (isBlob(value)) return blobText(value);
  throw new PayloadError("value", describe(value));
}

function writePlain(object: object, depth: number, blobText: BlobText): string {
  const value = object as Readonly<Record<string, unknown>>;
  const names = Object.keys(value);
  // Most objects are made by one piece of code with their keys in one order; looking costs a tenth of sorting.
  for (let index = 1; index < names.length; index += 1) {
    if ((names[index - 1] ?? "") > (names[index] ?? "")) {
      names.sort();
      break;
    }
  }
  let text = "{";
  for (const name of names) {
    const part = value[name];
    if (part === undefined) continue;
    text += `${text.length > 1 ? "," : ""}${quote(name)}:${write(part, depth + 1, blobText)}`;
  }
  return `${text}}`;
}

function sorted<Part>(parts: Iterable<Part>, writePart: (part: Part) => string): string {
  return Array.from(parts, writePart).sort().join(",");
}

/** JSON's quoting, which also escapes lone surrogates; a look first, because most strings need none. */
function quote(text: string): string {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

function blobText(blob: Blob, hash: string): string {
  const name = isFile(blob) ? `,${quote(blob.name)}` : "";
  return `${isFile(blob) ? "File" : "Blob"}(${quote(blob.type)}${name},${blob.size}:sha256:${hash})`;
}

async function digest(blob: Blob): Promise<string> {
  const hash = sha256.create();
  for (let from = 0; from < blob.size; from += SLICE) {
    hash.update(new Uint8Array(await blob.slice(from, from + SLICE).arrayBuffer()));
  }
  return bytesToHex(hash.digest());
}
