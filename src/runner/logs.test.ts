import { describe, expect, it } from "vitest";
import type { StageContext } from "../define/context.ts";
import { MAX_LINES } from "./logs.ts";
import { bench, deferred } from "./runner.test-helper.ts";

/** A body that logs when told to. */
function talker() {
  const end = deferred();
  let ctx: StageContext | undefined;
  const stage = bench({
    execute: async (given) => {
      ctx = given;
      await end.promise;
      return { output: null };
    },
  });
  const { outcome } = stage.execute();
  const log = (count: number): void => {
    for (let n = 0; n < count; n += 1) ctx?.log("INFO", `line ${n}`);
  };
  return { ...stage, outcome, end, log, ctx: () => ctx as StageContext };
}

describe("an attempt's log", () => {
  it("leaves in batches: 200 ms after a first line, or when there are a hundred", async () => {
    const { log, clock, observer } = talker();
    log(2);
    await clock.advance(199);
    expect(observer.batches).toEqual([]);
    await clock.advance(1);
    expect(observer.batches).toMatchObject([
      {
        runId: "r",
        stageId: "stage",
        epoch: 1,
        attempt: 1,
        from: 0,
        lines: [{ message: "line 0" }, { message: "line 1" }],
      },
    ]);
    log(100);
    await clock.settle();
    expect(observer.batches.map(({ from, lines }) => [from, lines.length])).toEqual([
      [0, 2],
      [2, 100],
    ]);
    expect(clock.pending).toBe(0);
  });

  it("is whole before anybody sees how the attempt ended", async () => {
    const { log, observer, end, outcome } = talker();
    log(3);
    end.resolve();
    await outcome;
    expect(observer.lines).toHaveLength(3);
  });

  it("says when, how bad, and what", async () => {
    const { observer, ctx, end, outcome, clock } = talker();
    await clock.advance(5);
    ctx().log("WARN", "careful", { at: new Date(0) });
    ctx().log("DEBUG", "x".repeat(20_000));
    ctx().log("ERROR", 5 as never);
    end.resolve();
    await outcome;
    expect(observer.lines[0]).toEqual({
      at: 1_000_005,
      level: "WARN",
      message: "careful",
      meta: { at: new Date(0) },
    });
    expect(observer.lines[1]?.message.length).toBeLessThan(10_100);
    expect(observer.lines[2]?.message).toBe("5");
  });

  it("takes what can't be stored as a description, never as an error", async () => {
    const { observer, ctx, end, outcome } = talker();
    class Thing {
      readonly n = 1;
    }
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const metas = [
      () => 1,
      { f: () => 1, n: 1, deep: [Symbol("s")] },
      new Error("broken"),
      { error: new TypeError("inner") },
      { blob: new Blob(["abc"]) },
      cycle,
      new Thing(),
      "x".repeat(100_000),
      { n: 1, m: new Map([[1, new Set([2n])]]) },
    ];
    for (const meta of metas) ctx().log("INFO", "m", meta);
    end.resolve();
    await outcome;
    expect(observer.lines.map(({ meta }) => meta)).toEqual([
      "a function",
      { f: "a function", n: 1, deep: ["a symbol"] },
      { name: "Error", message: "broken", stack: expect.any(String) },
      { error: { name: "TypeError", message: "inner", stack: expect.any(String) } },
      { blob: "a Blob of 3 bytes" },
      expect.anything(),
      "an instance of Thing",
      expect.stringContaining("too large for a log"),
      { n: 1, m: new Map([[1, new Set([2n])]]) },
    ]);
  });

  it("is given its meta as it was, whatever the body does with it later", async () => {
    const { observer, ctx, end, outcome } = talker();
    const meta = { n: 1 };
    ctx().log("INFO", "m", meta);
    meta.n = 2;
    end.resolve();
    await outcome;
    expect(observer.lines[0]?.meta).toEqual({ n: 1 });
  });

  it("refuses a level that there isn't", async () => {
    const stage = bench({
      execute: (ctx) => {
        ctx.log("info" as never, "m");
        return { output: null };
      },
    });
    expect(await stage.execute().outcome).toMatchObject({
      kind: "failed",
      error: { code: "INVALID_OPTION" },
    });
  });

  it("ends with a warning after ten thousand lines", async () => {
    const { log, observer, end, outcome } = talker();
    log(MAX_LINES + 500);
    end.resolve();
    await outcome;
    expect(observer.lines).toHaveLength(MAX_LINES + 1);
    expect(observer.lines.at(-1)).toMatchObject({
      level: "WARN",
      message: expect.stringContaining("dropped"),
    });
    const froms = observer.batches.map(({ from }) => from);
    const lengths = observer.batches.map(({ lines }) => lines.length);
    expect(froms).toEqual(
      lengths.map((_, index) => lengths.slice(0, index).reduce((sum, length) => sum + length, 0)),
    );
  });

  it("tries a batch again, with the next one and under the same numbers, and never fails the stage", async () => {
    const { log, observer, clock, end, outcome } = talker();
    let isDown = true;
    observer.onLogs = async () => {
      if (isDown) throw new Error("no connection");
    };
    log(1);
    await clock.advance(200);
    expect(observer.batches).toEqual([]);
    isDown = false;
    log(1);
    await clock.advance(200);
    expect(observer.batches).toMatchObject([{ from: 0, lines: [{}, {}] }]);
    isDown = true;
    log(1);
    end.resolve();
    expect(await outcome).toMatchObject({ kind: "completed" });
  });

  it("sends one batch after the other, however slow the store is", async () => {
    const { log, observer, clock, end, outcome } = talker();
    const gates = [deferred(), deferred(), deferred()];
    let calls = 0;
    observer.onLogs = () => gates[calls++]?.promise ?? Promise.resolve();
    log(100);
    await clock.settle();
    log(100);
    await clock.settle();
    log(100);
    await clock.settle();
    expect(calls).toBe(1);
    for (const gate of gates) {
      gate.resolve();
      await clock.settle();
    }
    end.resolve();
    await outcome;
    expect(observer.batches.map(({ from, lines }) => [from, lines.length])).toEqual([
      [0, 100],
      [100, 200],
    ]);
  });
});
