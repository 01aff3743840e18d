/** What kind of object a value is, told by what it is rather than by `instanceof`, which fails for values of another realm. */

/** The tag of a built-in; it can be forged, so what it says is checked where it is relied on. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a Blob or File, of this realm or another. */
export function isBlob(value: unknown): value is Blob {
  if (typeof value !== "object" || value === null) return false;
  const tag = tagOf(value);
  if (tag !== "Blob" && tag !== "File") return false;
  const blob = value as Partial<Blob>;
  return (
    typeof blob.size === "number" && typeof blob.type === "string" && typeof blob.arrayBuffer === "function"
  );
}

/** Whether a Blob is a File. */
export function isFile(blob: Blob): blob is File {
  return tagOf(blob) === "File";
}

/** The bytes under an ArrayBuffer or a view of one. */
export function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

// Not yet in every engine that this runs in, nor in lib ES2023.
declare const Float16Array: (new (source: ArrayBufferView) => ArrayBufferView) | undefined;

type ArrayOf = new (source: never) => ArrayBufferView;
/** The constructors of the typed arrays that this engine has, by tag. */
export const arrays = new Map<string, ArrayOf>([
  ["Int8Array", Int8Array],
  ["Uint8Array", Uint8Array],
  ["Uint8ClampedArray", Uint8ClampedArray],
  ["Int16Array", Int16Array],
  ["Uint16Array", Uint16Array],
  ["Int32Array", Int32Array],
  ["Uint32Array", Uint32Array],
  ["Float32Array", Float32Array],
  ["Float64Array", Float64Array],
  ["BigInt64Array", BigInt64Array],
  ["BigUint64Array", BigUint64Array],
]);
if (typeof Float16Array === "function") arrays.set("Float16Array", Float16Array);

/** Whether this is some realm's Object.prototype, rather than the prototype of a class that extends null. */
export function isRootPrototype(proto: unknown): boolean {
  if (proto === Object.prototype) return true;
  return (
    typeof proto === "object" &&
    proto !== null &&
    Object.getPrototypeOf(proto) === null &&
    Object.hasOwn(proto, "hasOwnProperty")
  );
}

/** Whether a built-in's own accessor takes the object for one of its kind: a tag can be forged, the inner slots can't. */
export function probe(read: () => unknown): boolean {
  try {
    return read() !== undefined;
  } catch {
    return false;
  }
}
