import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PayloadError, TooLargeError } from "../errors.ts";
import { copyValue, walkValue } from "./copy.ts";
import { isBlob, isFile } from "./kinds.ts";
import { payloadValue, same } from "./values.test-helper.ts";

function refusal(value: unknown, path?: string): { path: string; message: string } {
  try {
    copyValue(value, path);
  } catch (error) {
    if (error instanceof PayloadError) return { path: error.path, message: error.message };
    throw error;
  }
  throw new Error("it was accepted");
}

const holed = Object.assign([1], { 2: 3 });

class Point {
  x = 1;
}
class Registry extends Map<string, string> {}

describe("copyValue", () => {
  it("copies any payload value as structuredClone does", () => {
    fc.assert(
      fc.property(payloadValue, (value) => {
        const copy = copyValue(value);
        expect(same(copy, value)).toBe(true);
        expect(same(copy, structuredClone(value))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("shares nothing that can change with its source", () => {
    const source = {
      list: [{ n: 1 }],
      map: new Map([["a", { n: 1 }]]),
      set: new Set([{ n: 1 }]),
      date: new Date(1),
      bytes: new Uint8Array([1]),
      view: new DataView(new ArrayBuffer(1)),
    };
    const copy = copyValue(source) as typeof source;
    source.list[0] = { n: 2 };
    source.list.push({ n: 3 });
    source.map.set("a", { n: 2 });
    source.set.clear();
    source.date.setTime(2);
    source.bytes[0] = 2;
    source.view.setInt8(0, 2);
    expect(copy.list).toEqual([{ n: 1 }]);
    expect(copy.map).toEqual(new Map([["a", { n: 1 }]]));
    expect(copy.set).toEqual(new Set([{ n: 1 }]));
    expect(copy.date.getTime()).toBe(1);
    expect(copy.bytes).toEqual(new Uint8Array([1]));
    expect(copy.view.getInt8(0)).toBe(0);
  });

  it("keeps Blobs and Files by reference", () => {
    const blob = new Blob(["x"]);
    const file = new File(["x"], "a.txt");
    const copy = copyValue({ blob, files: [file] }) as { blob: Blob; files: File[] };
    expect(copy.blob).toBe(blob);
    expect(copy.files[0]).toBe(file);
  });

  it("copies of a view only the bytes that it shows", () => {
    const pool = new Uint8Array([1, 2, 3, 4]);
    const copy = copyValue(pool.subarray(1, 3)) as Uint8Array;
    expect([...copy]).toEqual([2, 3]);
    expect(copy.buffer.byteLength).toBe(2);
    const view = copyValue(new DataView(pool.buffer, 2, 1)) as DataView;
    expect([view.byteLength, view.buffer.byteLength, view.getUint8(0)]).toEqual([1, 1, 3]);
  });

  it("takes a Buffer as the bytes that it is", () => {
    const copy = copyValue(Buffer.from("abc")) as Uint8Array;
    expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
    expect([...copy]).toEqual([97, 98, 99]);
  });

  it("accepts values of another realm", () => {
    const foreign = runInNewContext(
      "({ o: { a: [1] }, d: new Date(1), m: new Map([[1, 2]]), s: new Set([1]), b: new Uint8Array([1]), r: new ArrayBuffer(2) })",
    ) as object;
    expect(Object.getPrototypeOf(foreign)).not.toBe(Object.prototype);
    expect(
      same(copyValue(foreign), {
        o: { a: [1] },
        d: new Date(1),
        m: new Map([[1, 2]]),
        s: new Set([1]),
        b: new Uint8Array([1]),
        r: new ArrayBuffer(2),
      }),
    ).toBe(true);
    expect(refusal(runInNewContext("({ f: [() => 1] })")).path).toBe("value.f[0]");
    expect(refusal(runInNewContext("class A {}; new A()")).message).toContain("an instance of A");
  });

  it("makes null prototypes plain, reads accessors and sees through proxies", () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    expect(Object.getPrototypeOf(copyValue(bare))).toBe(Object.prototype);
    const lazy = {
      get n() {
        return 2;
      },
    };
    expect(Object.getOwnPropertyDescriptor(copyValue(lazy), "n")?.value).toBe(2);
    expect(copyValue(new Proxy({ a: [1] }, {}))).toEqual({ a: [1] });
  });

  it("copies shared references as a tree", () => {
    const shared = { n: 1 };
    const copy = copyValue([shared, shared]) as object[];
    expect(copy).toEqual([{ n: 1 }, { n: 1 }]);
    expect(copy[0]).not.toBe(copy[1]);
  });

  it("ignores properties that pollute Object.prototype", () => {
    const root = Object.prototype as Record<string, unknown>;
    root.polluted = () => "everywhere";
    try {
      expect(Object.hasOwn(copyValue({ a: 1 }) as object, "polluted")).toBe(false);
    } finally {
      delete root.polluted;
    }
  });

  it.each<[string, unknown, string]>([
    ["a function", { items: [1, { cb: () => 1 }] }, "input.items[1].cb"],
    ["a symbol", [Symbol("x")], "input[0]"],
    ["an object with a symbol as key", { a: { [Symbol("x")]: 1 } }, "input.a"],
    ["an instance of Point", { "a b": new Point() }, 'input["a b"]'],
    ["an instance of Registry", [new Registry()], "input[0]"],
    ["an instance of RegExp", { r: /x/ }, "input.r"],
    ["an instance of Error", { e: new Error("x") }, "input.e"],
    ["an instance of Promise", { p: Promise.resolve(1) }, "input.p"],
    ["an instance of WeakMap", { w: new WeakMap() }, "input.w"],
    ["an instance of SharedArrayBuffer", { w: new SharedArrayBuffer(1) }, "input.w"],
    ["an instance of String", { w: Object("boxed") as unknown }, "input.w"],
    ["an own property that would set a prototype", JSON.parse('{"a":{"__proto__":1}}'), "input.a.__proto__"],
    ["a hole in an array", { list: holed }, "input.list[1]"],
    ["a function", new Map([["a", 1]]).set("b", (() => 1) as never), "input[1][1]"],
    ["a symbol", new Map([[Symbol("k") as never, 1]]), "input[0][0]"],
    ["a function", { s: new Set([1, () => 1]) }, "input.s[1]"],
    ["an instance of Map", Object.create(Map.prototype), "input"],
    ["an object", Object.create({ inherited: 1 }), "input"],
  ])("refuses %s", (what, value, path) => {
    const { path: named, message } = refusal(value, "input");
    expect(named).toBe(path);
    expect(message).toContain(what);
  });

  it("refuses top-level functions and symbols too", () => {
    expect(refusal(() => 1)).toMatchObject({ path: "value" });
    expect(refusal(Symbol("x"), "config")).toMatchObject({ path: "config" });
  });

  it("refuses an instance that forges a built-in's tag", () => {
    const forged = {
      __proto__: {
        get [Symbol.toStringTag]() {
          return "Date";
        },
      },
    };
    expect(refusal([forged]).path).toBe("value[0]");
    class Liar {
      get [Symbol.toStringTag](): string {
        return "Map";
      }
    }
    expect(refusal(new Liar()).path).toBe("value");
  });

  it("says where a cycle closes", () => {
    const value: Record<string, unknown> = { a: { list: [1] } };
    (value.a as { list: unknown[] }).list.push(value);
    const { path, message } = refusal(value);
    expect(path).toBe("value.a.list[1]");
    expect(message).toContain("cycle");
    const map = new Map<string, unknown>();
    map.set("self", map);
    expect(refusal({ map }).path).toBe("value.map[0][1]");
  });

  it("bounds depth and size", () => {
    const nested = (depth: number): unknown => {
      let value: unknown = 1;
      for (let level = 0; level < depth; level += 1) value = [value];
      return value;
    };
    expect(copyValue(nested(500))).toEqual(nested(500));
    expect(refusal(nested(501)).message).toContain("nested deeper than 500");
    let doubled: unknown = [1];
    for (let level = 0; level < 40; level += 1) doubled = [doubled, doubled];
    expect(() => copyValue(doubled)).toThrow(TooLargeError);
  });

  it("turns whatever reading throws into the typed error", () => {
    const broken = {
      get secret(): never {
        throw new Error("boom");
      },
    };
    expect(refusal(broken).message).toContain("boom");
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusal({ proxy }).message).toContain("unreadable");
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(refusal({ bytes: bytes.buffer }).message).toContain("unreadable");
  });
});

describe("walkValue", () => {
  it("estimates the size", () => {
    const bytes = (value: unknown): number => walkValue(value, "value", {}).bytes;
    expect(bytes("x".repeat(1000))).toBeGreaterThan(1000);
    expect(bytes("x".repeat(1000))).toBeLessThan(1100);
    expect(bytes(new Float64Array(100))).toBeGreaterThanOrEqual(800);
    expect(bytes({ list: Array.from({ length: 100 }, () => 1) })).toBeGreaterThan(800);
    expect(bytes(2n ** 8000n)).toBeGreaterThan(1000);
  });
});

describe("isBlob", () => {
  it("knows Blobs and Files by what they are", () => {
    expect(isBlob(new Blob([]))).toBe(true);
    expect(isBlob(new File([], "x"))).toBe(true);
    expect(isFile(new File([], "x"))).toBe(true);
    expect(isFile(new Blob([]))).toBe(false);
    expect([null, 1, {}, { [Symbol.toStringTag]: "Blob" }].map(isBlob)).toEqual([false, false, false, false]);
  });
});
