/** One text for each value: what idempotency and content hashes compare. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, PayloadError, TooLargeError } from "../errors.ts";
import { MAX_DEPTH, MAX_PARTS, pathOf } from "./copy.ts";
import { bytesOf, isBlob, isFile, tagOf } from "./kinds.ts";

/** Texts up to this many characters stand for themselves; longer ones are hashed. */
const HASHED_ABOVE = 128;

/** Bytes of a typed array that stand in the text themselves; more are hashed. */
const BYTES_SHOWN = 64;

/** A Blob is hashed in slices of this many bytes, so that a large file neither fills memory nor blocks the thread for long. */
const SLICE = 1 << 20;

/** Characters that strings may add to one canonical text: shared references repeat them, and no engine has room for many more. */
const MAX_CHARACTERS = 1 << 28;

/**
 * The canonical text of a payload value: equal for equal values, different for different ones. The order of an object's keys, of a Map's
 * entries and of a Set's members doesn't count; a property that is undefined counts as absent.
 *
 * @throws PayloadError for what has no canonical text, and for a Blob, whose bytes can only be read asynchronously
 * ({@link canonicalWithBlobs}); TooLargeError beyond the bounds of `copyValue`
 * @example canonical({ b: 1, a: [-0, 2n] }) // {"a":[-0,2n],"b":1}
 */
export function canonical(value: unknown): string {
  return new Writer("value", null).write(value, 0);
}

/**
 * {@link canonical} of a value that may hold Blobs and Files, which stand in it by type and SHA-256, a File also by name. A File's date is
 * left out: the same upload made again after a reload is the same input.
 *
 * @param path how the value is called in errors
 * @throws PayloadError naming the part that has no canonical text or can't be read; TooLargeError beyond the bounds of `copyValue`
 */
export async function canonicalWithBlobs(value: unknown, path = "value"): Promise<string> {
  const met = new Map<Blob, string>();
  const text = textOf(value, path, (blob) => {
    met.set(blob, "");
    return "";
  });
  if (met.size === 0) return text;
  for (const blob of met.keys()) met.set(blob, await digest(blob));
  return textOf(value, path, (blob) => blobText(blob, met.get(blob) ?? ""));
}

/** What is stored and compared for a canonical text: the text itself, or, beyond 128 characters, its SHA-256. */
export function hashOf(text: string): string {
  return text.length <= HASHED_ABOVE ? text : `sha256:${hexOf(utf8ToBytes(text))}`;
}

type BlobText = (blob: Blob) => string;

function textOf(value: unknown, path: string, blobText: BlobText): string {
  try {
    return new Writer(path, blobText).write(value, 0);
  } catch (error) {
    if (error instanceof PayloadError || error instanceof TooLargeError) throw error;
    throw new PayloadError(path, `unreadable (${error instanceof Error ? error.message : describe(error)})`);
  }
}

function hexOf(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** One text under way, with the bounds and the paths of `copyValue`. */
class Writer {
  readonly #path: string;
  readonly #blobText: BlobText | null;
  /** The way to the present part: its first `depth` places. */
  readonly #trail: (string | number)[] = [];
  #parts = 0;
  #characters = 0;

  constructor(path: string, blobText: BlobText | null) {
    this.#path = path;
    this.#blobText = blobText;
  }

  write(value: unknown, depth: number): string {
    switch (typeof value) {
      case "string":
        this.#characters += value.length;
        if (this.#characters > MAX_CHARACTERS)
          throw new TooLargeError(this.#path, `${MAX_CHARACTERS} characters`, "larger");
        return quote(value);
      case "number":
        return value === 0 && 1 / value < 0 ? "-0" : String(value);
      case "bigint":
        return `${value}n`;
      case "object":
        return value === null ? "null" : this.#writeObject(value, depth);
      case "boolean":
      case "undefined":
        return String(value);
      default:
        return this.#refuse(describe(value), depth);
    }
  }

  #writeObject(value: object, depth: number): string {
    if (depth >= MAX_DEPTH) return this.#refuse(`nested deeper than ${MAX_DEPTH}, or a cycle`, 0);
    this.#count(8);
    if (Array.isArray(value)) return this.#writeArray(value, depth);
    if (Object.getPrototypeOf(value) === Object.prototype) return this.#writePlain(value, depth);
    const tag = tagOf(value);
    switch (tag) {
      case "Object":
        return this.#writePlain(value, depth);
      case "Date":
        return `Date(${Date.prototype.getTime.call(value)})`;
      case "Map":
        return `Map{${this.#writeEntries(value as Map<unknown, unknown>, depth)
          .sort()
          .join(",")}}`;
      case "Set":
        return `Set{${this.#writeMembers(value as Set<unknown>, depth)
          .sort()
          .join(",")}}`;
      default:
    }
    if (tag === "ArrayBuffer" || ArrayBuffer.isView(value)) {
      const bytes = bytesOf(value as ArrayBuffer | ArrayBufferView);
      return bytes.length <= BYTES_SHOWN
        ? `${tag}(${bytesToHex(bytes)})`
        : `${tag}(${bytes.length}:sha256:${hexOf(bytes)})`;
    }
    if (!isBlob(value)) return this.#refuse(describe(value), depth);
    return this.#blobText?.(value) ?? this.#refuse("a Blob where only its digest can stand", depth);
  }

  #writeArray(items: readonly unknown[], depth: number): string {
    let text = "[";
    for (let index = 0; index < items.length; index += 1) {
      this.#count(1);
      this.#trail[depth] = index;
      if (index > 0) text += ",";
      text += this.write(items[index], depth + 1);
    }
    return `${text}]`;
  }

  #writeMembers(members: Set<unknown>, depth: number): string[] {
    const texts: string[] = [];
    for (const member of members) {
      this.#count(1);
      this.#trail[depth] = texts.length;
      texts.push(this.write(member, depth + 1));
    }
    return texts;
  }

  #writeEntries(entries: Map<unknown, unknown>, depth: number): string[] {
    const texts: string[] = [];
    for (const [key, item] of entries) {
      this.#count(1);
      this.#trail[depth] = texts.length;
      this.#trail[depth + 1] = 0;
      const keyText = this.write(key, depth + 2);
      this.#trail[depth + 1] = 1;
      texts.push(`${keyText}=>${this.write(item, depth + 2)}`);
    }
    return texts;
  }

  #writePlain(object: object, depth: number): string {
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
      this.#count(1);
      this.#trail[depth] = name;
      text += `${text.length > 1 ? "," : ""}${quote(name)}:${this.write(part, depth + 1)}`;
    }
    return `${text}}`;
  }

  #count(parts: number): void {
    this.#parts += parts;
    if (this.#parts > MAX_PARTS) throw new TooLargeError(this.#path, `${MAX_PARTS} parts`, "larger");
  }

  #refuse(what: string, depth: number): never {
    throw new PayloadError(pathOf(this.#path, this.#trail.slice(0, depth)), what);
  }
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
