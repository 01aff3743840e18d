import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { StageContext } from "../define/context.ts";
import type { StageTask } from "../ports/executor.ts";
import { encodePayload } from "../ports/payload.ts";
import { blobPath } from "../ports/store.ts";
import { bench, type Script, stored } from "./runner.test-helper.ts";

/** What a body finds when it looks; its error's message where it throws. */
async function look<T>(script: Script, find: (ctx: StageContext) => T | Promise<T>): Promise<T> {
  const seen: T[] = [];
  const outcome = await bench({
    ...script,
    execute: async (ctx) => {
      seen.push(await find(ctx));
      return { output: null };
    },
  }).execute().outcome;
  if (outcome.kind === "failed") throw new Error(`${outcome.error.code}: ${outcome.error.message}`);
  return seen[0] as T;
}

const after = (outputs: StageTask["outputs"], more: Partial<StageTask> = {}): Partial<StageTask> => ({
  previous: [...outputs.keys()],
  previousKind: outputs.size === 1 ? "pipe" : "parallel",
  outputs,
  ...more,
});

describe("ctx.input", () => {
  const a = stored({ text: "a" });

  it.each<[string, Partial<StageTask>, unknown]>([
    ["the workflow's input in the first group", {}, { n: 1 }],
    ["the one output after pipe", after(new Map([["a", a]])), { text: "a" }],
    ["undefined after a skipped stage", after(new Map([["a", null]])), undefined],
    [
      "an object after parallel",
      after(
        new Map([
          ["a", a],
          ["b", stored(2)],
        ]),
      ),
      { a: { text: "a" }, b: 2 },
    ],
    [
      "an object without what was skipped",
      after(
        new Map([
          ["a", a],
          ["b", null],
        ]),
      ),
      { a: { text: "a" } },
    ],
    [
      "an object after a parallel group of one",
      after(new Map([["a", a]]), { previousKind: "parallel" }),
      { a: { text: "a" } },
    ],
  ])("is %s", async (_, task, input) => {
    expect(await look({ task }, (ctx) => ctx.input)).toEqual(input);
  });

  it("is undefined with input none, and never parsed", async () => {
    expect(await look({ input: "none" }, (ctx) => ctx.input)).toBeUndefined();
  });

  it("is what the schema makes of it", async () => {
    const input = z.object({ n: z.number() }).transform(({ n }) => n + 1);
    expect(await look({ input }, (ctx) => ctx.input)).toBe(2);
  });
});

describe("ctx.require and ctx.optional", () => {
  const outputs = new Map([
    ["a", stored({ list: [1] })],
    ["b", null],
    ["c", stored("c")],
  ]);
  const task = after(outputs);

  it("give the output of any earlier stage, by id or by stage, where no dependencies are declared", async () => {
    const stage = { id: "c" } as never;
    expect(
      await look({ task }, (ctx) => [
        ctx.require("a"),
        ctx.require(stage),
        ctx.optional("a"),
        ctx.optional(stage),
      ]),
    ).toEqual([{ list: [1] }, "c", { list: [1] }, "c"]);
  });

  it.each([
    ["b", "which was skipped"],
    ["nowhere", "which is not an earlier stage"],
  ])("tell that %s has none: %s", async (id, why) => {
    await expect(look({ task }, (ctx) => ctx.require(id))).rejects.toThrow(
      `MISSING_OUTPUT: stage "stage" requires the output of "${id}", ${why}`,
    );
    expect(await look({ task }, (ctx) => ctx.optional(id))).toBeUndefined();
  });

  it("keep to the declared dependencies, though the input brought others", async () => {
    const dependencies = ["a"];
    expect(await look({ task, dependencies }, (ctx) => ctx.require("a"))).toEqual({ list: [1] });
    expect(await look({ task, dependencies }, (ctx) => ctx.optional("c"))).toBeUndefined();
    await expect(look({ task, dependencies }, (ctx) => ctx.require("c"))).rejects.toThrow(
      "which is not among its dependencies (a)",
    );
    await expect(look({ task, dependencies: [] }, (ctx) => ctx.require("a"))).rejects.toThrow(
      "which is not among its dependencies (it has none)",
    );
  });

  it("give a copy that is the body's own, and the same one each time", async () => {
    expect(
      await look({ task }, (ctx) => {
        const own = ctx.require("a") as { list: number[] };
        own.list.push(2);
        return [ctx.require("a"), (ctx.input as { a: unknown }).a];
      }),
    ).toEqual([{ list: [1, 2] }, { list: [1] }]);
    expect(outputs.get("a")).toMatchObject({ value: { list: [1] } });
  });

  it("have what stands in the blob store at once", async () => {
    const text = "x".repeat(100_000);
    const file = new File(["hello"], "a.txt");
    const key = (name: string) => ({ runId: "r", epoch: 1, stageId: "a", attempt: 1, name });
    const { payload, blobs } = encodePayload({ text, file }, { path: "output", key });
    const { execute, observer } = bench({
      task: after(new Map([["a", payload]])),
      execute: async (ctx) => {
        const given = ctx.require("a") as { text: string; file: File };
        return { output: [given.text.length, given.file.name, await given.file.text(), ctx.input === given] };
      },
    });
    for (const { key, data } of blobs) observer.blobs.set(blobPath(key), { key, data });
    expect(await execute().outcome).toMatchObject({ value: [100_000, "a.txt", "hello", false] });
  });
});

describe("a resumed body's context", () => {
  const state = stored({ state: { ticket: 7 }, pollInterval: 50 });
  const find = (ctx: StageContext): unknown => [ctx.resumeState, ctx.resumedBy];

  it.each([
    [{ kind: "timer" } as const, { kind: "timer" }],
    [{ kind: "check" } as const, { kind: "check" }],
    [
      { kind: "signal", name: "paid", payload: stored({ sum: 3 }) } as const,
      { kind: "signal", name: "paid", payload: { sum: 3 } },
    ],
  ])("tells its state and what woke it: %j", async (wake, resumedBy) => {
    expect(await look({ task: { resume: { state, wake } } }, find)).toEqual([{ ticket: 7 }, resumedBy]);
  });
});

describe("a context", () => {
  it("can be taken apart and spread", async () => {
    const { execute, observer } = bench({
      execute: async (ctx) => {
        const { log, onProgress, annotate, require: need, optional, storage, signal } = ctx;
        log("INFO", "hello");
        onProgress({ progress: 1 });
        annotate("a", 1);
        await storage.put("x", "y");
        expect(() => need("z")).toThrow();
        const spread = { ...ctx };
        return { output: [optional("z"), signal === spread.signal, spread.runId] };
      },
    });
    expect(await execute().outcome).toMatchObject({ value: [undefined, true, "r"], events: [{}, {}] });
    expect(observer.lines).toHaveLength(1);
  });
});

function nested(depth: number): unknown {
  return Array.from({ length: depth }).reduce<unknown>((inner) => [inner], "bottom");
}

describe("ctx.annotate", () => {
  it("becomes events in order with the progress, committed however the attempt ends", async () => {
    const { execute } = bench({
      execute: (ctx) => {
        ctx.annotate("first", { at: new Date(5) });
        ctx.onProgress({ progress: 0.5 });
        ctx.annotate("second", undefined);
        throw new Error("but noted");
      },
    });
    const outcome = await execute().outcome;
    expect(outcome).toMatchObject({ kind: "failed" });
    expect(outcome.events).toEqual([
      {
        type: "annotation:created",
        payload: { stageId: "stage", attempt: 1, name: "first", value: { at: new Date(5) } },
      },
      {
        type: "stage:progress",
        payload: { stageId: "stage", epoch: 1, attempt: 1, progress: 0.5, at: 1_000_000 },
      },
      {
        type: "annotation:created",
        payload: { stageId: "stage", attempt: 1, name: "second", value: undefined },
      },
    ]);
  });

  it.each<[string, (ctx: StageContext) => void, string]>([
    ["a name that is none", (ctx) => ctx.annotate("", 1), "INVALID_OPTION"],
    ["a function", (ctx) => ctx.annotate("a", { f: () => 1 }), "INVALID_PAYLOAD: annotation.f is a function"],
    ["a Blob", (ctx) => ctx.annotate("a", { b: new Blob([]) }), "INVALID_PAYLOAD: annotation.b is a Blob"],
    ["what is larger than 64 kB", (ctx) => ctx.annotate("a", "x".repeat(66_000)), "TOO_LARGE: annotation is"],
    [
      "what is nested too deep for an event",
      (ctx) => ctx.annotate("a", nested(481)),
      "INVALID_PAYLOAD: annotation is nested deeper than 480",
    ],
    [
      "one too many",
      (ctx) => {
        for (let n = 0; n <= 1000; n += 1) ctx.annotate("a", n);
      },
      "TOO_LARGE",
    ],
  ])("refuses %s", async (_, act, message) => {
    await expect(look({}, act)).rejects.toThrow(message);
  });
});

describe("ctx.storage", () => {
  const own = { runId: "r", stageId: "stage", epoch: 1, attempt: 2 };
  const blobs = [
    { ...own, attempt: 1, name: "artifact.old" },
    { ...own, attempt: 1, name: "artifact.both" },
    { ...own, attempt: 2, name: "artifact.both" },
    { ...own, attempt: 2, name: "output.b0" },
    { ...own, attempt: 3, name: "artifact.both" },
    { ...own, epoch: 0, name: "artifact.earlier-epoch" },
    { ...own, stageId: "a", epoch: 1, attempt: 9, name: "artifact.report" },
    { ...own, stageId: "a", epoch: 2, attempt: 1, name: "artifact.report" },
    { ...own, stageId: "a", epoch: 0, attempt: 4, name: "artifact.draft" },
  ];

  const withBlobs = async <T>(find: (ctx: StageContext) => Promise<T>): Promise<T> => {
    const seen: T[] = [];
    const { execute, observer } = bench({
      task: { attempt: 2 },
      execute: async (ctx) => {
        seen.push(await find(ctx));
        return { output: null };
      },
    });
    for (const key of blobs) {
      observer.blobs.set(blobPath(key), { key, data: new Blob([`${key.epoch}/${key.attempt}`]) });
    }
    const outcome = await execute().outcome;
    if (outcome.kind !== "completed") throw new Error(JSON.stringify(outcome));
    return seen[0] as T;
  };

  it("keeps texts, bytes and Blobs under the attempt's own key", async () => {
    const { execute, observer } = bench({
      task: { attempt: 2, epoch: 3 },
      execute: async ({ storage }) => {
        await storage.put("text", "words");
        await storage.put("bytes", Uint8Array.from([1, 2]).subarray(1));
        await storage.put("blob", new Blob(["blob"], { type: "x/y" }));
        return { output: null };
      },
    });
    await execute().outcome;
    const kept = [...observer.blobs.values()];
    expect(kept.map(({ key }) => key)).toEqual(
      ["text", "bytes", "blob"].map((name) => ({
        runId: "r",
        epoch: 3,
        stageId: "stage",
        attempt: 2,
        name: `artifact.${name}`,
      })),
    );
    expect(await Promise.all(kept.map(({ data }) => data.text()))).toEqual(["words", "\u0002", "blob"]);
    expect(kept[2]?.data.type).toBe("x/y");
  });

  it.each<[string, string | undefined, string | null]>([
    ["both", undefined, "1/2"],
    ["old", undefined, "1/1"],
    ["earlier-epoch", undefined, null],
    ["nothing", undefined, null],
    ["report", "a", "1/9"],
    ["draft", "a", "0/4"],
    ["old", "a", null],
    ["both", "stage", "1/2"],
  ])("finds %s of %s: %s", async (name, stage, content) => {
    const blob = await withBlobs(({ storage }) => storage.get(name, { stage }));
    expect(blob === null ? null : await blob.text()).toBe(content);
  });

  it("lists what it would find", async () => {
    expect(await withBlobs(({ storage }) => storage.list())).toEqual(["both", "old"]);
    expect(await withBlobs(({ storage }) => storage.list({ stage: "a" }))).toEqual(["draft", "report"]);
    expect(await withBlobs(({ storage }) => storage.list({ stage: { id: "a" } as never }))).toEqual([
      "draft",
      "report",
    ]);
  });

  it.each<[string, (ctx: StageContext) => Promise<unknown>, string]>([
    ["a name that is none", ({ storage }) => storage.put("", "x"), "ctx.storage.put: name must be"],
    ["half a surrogate pair", ({ storage }) => storage.put("\ud800", "x"), "without lone surrogates"],
    ["data that is none", ({ storage }) => storage.put("a", 5 as never), "ctx.storage.put: data must be"],
    ["a name that is no text", ({ storage }) => storage.get(5 as never), "ctx.storage.get: name must be"],
  ])("refuses %s", async (_, act, message) => {
    await expect(look({}, act)).rejects.toThrow(message);
  });

  it("takes nothing from a body that was told to stop", async () => {
    let put: Promise<void> | undefined;
    const { execute, observer } = bench({
      execute: (ctx) => {
        ctx.signal.addEventListener("abort", () => {
          put = ctx.storage.put("late", "x");
        });
        return new Promise(() => undefined);
      },
    });
    const execution = execute();
    execution.abort("lease-lost");
    await execution.outcome;
    await expect(put).rejects.toThrow("lease-lost");
    expect(observer.blobs.size).toBe(0);
  });
});
