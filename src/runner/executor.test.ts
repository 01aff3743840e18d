import { describe, expect, it } from "vitest";
import * as z from "zod";
import { MissingOutputError, NonRetryableError } from "../errors.ts";
import type { StageOutcome } from "../ports/executor.ts";
import { decodePayload } from "../ports/payload.ts";
import { bench, deferred, type Script, stored } from "./runner.test-helper.ts";

const run = (script: Script): Promise<StageOutcome> => bench(script).execute().outcome;

describe("an execution", () => {
  it("gives the parsed output, as a payload and as a value", async () => {
    const outcome = await run({
      input: z.object({ n: z.number() }),
      output: z.object({ m: z.number().transform((m) => m * 10) }),
      execute: ({ input }) => ({ output: { m: (input as { n: number }).n + 1, stray: true } }),
    });
    expect(outcome).toEqual({
      kind: "completed",
      output: { kind: "value", value: { m: 20 } },
      value: { m: 20 },
      events: [],
      blobs: [],
    });
  });

  it("gives a body what it needs to know", async () => {
    let seen: unknown;
    await run({
      task: { attempt: 3, epoch: 2, idempotencyKey: "k" },
      execute: (ctx) => {
        const { input, config, runId, stageId, attempt, idempotencyKey, resumeState, resumedBy } = ctx;
        seen = { input, config, runId, stageId, attempt, idempotencyKey, resumeState, resumedBy };
        return { output: null };
      },
    });
    expect(seen).toEqual({
      input: { n: 1 },
      config: {},
      runId: "r",
      stageId: "stage",
      attempt: 3,
      idempotencyKey: "k",
      resumeState: undefined,
      resumedBy: undefined,
    });
  });

  it("skips with a reason", async () => {
    expect(await run({ execute: () => ({ skipped: true, reason: "nothing to do" }) })).toMatchObject({
      kind: "skipped",
      reason: "nothing to do",
    });
    expect(await run({ execute: () => ({ skipped: true }) })).toMatchObject({
      kind: "skipped",
      reason: null,
    });
  });

  it("keeps a body from changing what is stored, and from being changed by it", async () => {
    const input = stored({ list: [1] });
    const output = { list: [1] };
    const outcome = await run({
      task: { input },
      execute: (ctx) => {
        (ctx.input as { list: number[] }).list.push(2);
        return { output };
      },
    });
    output.list.push(2);
    expect(input).toMatchObject({ value: { list: [1] } });
    expect(outcome).toMatchObject({ output: { value: { list: [1] } } });
  });

  it.each(["input", "output", "config"] as const)(
    "fails for good when its %s doesn't fit, and says where",
    async (what) => {
      let called = 0;
      const outcome = await run({
        [what]: z.object({ deep: z.array(z.object({ n: z.string() })) }),
        task: { input: stored({ deep: [{ n: 1 }] }), config: stored({ stage: { deep: [{ n: 1 }] } }) },
        execute: () => {
          called += 1;
          return { output: { deep: [{ n: 1 }] } };
        },
      });
      expect(outcome).toMatchObject({
        kind: "failed",
        retryable: false,
        error: { code: `INVALID_STAGE_${what.toUpperCase()}`, issues: [{ path: "deep[0].n" }] },
      });
      expect(called).toBe(what === "output" ? 1 : 0);
    },
  );

  it("waits for schemas that are asynchronous, and calls their functions once more at most", async () => {
    let calls = 0;
    const input = z.object({
      n: z.number().refine(async (n) => {
        calls += 1;
        await Promise.resolve();
        return n > 0;
      }),
    });
    expect(await run({ input })).toMatchObject({ kind: "completed" });
    expect(calls).toBeLessThanOrEqual(2);
    const before = calls;
    expect(await run({ input, task: { input: stored({ n: -1 }) } })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_STAGE_INPUT", issues: [{ path: "n" }] },
    });
    expect(calls - before, "once known to be asynchronous").toBe(1);
  });

  it("tries again what a schema's own code threw", async () => {
    const output = z.string().transform(() => {
      throw new Error("no connection");
    });
    expect(await run({ output, execute: () => ({ output: "x" }) })).toMatchObject({
      kind: "failed",
      retryable: true,
      error: { message: "no connection" },
    });
  });

  it("fills in a newer schema's defaults where the run has no config for it", async () => {
    let seen: unknown;
    const execute: Script["execute"] = (ctx) => {
      seen = ctx.config;
      return { output: null };
    };
    await run({ config: z.object({ size: z.number().default(3) }), execute });
    expect(seen).toEqual({ size: 3 });
    await run({
      config: z.object({ size: z.number().default(3) }),
      task: { config: stored({ stage: { size: 9 } }) },
      execute,
    });
    expect(seen).toEqual({ size: 9 });
  });

  it("takes the config that a caller gives for one execution, parsed like any other", async () => {
    const config = z.object({ size: z.number() });
    const task = { config: stored({ stage: { size: 1 } }), ownConfig: { value: { size: "big" } } };
    expect(await run({ config, task })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_STAGE_CONFIG" },
    });
    expect(await run({ task: { ownConfig: { value: { size: 1 } } } }), "without a schema").toMatchObject({
      kind: "failed",
      error: { code: "INVALID_STAGE_CONFIG" },
    });
  });

  it.each([
    [
      "an error",
      new TypeError("broken"),
      { name: "TypeError", code: "STAGE_ERROR", message: "broken" },
      true,
    ],
    ["an error with a code", Object.assign(new Error("gone"), { code: "EGONE" }), { code: "EGONE" }, true],
    [
      "NonRetryableError",
      new NonRetryableError("hopeless"),
      { code: "NON_RETRYABLE", message: "hopeless" },
      false,
    ],
    ["an error that says so", Object.assign(new Error("no"), { retryable: false }), { message: "no" }, false],
    ["a text", "just words", { name: "Error", code: "STAGE_ERROR", message: "just words" }, true],
    ["nothing", undefined, { name: "Error", message: "undefined" }, true],
    ["a promise's rejection with an object", { reason: 1 }, { name: "Error", message: "an object" }, true],
    [
      "a missing output",
      new MissingOutputError("stage", "x", "which was skipped"),
      { code: "MISSING_OUTPUT" },
      false,
    ],
  ])("turns %s that a body throws into data", async (_, error, record, retryable) => {
    const thrown = await run({
      execute: () => {
        throw error;
      },
    });
    expect(thrown).toMatchObject({ kind: "failed", retryable, error: record });
    const rejected = await run({ execute: () => Promise.reject(error) });
    expect(rejected).toMatchObject({ kind: "failed", retryable, error: record });
  });

  it("survives an error that can't be read, and cuts one that is huge", async () => {
    const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
    revoke();
    expect(await run({ execute: () => Promise.reject(proxy) })).toMatchObject({
      kind: "failed",
      error: { name: "Error" },
    });
    const outcome = await run({ execute: () => Promise.reject(new Error("x".repeat(1_000_000))) });
    expect(outcome.kind === "failed" && outcome.error.message.length).toBeLessThan(11_000);
    expect(outcome.kind === "failed" && (outcome.error.stack ?? "").length).toBeLessThan(11_000);
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["done", '"done"'],
    [{}, "an empty object"],
    [{ result: 1 }, "an object with result"],
    [{ skipped: false }, "an object with skipped"],
    [{ output: 1, skipped: true }, "an object with output, skipped"],
    [{ suspended: true, skipped: true }, "an object with suspended, skipped"],
  ])("refuses %j as a result", async (returned, shown) => {
    expect(await run({ execute: () => returned as never })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_DEFINITION", message: expect.stringContaining(`got ${shown}`) },
    });
  });

  it("takes undefined for an output that its schema allows", async () => {
    expect(await run({ execute: () => ({ output: undefined }) })).toMatchObject({
      kind: "completed",
      value: undefined,
    });
  });

  it("fails for good when the output can't be carried, and names the part", async () => {
    expect(await run({ execute: () => ({ output: { items: [{ cb: () => 1 }] } }) })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_PAYLOAD", message: expect.stringContaining("output.items[0].cb") },
    });
  });

  it("takes Blobs and large values out under the attempt's own keys", async () => {
    const text = "x".repeat(100_000);
    const file = new File(["hello"], "hello.txt", { type: "text/plain" });
    const outcome = await run({
      task: { attempt: 4, epoch: 2 },
      execute: () => ({ output: { file, text } }),
    });
    if (outcome.kind !== "completed") throw new Error(outcome.kind);
    const own = { runId: "r", epoch: 2, stageId: "stage", attempt: 4 };
    expect(outcome.blobs.map(({ key }) => key)).toEqual([
      { ...own, name: "output.b0" },
      { ...own, name: "output.value" },
    ]);
    const blobs = new Map(outcome.blobs.map(({ key, data }) => [key.name, data]));
    const value = (await decodePayload(outcome.output, async ({ name }) => blobs.get(name) ?? null)) as {
      file: File;
      text: string;
    };
    expect([value.text, value.file.name, await value.file.text()]).toEqual([text, "hello.txt", "hello"]);
  });

  it("fails for good without code for the stage", async () => {
    const here = bench({});
    const { execute } = bench({ task: { workflowId: "other" } });
    expect(await execute().outcome).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "UNKNOWN_WORKFLOW" },
    });
    const stage = { ...here.task.stage, id: "gone" };
    expect(await bench({ task: { stage } }).execute().outcome).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "UNKNOWN_STAGE" },
    });
    expect(await bench({ task: { stage } }).check().outcome).toMatchObject({
      kind: "failed",
      retryable: false,
    });
  });

  it("needs no timer where nothing asks for one", async () => {
    const body = deferred();
    const { execute, clock } = bench({
      execute: async () => {
        await body.promise;
        return { output: 1 };
      },
    });
    const { outcome } = execute();
    await clock.settle();
    expect(clock.pending).toBe(0);
    body.resolve();
    expect(await outcome).toMatchObject({ kind: "completed" });
  });
});
