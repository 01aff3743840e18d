import { describe, expect, it } from "vitest";
import * as z from "zod";
import { StageAbortedError, StageTimeoutError } from "../errors.ts";
import type { AbortReason } from "../ports/executor.ts";
import { bench, deferred, stored } from "./runner.test-helper.ts";

describe("an attempt that takes too long", () => {
  it("fails at once, may be tried again, and its signal says why", async () => {
    let signal: AbortSignal | undefined;
    const { execute, clock, observer } = bench({
      timeoutMs: 1000,
      execute: (ctx) => {
        signal = ctx.signal;
        ctx.log("INFO", "begun");
        return new Promise(() => undefined);
      },
    });
    const { outcome } = execute();
    await clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await outcome).toMatchObject({
      kind: "failed",
      retryable: true,
      error: { code: "STAGE_TIMEOUT" },
    });
    expect(signal?.reason).toBeInstanceOf(StageTimeoutError);
    expect(observer.lines).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("is over only when its code has come to its end", async () => {
    const body = deferred<{ output: unknown }>();
    const { execute, clock } = bench({ timeoutMs: 1000, execute: () => body.promise });
    const { outcome, over } = execute();
    let isOver = false;
    void over?.then(() => (isOver = true));
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ kind: "failed" });
    await clock.settle();
    expect(isOver).toBe(false);
    body.resolve({ output: 1 });
    await clock.settle();
    expect(isOver).toBe(true);
  });

  it("is not one that ends in time: its timer goes", async () => {
    const { execute, clock } = bench({ timeoutMs: 1000 });
    expect(await execute().outcome).toMatchObject({ kind: "completed" });
    expect(clock.pending).toBe(0);
  });

  it("may spend the time before its body: reading its input counts", async () => {
    const { execute, clock, observer, task } = bench({
      timeoutMs: 1000,
      task: { input: stored("x".repeat(100_000)) },
    });
    observer.readBlob = () => new Promise(() => undefined);
    expect(task.input.kind).toBe("blob");
    const { outcome } = execute();
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ kind: "failed", error: { code: "STAGE_TIMEOUT" } });
  });
});

describe("an attempt that is told to stop", () => {
  it.each<AbortReason>(["cancelled", "lease-lost", "draining"])(
    "is over at once when %s, whatever its body still does",
    async (reason) => {
      const body = deferred<{ output: number }>();
      let signal: AbortSignal | undefined;
      let told = 0;
      const { execute, clock, observer } = bench({
        execute: async (ctx) => {
          signal = ctx.signal;
          signal.addEventListener("abort", () => {
            told += 1;
          });
          const result = await body.promise;
          ctx.log("INFO", "too late");
          ctx.onProgress({ progress: 1 });
          ctx.annotate("late", true);
          return result;
        },
      });
      const execution = execute();
      await clock.settle();
      execution.abort(reason);
      execution.abort("draining");
      expect(await execution.outcome).toEqual({ kind: "aborted", reason, events: [], blobs: [] });
      expect(told).toBe(1);
      expect(signal?.reason).toBeInstanceOf(StageAbortedError);
      expect(signal?.reason).toMatchObject({ reason });
      body.resolve({ output: 1 });
      await clock.settle();
      expect(observer.lines).toEqual([]);
      expect(observer.reports).toEqual([]);
    },
  );

  it("doesn't leave a late rejection unhandled", async () => {
    const body = deferred<never>();
    const { execute, clock } = bench({ execute: () => body.promise });
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const execution = execute();
    await clock.settle();
    execution.abort("cancelled");
    await execution.outcome;
    body.reject(new Error("late"));
    await clock.settle();
    await clock.settle();
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it("never begins its body when it was told while its input was read", async () => {
    const reading = deferred<Blob | null>();
    let called = 0;
    const { execute, observer, clock } = bench({
      task: { input: stored("x".repeat(100_000)) },
      execute: () => {
        called += 1;
        return { output: null };
      },
    });
    observer.readBlob = () => reading.promise;
    const execution = execute();
    await clock.settle();
    execution.abort("cancelled");
    expect(await execution.outcome).toMatchObject({ kind: "aborted", reason: "cancelled" });
    reading.resolve(new Blob(['["late"]']));
    await clock.settle();
    expect(called).toBe(0);
  });

  it("appends its last lines first, but doesn't wait for ever for them", async () => {
    const { execute, clock, observer } = bench({
      execute: (ctx) => {
        ctx.log("INFO", "one");
        return new Promise(() => undefined);
      },
    });
    observer.onLogs = () => new Promise(() => undefined);
    const execution = execute();
    execution.abort("draining");
    let outcome: unknown;
    void execution.outcome.then((value) => {
      outcome = value;
    });
    await clock.advance(999);
    expect(outcome).toBeUndefined();
    await clock.advance(1);
    expect(outcome).toMatchObject({ kind: "aborted" });
  });

  it("gives a signal that is aborted already to a body that asks late", async () => {
    const body = deferred();
    let late: AbortSignal | undefined;
    const { execute, clock } = bench({
      execute: async (ctx) => {
        await body.promise;
        late = ctx.signal;
        return { output: null };
      },
    });
    const execution = execute();
    execution.abort("cancelled");
    await execution.outcome;
    body.resolve();
    await clock.settle();
    expect(late?.aborted).toBe(true);
  });
});

describe("what an attempt reads", () => {
  it("is nobody's failure when the blob store is out of reach", async () => {
    const { execute, observer } = bench({ task: { input: stored("x".repeat(100_000)) } });
    observer.readBlob = () => Promise.reject(new Error("no connection"));
    await expect(execute().outcome).rejects.toThrow("no connection");
  });

  it("is a failure that may pass when a blob is missing", async () => {
    const { execute } = bench({ task: { input: stored("x".repeat(100_000)) } });
    expect(await execute().outcome).toMatchObject({
      kind: "failed",
      retryable: true,
      error: { code: "BLOB_MISSING" },
    });
  });

  it("is read once for all stages of a run, where the config of all of them is large", async () => {
    const config = stored({ stage: { size: 5 }, other: "x".repeat(100_000) });
    const seen: unknown[] = [];
    let reads = 0;
    const data = new Blob([JSON.stringify([{ stage: 1, other: 3 }, { size: 2 }, 5, "x"])]);
    for (let round = 0; round < 3; round += 1) {
      const { execute, observer } = bench({
        config: z.object({ size: z.number() }).loose(),
        task: { config },
        execute: (ctx) => {
          const own = ctx.config as { size: number; mark?: boolean };
          seen.push({ ...own });
          own.mark = true;
          return { output: null };
        },
      });
      observer.readBlob = async () => {
        reads += 1;
        return data;
      };
      expect(await execute().outcome).toMatchObject({ kind: "completed" });
    }
    expect(reads).toBe(1);
    expect(seen).toEqual([{ size: 5 }, { size: 5 }, { size: 5 }]);
  });
});
