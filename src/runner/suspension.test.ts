import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { StageResult } from "../define/stage.ts";
import { NonRetryableError } from "../errors.ts";
import type { CheckOutcome, StageTask } from "../ports/executor.ts";
import { bench, type Script, stored } from "./runner.test-helper.ts";

type Suspension = Omit<Extract<StageResult, { suspended: true }>, "suspended">;

const suspend = (result: Partial<Suspension>, checks = false) =>
  bench({
    execute: () => ({ suspended: true, state: { ticket: 1 }, ...result }),
    ...(checks ? { checkCompletion: () => ({ ready: false }) } : {}),
  }).execute().outcome;

describe("a body that suspends", () => {
  it.each<[string, Partial<Suspension>, boolean, object]>([
    ["until a signal", { signal: "paid" }, false, { signal: "paid", dueIn: null, maxWaitIn: null }],
    [
      "for a while",
      { pollConfig: { pollInterval: 250.2 } },
      false,
      { signal: null, dueIn: 251, maxWaitIn: null },
    ],
    ["until an instant", { pollConfig: { nextPollAt: new Date(1_000_300) } }, false, { dueIn: 300 }],
    ["until an instant that is over", { pollConfig: { nextPollAt: new Date(5) } }, false, { dueIn: 0 }],
    [
      "until an instant, then in intervals",
      { pollConfig: { nextPollAt: new Date(1_000_300), pollInterval: 9 } },
      true,
      { dueIn: 300 },
    ],
    ["until its check says so", {}, true, { signal: null, dueIn: 5000, maxWaitIn: null }],
    ["until a signal or its check", { signal: "paid" }, true, { signal: "paid", dueIn: 5000 }],
    [
      "not for ever",
      { signal: "paid", pollConfig: { maxWaitTime: 900 } },
      false,
      { signal: "paid", dueIn: null, maxWaitIn: 900 },
    ],
  ])("waits %s", async (_, result, checks, schedule) => {
    const outcome = await suspend(result, checks);
    expect(outcome).toMatchObject({ kind: "suspended", events: [], blobs: [], ...schedule });
    expect(outcome).not.toHaveProperty("pollInterval");
  });

  it.each<[string, Partial<Suspension>, string]>([
    ["nothing to wait for", {}, "nothing that could resume it"],
    ["only a deadline", { pollConfig: { maxWaitTime: 5 } }, "nothing that could resume it"],
    ["no interval", { pollConfig: { pollInterval: 0 } }, "a pollInterval of 0"],
    [
      "an endless interval",
      { pollConfig: { pollInterval: Number.POSITIVE_INFINITY } },
      "a pollInterval of Infinity",
    ],
    ["a deadline before now", { signal: "s", pollConfig: { maxWaitTime: -1 } }, "a maxWaitTime of -1"],
    ["an instant that is none", { pollConfig: { nextPollAt: new Date(Number.NaN) } }, "a nextPollAt"],
    ["an instant that is a number", { pollConfig: { nextPollAt: 5 as never } }, "a nextPollAt that is 5"],
    ["a signal without a name", { signal: "" }, "a signal named"],
    ["a pollConfig that is none", { pollConfig: 5 as never }, "a pollConfig that is 5"],
  ])("fails for good with %s", async (_, result, message) => {
    expect(await suspend(result)).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_SUSPENSION", message: expect.stringContaining(message) },
    });
  });

  it("fails for good with a state that can't be carried", async () => {
    expect(await suspend({ signal: "s", state: { f: () => 1 } })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_PAYLOAD", message: expect.stringContaining("suspended.state.f") },
    });
  });

  it("finds its state again, Blobs included, in the check and when it is resumed", async () => {
    const outcome = await suspend(
      { state: { blob: new Blob(["kept"]) }, pollConfig: { pollInterval: 70 } },
      true,
    );
    if (outcome.kind !== "suspended") throw new Error(outcome.kind);
    const blobs = new Map(outcome.blobs.map(({ key, data }) => [key.name, data]));
    const seen: unknown[] = [];
    const look = async (state: unknown): Promise<void> => {
      seen.push(await (state as { blob: Blob }).blob.text());
    };
    const resumed: Script = {
      task: { resume: { state: outcome.state, wake: { kind: "timer" } } },
      execute: async (ctx) => {
        await look(ctx.resumeState);
        return { output: null };
      },
      checkCompletion: async (state, ctx) => {
        await look(state);
        await look(ctx.resumeState);
        return { ready: false };
      },
    };
    for (const method of ["execute", "check"] as const) {
      const stage = bench(resumed);
      stage.observer.readBlob = async ({ name }) => blobs.get(name) ?? null;
      const { kind, checkIn } = (await stage[method]().outcome) as { kind: string; checkIn?: number };
      expect([kind, checkIn]).toEqual(method === "check" ? ["waiting", 70] : ["completed", undefined]);
    }
    expect(seen).toEqual(["kept", "kept", "kept"]);
  });
});

describe("a completion check", () => {
  const resume: StageTask["resume"] = {
    state: stored({ state: { ticket: 1 }, pollInterval: 70 }),
    wake: { kind: "timer" },
  };
  const check = (answer: () => unknown, script: Script = {}): Promise<CheckOutcome> =>
    bench({ ...script, checkCompletion: answer as never, task: { resume, ...script.task } }).check().outcome;

  it("asks again at the interval that the body named, or when the check says", async () => {
    expect(await check(() => ({ ready: false }))).toEqual({ kind: "waiting", checkIn: 70 });
    expect(await check(() => ({ ready: false, nextCheckIn: 9 }))).toEqual({ kind: "waiting", checkIn: 9 });
    const without = { task: { resume: { ...resume, state: stored({ state: 1 }) } } };
    expect(await check(() => ({ ready: false }), without)).toEqual({ kind: "waiting", checkIn: 5000 });
  });

  it("resumes the body, or completes the stage with an output that fits", async () => {
    expect(await check(() => ({ ready: true }))).toEqual({ kind: "ready", output: null });
    const output = z.object({ n: z.number() });
    expect(await check(() => ({ ready: true, output: { n: 1, stray: 2 } }), { output })).toEqual({
      kind: "ready",
      output: { payload: { kind: "value", value: { n: 1 } }, blobs: [] },
    });
    expect(await check(() => ({ ready: true, output: { n: "1" } }), { output })).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_STAGE_OUTPUT", issues: [{ path: "n" }] },
    });
    expect(await check(() => ({ ready: true, output: () => 1 }))).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_PAYLOAD" },
    });
  });

  it("keeps the blobs of two checks of one attempt apart", async () => {
    const keys: string[] = [];
    for (const token of [7, 9]) {
      const outcome = await check(() => ({ ready: true, output: new Blob(["x"]) }), {
        task: { token, resume },
      });
      if (outcome.kind === "ready") keys.push(...(outcome.output?.blobs ?? []).map(({ key }) => key.name));
    }
    expect(new Set(keys).size).toBe(2);
  });

  it("fails with the check's own message, or with what it threw", async () => {
    expect(await check(() => ({ ready: false, error: "was refused" }))).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { message: "was refused" },
    });
    expect(
      await check(() => {
        throw new Error("no connection");
      }),
    ).toMatchObject({ kind: "failed", retryable: true, error: { message: "no connection" } });
    expect(await check(() => Promise.reject(new NonRetryableError("gone")))).toMatchObject({
      retryable: false,
    });
  });

  it.each([undefined, true, {}, { ready: 1 }, { ready: false, nextCheckIn: -1 }, { ready: false, error: 5 }])(
    "refuses %j as an answer",
    async (answer) => {
      expect(await check(() => answer)).toMatchObject({
        kind: "failed",
        retryable: false,
        error: { code: "INVALID_DEFINITION" },
      });
    },
  );

  it("ends after a minute, or after the stage's own timeout", async () => {
    for (const [timeoutMs, expected] of [
      [undefined, 60_000],
      [100, 100],
    ] as const) {
      const stage = bench({
        checkCompletion: () => new Promise(() => undefined),
        task: { resume },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      const { outcome } = stage.check();
      await stage.clock.advance(expected);
      expect(await outcome).toMatchObject({
        kind: "failed",
        retryable: true,
        error: { code: "STAGE_TIMEOUT" },
      });
    }
  });

  it("is told to stop like a body", async () => {
    const stage = bench({ checkCompletion: () => new Promise(() => undefined), task: { resume } });
    const checking = stage.check();
    checking.abort("draining");
    expect(await checking.outcome).toEqual({ kind: "aborted", reason: "draining" });
  });

  it("fails for good where the code has none any more, and where it annotates", async () => {
    expect(await bench({ task: { resume } }).check().outcome).toMatchObject({
      kind: "failed",
      retryable: false,
      error: { code: "INVALID_DEFINITION" },
    });
    const annotates = bench({
      task: { resume },
      checkCompletion: (_, ctx) => {
        ctx.annotate("n", 1);
        return { ready: false };
      },
    });
    expect(await annotates.check().outcome).toMatchObject({
      kind: "failed",
      error: { code: "INVALID_OPTION" },
    });
  });
});
