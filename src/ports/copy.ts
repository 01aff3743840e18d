/**
 * The set of values that every store and transport carries, as one walk: it copies, and refuses what is outside the set.
 *
 * Not `structuredClone`: that also takes RegExp, Error and cycles, turns class instances into plain objects silently, names no path, and
 * costs 700 ns for `{ n: 1 }` where this walk costs about 100.
 */
import { describe, PayloadError, TooLargeError } from "../errors.ts";
import { arrays, bytesOf, isBlob, isRootPrototype, probe, tagOf } from "./kinds.ts";

/** How deep a value may be nested. */
export const MAX_DEPTH = 500;

/**
 * How deep a value may be nested that rides in a row or an event: what stands around it there must fit under {@link MAX_DEPTH} too. Rows of
 * this version put up to six levels around it.
 */
export const ROW_DEPTH = 480;

/**
 * How many properties, elements and entries a value may have; an object or array in it counts as eight, by what it costs. A value that
 * shares references is copied as a tree, so without this bound thirty lines of `a = [a, a]` would be a billion arrays.
 */
export const MAX_PARTS = 10_000_000;

/** Where a part stands in its value: property names and positions. A Map's part is its position, then 0 for the key or 1 for the value. */
export type Trail = readonly (string | number)[];

/** What a walk does besides copying. */
export interface Visitor {
  /**
   * What stands in the copy for a Blob or File; the same Blob by default. Where it is null for a Map's key or a Set's member, a fresh empty
   * object stands there instead: nulls would fall together with each other, and with a null that was there before.
   */
  readonly blob?: (blob: Blob, trail: Trail) => unknown;
  /** What stands in the copy where a Blob may have stood: for a null, or an object as Map's key or Set's member; undefined where none did. */
  readonly placeholder?: (trail: Trail) => Blob | undefined;
  /** How deep the value may be nested; {@link MAX_DEPTH} by default. */
  readonly maxDepth?: number;
}

/** A copy and what it takes to keep it. */
export interface Copied {
  readonly value: unknown;
  /** Approximate size in bytes, without Blobs. */
  readonly bytes: number;
}

/**
 * Copies a value, deeply and privately, and refuses what payloads can't carry.
 *
 * Accepted: null, undefined, booleans, numbers (NaN, infinities and -0 included), strings, bigint, Date, Map, Set, ArrayBuffer, typed
 * arrays, DataView, arrays, plain objects, and Blob or File, which are immutable and kept by reference; from any realm. Accessors are read,
 * proxies are copied as what they show. A subclass of an array or typed array (Node's Buffer) becomes the array. Shared references become
 * separate copies.
 *
 * @param path how the value is called in errors
 * @throws PayloadError naming the part: functions, symbols, symbol keys, other class instances, RegExp, Error, Promise, cycles, array
 * holes, an own `__proto__` key, nesting deeper than 500; TooLargeError beyond some ten million numbers or a million objects
 * @example copyValue({ at: new Date(0), tags: new Set(["a"]) })
 */
export function copyValue(value: unknown, path = "value"): unknown {
  // Most values of rows are primitives: they need no walk.
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol")
      throw new PayloadError(path, describe(value));
    return value;
  }
  return walkValue(value, path, {}).value;
}

/** {@link copyValue} with a visitor, and the size of the copy. */
export function walkValue(value: unknown, path: string, visitor: Visitor): Copied {
  const flat = copyFlat(value);
  if (flat !== null) return flat;
  try {
    return walkOnce(value, path, visitor, false);
  } catch (error) {
    // Only now is it worth remembering the way down, which tells a cycle from mere depth.
    if (error instanceof TooDeep) return walkOnce(value, path, visitor, true);
    if (error instanceof PayloadError || error instanceof TooLargeError) throw error;
    throw new PayloadError(path, `unreadable (${error instanceof Error ? error.message : describe(error)})`);
  }
}

function walkOnce(value: unknown, path: string, visitor: Visitor, remember: boolean): Copied {
  const walk = new Walk(path, visitor, remember);
  return { value: walk.copy(value, 0), bytes: walk.bytes };
}

/** The text of a place, such as `input.items[3]["a b"]`. */
export function pathOf(base: string, trail: Trail): string {
  let text = base;
  for (const part of trail) {
    if (typeof part === "number") text += `[${part}]`;
    else text += /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  }
  return text;
}

/**
 * Copies a plain object of numbers, strings and booleans; null for anything else. Most payloads and all but the rarest event are one, and
 * need no walk, which costs four times as much.
 */
function copyFlat(value: unknown): Copied | null {
  if (typeof value !== "object" || value === null) return null;
  try {
    if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0)
      return null;
    const copy: Record<string, unknown> = { ...value };
    let bytes = 8;
    for (const name in copy) {
      const part = copy[name];
      bytes += name.length + 3;
      if (typeof part === "number" || typeof part === "boolean") bytes += 8;
      else if (typeof part === "string") bytes += part.length + 2;
      else return null;
      if (name === "__proto__") return null;
    }
    return { value: copy, bytes };
  } catch {
    // A getter or proxy that throws: the walk says where.
    return null;
  }
}

class TooDeep extends Error {}

class Walk {
  bytes = 0;
  #parts = 0;
  readonly #path: string;
  readonly #visitor: Visitor;
  /** The way to the present part: its first `depth` places. */
  readonly #trail: (string | number)[] = [];
  readonly #above: unknown[] | null;
  readonly #maxDepth: number;

  constructor(path: string, visitor: Visitor, remember: boolean) {
    this.#path = path;
    this.#visitor = visitor;
    this.#above = remember ? [] : null;
    this.#maxDepth = visitor.maxDepth ?? MAX_DEPTH;
  }

  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        this.bytes += value.length + 2;
        return value;
      case "bigint":
        // Counting the digits of a huge one costs more than copying it, and nearly all are small.
        this.bytes += BigInt.asIntN(64, value) === value ? 8 : value.toString(16).length / 2;
        return value;
      case "function":
      case "symbol":
        return this.#refuse(describe(value), depth);
      case "object":
        if (value !== null) return this.#copyObject(value, depth);
        this.bytes += 4;
        return this.#visitor.placeholder?.(this.#trail.slice(0, depth)) ?? null;
      default:
        this.bytes += 8;
        return value;
    }
  }

  #copyObject(value: object, depth: number): unknown {
    this.bytes += 8;
    this.#count(8);
    if (this.#above === null) {
      if (depth >= this.#maxDepth) throw new TooDeep();
      return this.#copyShape(value, depth);
    }
    if (this.#above.includes(value)) return this.#refuse("part of itself (a cycle)", depth);
    if (depth >= this.#maxDepth) return this.#refuse(`nested deeper than ${this.#maxDepth}`, 0);
    this.#above.push(value);
    const copy = this.#copyShape(value, depth);
    this.#above.pop();
    return copy;
  }

  #copyShape(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#copyArray(value, depth);
    const proto: unknown = Object.getPrototypeOf(value);
    if (proto === Object.prototype || proto === null || isRootPrototype(proto))
      return this.#copyPlain(value, depth);
    return this.#copyBuiltIn(value, proto, depth);
  }

  #copyArray(value: readonly unknown[], depth: number): unknown[] {
    const { length } = value;
    const copy: unknown[] = [];
    for (let index = 0; index < length; index += 1) {
      const item = value[index];
      this.#trail[depth] = index;
      // Holes come back as nulls from JSON and as holes from clones; a length of four billion of them takes no memory and for ever to read.
      if (item === undefined && !Object.hasOwn(value, index)) this.#refuse("a hole in an array", depth + 1);
      this.#count(1);
      copy.push(this.copy(item, depth + 1));
    }
    return copy;
  }

  #copyPlain(value: object, depth: number): object {
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse("an object with a symbol as key", depth);
    // Spreading copies the object's shape at once (30 ns); adding one property after the other takes three times as long.
    const copy: Record<string, unknown> = { ...value };
    for (const name in copy) {
      const part = copy[name];
      this.#count(1);
      this.bytes += name.length + 3;
      if (name === "__proto__") {
        this.#trail[depth] = name;
        this.#refuse("an own property that would set a prototype", depth + 1);
      }
      if (typeof part === "number" || typeof part === "boolean") this.bytes += 8;
      else if (Object.hasOwn(copy, name)) {
        this.#trail[depth] = name;
        copy[name] = this.copy(part, depth + 1);
      }
    }
    return copy;
  }

  #copyBuiltIn(value: object, proto: unknown, depth: number): unknown {
    const tag = tagOf(value);
    if (ArrayBuffer.isView(value)) return this.#copyView(value, tag);
    if (isBlob(value)) {
      return this.#visitor.blob === undefined
        ? value
        : this.#visitor.blob(value, this.#trail.slice(0, depth));
    }
    // One step below the root: the built-in itself. A subclass would come back as its base.
    if (isRootPrototype(Object.getPrototypeOf(proto))) {
      switch (tag) {
        case "Date":
          if (probe(() => Date.prototype.getTime.call(value)))
            return new Date(Date.prototype.getTime.call(value));
          break;
        case "Map":
          if (probe(() => Reflect.get(Map.prototype, "size", value)))
            return this.#copyMap(value as Map<unknown, unknown>, depth);
          break;
        case "Set":
          if (probe(() => Reflect.get(Set.prototype, "size", value)))
            return this.#copySet(value as Set<unknown>, depth);
          break;
        case "ArrayBuffer":
          if (probe(() => Reflect.get(ArrayBuffer.prototype, "byteLength", value)))
            return this.#copyBuffer(value as ArrayBuffer);
          break;
        default:
      }
    }
    return this.#refuse(describe(value), depth);
  }

  #copyBuffer(buffer: ArrayBuffer): ArrayBuffer {
    this.bytes += buffer.byteLength;
    return bytesOf(buffer).slice().buffer;
  }

  #copyView(view: ArrayBufferView, tag: string): ArrayBufferView {
    this.bytes += view.byteLength;
    const Type = arrays.get(tag);
    // Of a view only the bytes that it shows: a Node Buffer may stand in a pool that holds other people's data.
    if (Type !== undefined) return new Type(view as never);
    return new DataView(bytesOf(view).slice().buffer);
  }

  #copyMap(value: Map<unknown, unknown>, depth: number): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    let position = 0;
    for (const [key, item] of Map.prototype.entries.call(value)) {
      this.#count(1);
      this.#trail[depth] = position;
      this.#trail[depth + 1] = 0;
      const copiedKey = this.#copyMember(key, depth + 2);
      this.#trail[depth] = position;
      this.#trail[depth + 1] = 1;
      copy.set(copiedKey, this.copy(item, depth + 2));
      position += 1;
    }
    return copy;
  }

  #copySet(value: Set<unknown>, depth: number): Set<unknown> {
    const copy = new Set<unknown>();
    let position = 0;
    for (const item of Set.prototype.values.call(value)) {
      this.#count(1);
      this.#trail[depth] = position;
      copy.add(this.#copyMember(item, depth + 1));
      position += 1;
    }
    return copy;
  }

  /** A Map's key or a Set's member, which must stay as different from the others as it was. */
  #copyMember(member: unknown, depth: number): unknown {
    if (member === null || typeof member !== "object") return this.copy(member, depth);
    return this.#visitor.placeholder?.(this.#trail.slice(0, depth)) ?? this.copy(member, depth) ?? {};
  }

  #count(parts: number): void {
    this.#parts += parts;
    if (this.#parts > MAX_PARTS) throw new TooLargeError(this.#path, `${MAX_PARTS} parts`, "larger");
  }

  #refuse(what: string, depth: number): never {
    throw new PayloadError(pathOf(this.#path, this.#trail.slice(0, depth)), what);
  }
}
