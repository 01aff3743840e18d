import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlobMissingError, InvalidOptionError, PayloadError, TooLargeError } from "../errors.ts";
import type { BlobKey, Payload } from "../model.ts";
import type { Encoded } from "./payload.ts";
import { copyInline, decodeInline, decodePayload, encodePayload, isInline } from "./payload.ts";
import { blobPath } from "./store.ts";
import { payloadValue, same } from "./values.test-helper.ts";

const key = (name: string): BlobKey => ({ runId: "r", epoch: 1, stageId: "s", attempt: 1, name });
const encode = (value: unknown, inlineLimit?: number): Encoded =>
  encodePayload(value, { path: "output", key, ...(inlineLimit === undefined ? {} : { inlineLimit }) });

/** Reads from what an encoding asked to be stored, as bytes only: that is all a blob store keeps. */
function reader({ blobs }: Encoded): (key: BlobKey) => Promise<Blob | null> {
  const stored = new Map(blobs.map((blob) => [blobPath(blob.key), new Blob([blob.data])]));
  return (wanted) => Promise.resolve(stored.get(blobPath(wanted)) ?? null);
}

async function roundTrip(value: unknown, inlineLimit?: number): Promise<unknown> {
  const encoded = encode(value, inlineLimit);
  // What crosses to a worker or into IndexedDB is a clone.
  return decodePayload(structuredClone(encoded.payload), reader(encoded));
}

describe("payloads", () => {
  it("give back what was put in, inline and as text", async () => {
    await fc.assert(
      fc.asyncProperty(payloadValue, async (value) => {
        expect(same(await roundTrip(value), value)).toBe(true);
        expect(same(await roundTrip(value, 0), value)).toBe(true);
      }),
    );
  });

  it("are private to either side", () => {
    const source = { list: [1] };
    const { payload } = encode(source);
    source.list.push(2);
    if (!isInline(payload)) throw new Error("a small value should be inline");
    const first = decodeInline(payload) as { list: number[] };
    first.list.push(3);
    expect(decodeInline(payload)).toEqual({ list: [1] });
  });

  it("take Blobs and Files out and put them back where they were", async () => {
    const blob = new Blob(["one"], { type: "text/plain" });
    const file = new File(["two"], "two.txt", { type: "text/markdown", lastModified: 1234 });
    const value = {
      a: [null, blob],
      map: new Map<unknown, unknown>([
        ["k", file],
        [blob, null],
      ]),
      set: new Set([file]),
    };
    const encoded = encode(value);
    expect(encoded.payload).toMatchObject({ kind: "value", value: { a: [null, null] } });
    expect(encoded.blobs.map(({ key: { name } }) => name)).toEqual(["b0", "b1"]);
    expect(isInline(encoded.payload)).toBe(false);

    const back = (await roundTrip(value)) as typeof value;
    expect(back.a[0]).toBeNull();
    expect(await back.a[1]?.text()).toBe("one");
    expect(back.a[1]?.type).toBe("text/plain");
    const restored = back.map.get("k") as File;
    expect([restored.name, restored.type, restored.lastModified]).toEqual(["two.txt", "text/markdown", 1234]);
    expect(await restored.text()).toBe("two");
    const [, second] = [...back.map.keys()];
    expect(await (second as Blob).text()).toBe("one");
    expect([...back.map.values()][1]).toBeNull();
    expect([...back.set][0]).toBeInstanceOf(File);
  });

  it.each([
    ["inline", undefined],
    ["as text", 0],
  ])("keep Blobs apart that are members of a Set or keys of a Map, %s", async (_, inlineLimit) => {
    const twice = new Blob(["twice"]);
    const value = {
      set: new Set([new Blob(["one"]), null, twice, new File(["two"], "two.txt"), {}]),
      map: new Map<unknown, unknown>([
        [new Blob(["k1"]), 1],
        [null, new Set([twice])],
        [new Blob(["k2"]), null],
        [{}, new Map([[twice, twice]])],
      ]),
    };
    const text = async (part: unknown): Promise<unknown> => {
      if (part instanceof Blob) return part.text();
      if (part instanceof Set) return Promise.all(Array.from(part, text));
      if (part instanceof Map) return Promise.all(Array.from(part, (entry) => Promise.all(entry.map(text))));
      return part;
    };
    const back = (await roundTrip(value, inlineLimit)) as typeof value;
    expect(await text(back.set)).toEqual(["one", null, "twice", "two", {}]);
    expect(await text(back.map)).toEqual([
      ["k1", 1],
      [null, ["twice"]],
      ["k2", null],
      [{}, [["twice", "twice"]]],
    ]);
  });

  it("carry a Blob that is the whole value, and one inside a large value", async () => {
    const whole = (await roundTrip(new Blob(["x"]))) as Blob;
    expect(await whole.text()).toBe("x");
    const large = (await roundTrip({ text: "y".repeat(100_000), file: new File(["z"], "z") })) as {
      file: File;
    };
    expect(await large.file.text()).toBe("z");
  });

  it("put large values into one blob, under the caller's key", () => {
    const small = encode({ text: "x".repeat(60_000) });
    expect(small.payload.kind).toBe("value");
    expect(small.blobs).toEqual([]);
    const large = encode({ text: "x".repeat(70_000) });
    expect(large.payload).toMatchObject({ kind: "blob", codec: "devalue@6", key: key("value") });
    expect(large.blobs.map((blob) => blob.key.name)).toEqual(["value"]);
    expect((large.payload as Extract<Payload, { kind: "blob" }>).size).toBe(large.blobs[0]?.data.size);
    expect(large.bytes).toBeGreaterThan(70_000);
  });

  it("name what they can't carry", () => {
    expect(() => encode({ items: [{ cb: () => 1 }] })).toThrow(PayloadError);
    expect(() => encode({ items: [{ cb: () => 1 }] })).toThrow("output.items[0].cb is a function");
    expect(() => encode(1, -1)).toThrow(InvalidOptionError);
    expect(() => encode(1, Number.NaN)).toThrow(InvalidOptionError);
  });

  it("that must ride in a row are small and hold no Blob", () => {
    const value = { list: [1] };
    const copy = copyInline(value, "annotations");
    expect(copy).toEqual(value);
    expect(copy).not.toBe(value);
    expect(() => copyInline({ file: new Blob([]) }, "annotations")).toThrow("annotations.file is a Blob");
    expect(() => copyInline("x".repeat(70_000), "annotations")).toThrow(TooLargeError);
    const nested = (depth: number): unknown =>
      Array.from({ length: depth }).reduce<unknown>((inner) => [inner], "bottom");
    expect(copyInline(nested(480), "annotations")).toEqual(nested(480));
    expect(() => copyInline(nested(481), "annotations")).toThrow("annotations is nested deeper than 480");
  });

  it("say which blob is missing", async () => {
    const none = (): Promise<null> => Promise.resolve(null);
    await expect(decodePayload(encode(new Blob(["x"])).payload, none)).rejects.toThrow(BlobMissingError);
    await expect(decodePayload(encode("x", 0).payload, none)).rejects.toThrow("r/1/s/1/value");
  });
});
