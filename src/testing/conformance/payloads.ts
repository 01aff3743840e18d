/** The values that payloads carry: the same set on every store, and private to it. */
import type { BlobKey, EventBody, Payload } from "../../model.ts";
import { decodePayload, encodePayload } from "../../ports/payload.ts";
import type { Entry, Store } from "../../ports/store.ts";
import { ConformanceError, ensure, equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import {
  commit,
  createRun,
  creation,
  entryFor,
  keyOf,
  note,
  notedIn,
  payload,
  snapshot,
  stageOf,
  verdictOf,
} from "./rows.ts";

const values: readonly (readonly [kind: string, value: unknown])[] = [
  ["null and booleans", [null, true, false]],
  ["undefined", [undefined]],
  ["nothing at all", undefined],
  ["numbers", [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53]],
  [
    "strings with NUL, lone surrogates and quotes",
    ["", "\0", "\ud800", "x\udc00", "\u2028", '"\\', "\u{1f600}"],
  ],
  ["bigints", [0n, -1n, 2n ** 200n]],
  ["dates", [new Date(0), new Date(-1), new Date(Number.NaN)]],
  [
    "maps",
    new Map<unknown, unknown>([
      ["a", new Map([[1, 2]])],
      [{ k: 1 }, new Set([1])],
      [1, "number"],
      ["1", "string"],
    ]),
  ],
  ["sets", new Set<unknown>([1, "1", new Set(), [2]])],
  ["array buffers", new Uint8Array([1, 2, 255]).buffer],
  [
    "typed arrays",
    [new Uint8Array([1, 255]), new Float64Array([-0, 1.5]), new BigInt64Array([-5n]), new Uint16Array(0)],
  ],
  ["data views", new DataView(new Uint8Array([1, 2, 3]).buffer)],
  ["objects with awkward keys", { "": 1, "a b": 2, constructor: 3, toString: 4, "1": 5, "\0": 6 }],
  ["deep nesting", Array.from({ length: 200 }).reduce<unknown>((inner) => ({ inner }), "bottom")],
  ["a large text", "x\u00e9".repeat(200_000)],
];

/** An entry that carries a value wherever a row holds a user's value. */
function carrying(runId: string, value: unknown): Entry {
  const entry = entryFor(runId, {
    body: { runId, input: payload(value), config: payload({ value }) },
    stages: [
      stageOf(runId, "a", {
        output: payload(value),
        state: payload(value),
        wake: { kind: "signal", name: "go", payload: payload(value) },
      }),
    ],
    signals: [{ runId, id: "s", name: "go", payload: payload(value) }],
    events: [note(value)],
  });
  return { ...entry, key: { expect: null, put: keyOf(runId, entry.id, entry.id, { result: value }) } };
}

/** The value as each of those rows gives it back. */
async function carried(store: Store, runId: string): Promise<unknown[]> {
  const found = present(await store.run(runId), "the run");
  const [stage] = found.stages;
  const [event] = await store.events({ run: runId });
  const of = (given: Payload | null | undefined) => (given?.kind === "value" ? given.value : given);
  return [
    of(found.body?.input),
    (of(found.body?.config) as { value: unknown }).value,
    of(stage?.output),
    of(stage?.state),
    stage?.wake?.kind === "signal" ? of(stage.wake.payload) : stage?.wake,
    of(found.signals[0]?.payload),
    notedIn(present(event, "the event")),
    present(found.keys[0], "the key").result,
  ];
}

export const payloadCases: readonly CaseBody[] = group("payload", [
  ...values.map(
    ([kind, value]): CaseBody => ({
      name: `carries ${kind}`,
      async body({ store }) {
        const run = await createRun(store);
        await commit(store, carrying(run.id, value));
        for (const [index, back] of (await carried(store, run.id)).entries())
          equal(back, value, `${kind} in place ${index}`);
      },
    }),
  ),
  {
    name: "that can't be carried makes its own entry invalid, and no other",
    async body({ store }) {
      const run = await createRun(store);
      const before = await snapshot(store, run.id);
      const bad: readonly unknown[] = [() => 1, { deep: [Symbol("x")] }, [new WeakMap()], new Error("x")];
      for (const value of bad) {
        const [first, second] = [creation(), creation()];
        const verdicts = await store.commit([first, carrying(run.id, value), second]);
        equal(
          verdicts.map(({ status }) => status),
          ["committed", "invalid", "committed"],
          "the verdicts",
        );
        const verdict = verdicts[1];
        ensure(
          verdict?.status === "invalid" && verdict.error instanceof Error,
          "the error of an invalid entry",
        );
        equal(await snapshot(store, run.id), before, "the run");
      }
      const event: EventBody = note(() => 1);
      equal(
        (await verdictOf(store, entryFor(run.id, { events: [event] }))).status,
        "invalid",
        "the verdict on an event",
      );
      equal(await snapshot(store, run.id), before, "the run after an invalid event");
    },
  },
  {
    name: "holds Blobs and Files by reference, whose bytes stand in the blob store",
    async body({ store }) {
      const run = await createRun(store);
      const file = new File(["file \0 bytes"], "a.txt", { type: "text/plain", lastModified: 77 });
      const value = {
        blob: new Blob([new Uint8Array([0, 1, 255])], { type: "image/x" }),
        files: [file],
        n: null,
      };
      const key = (name: string): BlobKey => ({
        runId: run.id,
        epoch: 1,
        stageId: "a/b c",
        attempt: 2,
        name,
      });
      const encoded = encodePayload(value, { path: "output", key });
      for (const blob of encoded.blobs) await store.blobs.put(blob.key, blob.data);
      await commit(store, entryFor(run.id, { stages: [stageOf(run.id, "a", { output: encoded.payload })] }));
      const output = present((await store.run(run.id))?.stages[0]?.output, "the output");
      const back = (await decodePayload(output, (wanted) => store.blobs.get(wanted))) as typeof value;
      equal([...new Uint8Array(await back.blob.arrayBuffer())], [0, 1, 255], "the Blob's bytes");
      equal([back.blob.type, back.n], ["image/x", null], "the Blob's type, and a null beside it");
      const restored = present(back.files[0], "the File");
      equal(
        [restored.name, restored.type, restored.lastModified, await restored.text()],
        ["a.txt", "text/plain", 77, "file \0 bytes"],
        "the File",
      );
      const members = {
        set: new Set([new Blob(["one"]), null, new Blob(["two"]), {}]),
        map: new Map<unknown, unknown>([
          [new Blob(["k1"]), 1],
          [null, 2],
          [new Blob(["k2"]), new Blob(["v"])],
        ]),
      };
      const many = encodePayload(members, { path: "output", key });
      for (const blob of many.blobs) await store.blobs.put(blob.key, blob.data);
      await commit(store, entryFor(run.id, { stages: [stageOf(run.id, "c", { output: many.payload })] }));
      const kept = present(
        (await store.run(run.id))?.stages.find(({ stageId }) => stageId === "c")?.output,
        "the output with Blobs as members and keys",
      );
      const again = (await decodePayload(kept, (wanted) => store.blobs.get(wanted))) as typeof members;
      const textOf = async (part: unknown) => (part instanceof Blob ? part.text() : part);
      equal(
        await Promise.all([...again.set].map(textOf)),
        ["one", null, "two", {}],
        "Blobs that are members of a Set",
      );
      equal(
        await Promise.all([...again.map].flat().map(textOf)),
        ["k1", 1, null, 2, "k2", "v"],
        "Blobs that are keys of a Map",
      );
      const large = encodePayload("y".repeat(100_000), { path: "output", key });
      for (const blob of large.blobs) await store.blobs.put(blob.key, blob.data);
      await commit(store, entryFor(run.id, { stages: [stageOf(run.id, "b", { output: large.payload })] }));
      const found = present(
        (await store.run(run.id))?.stages.find(({ stageId }) => stageId === "b")?.output,
        "the large output",
      );
      equal(
        await decodePayload(found, (wanted) => store.blobs.get(wanted)),
        "y".repeat(100_000),
        "a large value",
      );
    },
  },
]);

export const blobCases: readonly CaseBody[] = group("blobs", [
  {
    name: "are written, replaced, listed by run and removed by attempt",
    async body({ store: { blobs } }) {
      const key = (change: Partial<BlobKey> = {}): BlobKey => ({
        runId: "r/1",
        epoch: 1,
        stageId: "s %",
        attempt: 1,
        name: "b0",
        ...change,
      });
      const text = async (wanted: BlobKey) => (await blobs.get(wanted))?.text() ?? null;
      equal([await text(key()), await blobs.list("r/1")], [null, []], "a blob that isn't there");
      await blobs.put(key(), new Blob(["one"]));
      await blobs.put(key({ attempt: 2 }), new Blob(["two"]));
      await blobs.put(key({ runId: "r" }), new Blob(["another run's"]));
      await blobs.put(key({ name: "b1" }), new Blob([]));
      equal(
        [await text(key()), await text(key({ attempt: 2 })), await text(key({ name: "b1" }))],
        ["one", "two", ""],
        "what was put",
      );
      await blobs.put(key(), new Blob(["replaced"]));
      equal(await text(key()), "replaced", "what was put again");
      const listed = (await blobs.list("r/1")).map(({ attempt, name }) => `${attempt}/${name}`).toSorted();
      equal(listed, ["1/b0", "1/b1", "2/b0"], "the run's blobs");
      await blobs.remove("r/1", { epoch: 2, stageId: "s %", attempt: 1 });
      await blobs.remove("r/1", { epoch: 1, stageId: "s", attempt: 1 });
      equal((await blobs.list("r/1")).length, 3, "after those of attempts without any were removed");
      await blobs.remove("r/1", { epoch: 1, stageId: "s %", attempt: 1 });
      equal(await blobs.list("r/1"), [key({ attempt: 2 })], "after an attempt's were removed");
      await blobs.remove("r/1");
      await blobs.remove("r/1");
      equal(
        [await blobs.list("r/1"), await text(key({ runId: "r" }))],
        [[], "another run's"],
        "after the run's were removed",
      );
    },
  },
  {
    name: "keep many bytes as they are",
    async body({ store: { blobs } }) {
      const bytes = new Uint8Array(3_000_000);
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = (index * 31) % 251;
      const key = { runId: "r", epoch: 1, stageId: "s", attempt: 1, name: "large" };
      await blobs.put(key, new Blob([bytes]));
      const back = present(await blobs.get(key), "the blob");
      const read = new Uint8Array(await back.arrayBuffer());
      const wrong = read.findIndex((byte, index) => byte !== bytes[index]);
      if (read.length !== bytes.length || wrong >= 0)
        throw new ConformanceError("the bytes", bytes.length, [read.length, wrong]);
    },
  },
]);
