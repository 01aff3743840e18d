import { describe, expect, it } from "vitest";
import type { StageContext } from "../define/context.ts";
import { copyValue } from "../ports/copy.ts";
import { MAX_JOURNALED, Spread } from "./progress.ts";
import { bench, deferred } from "./runner.test-helper.ts";

function reporter() {
  const end = deferred();
  let ctx: StageContext | undefined;
  const stage = bench({
    execute: async (given) => {
      ctx = given;
      await end.promise;
      return { output: null };
    },
  });
  const execution = stage.execute();
  return {
    ...stage,
    ...execution,
    outcome: execution.outcome,
    abort: execution.abort.bind(execution),
    end,
    ctx: () => ctx as StageContext,
  };
}

describe("Spread", () => {
  it.each([0, 1, 2, 99, 100, 101, 150, 199, 200, 1000, 12_345])(
    "keeps at most 100 of %d, evenly, with the first and the last",
    (count) => {
      const spread = new Spread<number>(100);
      for (let n = 0; n < count; n += 1) spread.add(n);
      const items = spread.items();
      expect(items.length).toBeLessThanOrEqual(100);
      expect(items.length).toBeGreaterThanOrEqual(Math.min(count, 50));
      expect([items[0], items.at(-1)]).toEqual(count === 0 ? [undefined, undefined] : [0, count - 1]);
      const gaps = items.slice(1, -1).map((item, index) => item - (items[index] ?? 0));
      expect(new Set(gaps).size, "one distance throughout").toBeLessThanOrEqual(1);
    },
  );
});

describe("ctx.onProgress", () => {
  it("tells observers at once, then at most every 50 ms, and the last in any case", async () => {
    const { ctx, clock, observer, end, outcome } = reporter();
    ctx().onProgress({ progress: 0.1 });
    expect(observer.reports).toEqual([{ progress: 0.1 }]);
    for (let n = 2; n < 5; n += 1) ctx().onProgress({ progress: n / 10 });
    await clock.advance(49);
    expect(observer.reports).toHaveLength(1);
    await clock.advance(1);
    expect(observer.reports).toEqual([{ progress: 0.1 }, { progress: 0.4 }]);
    ctx().onProgress({ progress: 0.9, message: "nearly", details: { left: 1 } });
    end.resolve();
    await outcome;
    expect(observer.reports.at(-1)).toEqual({ progress: 0.9, message: "nearly", details: { left: 1 } });
    expect(clock.pending).toBe(0);
  });

  it.each([480, 481, 499, 500, 501, 5000])(
    "takes details that are nested %d deep, so that the journal takes them too",
    async (depth) => {
      const details = Array.from({ length: depth }).reduce<unknown>((inner) => [inner], "bottom");
      const { execute, observer } = bench({
        execute: (ctx) => {
          ctx.onProgress({ progress: 0.5, details });
          ctx.log("INFO", "deep", details);
          return { output: 1 };
        },
      });
      const outcome = await execute().outcome;
      expect(outcome.kind).toBe("completed");
      // As a store holds them: in an entry, in a batch, each in a list.
      expect(() => copyValue([{ events: outcome.events }])).not.toThrow();
      expect(() => copyValue([{ batches: observer.batches }])).not.toThrow();
    },
  );

  it("journals all reports of an attempt that makes few", async () => {
    const { ctx, clock, end, outcome } = reporter();
    ctx().onProgress({ progress: 0 });
    await clock.advance(7);
    ctx().onProgress({ progress: 1, message: "done" });
    end.resolve();
    const at = 1_000_000;
    const own = { stageId: "stage", epoch: 1, attempt: 1 };
    expect((await outcome).events).toEqual([
      { type: "stage:progress", payload: { ...own, progress: 0, at } },
      { type: "stage:progress", payload: { ...own, progress: 1, message: "done", at: at + 7 } },
    ]);
  });

  it("journals a hundred of many, the last included", async () => {
    const { ctx, end, outcome } = reporter();
    for (let n = 0; n <= 5000; n += 1) ctx().onProgress({ progress: n / 5000 });
    end.resolve();
    const { events } = await outcome;
    expect(events.length).toBeLessThanOrEqual(MAX_JOURNALED);
    expect(events.at(-1)?.payload).toMatchObject({ progress: 1 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -0.1, 1.1, "0.5", undefined])(
    "refuses %s",
    async (progress) => {
      const { execute } = bench({
        execute: (ctx) => {
          ctx.onProgress({ progress: progress as number });
          return { output: null };
        },
      });
      expect(await execute().outcome).toMatchObject({ kind: "failed", error: { code: "INVALID_OPTION" } });
    },
  );

  it("takes any details, as they were", async () => {
    const { ctx, observer } = reporter();
    const details = { n: 1, f: () => 1 };
    ctx().onProgress({ progress: 0, message: 5 as never, details });
    details.n = 2;
    expect(observer.reports).toEqual([{ progress: 0, message: "5", details: { n: 1, f: "a function" } }]);
  });

  it("doesn't fail a body whose observers do", async () => {
    const { execute, observer } = bench({
      execute: (ctx) => {
        ctx.onProgress({ progress: 0 });
        return { output: null };
      },
    });
    observer.progress = () => {
      throw new Error("the feed is closed");
    };
    expect(await execute().outcome).toMatchObject({ kind: "completed" });
  });

  it("leaves no timer behind an attempt that was told to stop", async () => {
    const { ctx, clock, abort, outcome } = reporter();
    ctx().onProgress({ progress: 0 });
    ctx().onProgress({ progress: 0.5 });
    abort("cancelled");
    await outcome;
    expect(clock.pending).toBe(0);
  });
});
