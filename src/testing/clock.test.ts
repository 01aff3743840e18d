import { describe, expect, it } from "vitest";
import { sleep } from "../ports/clock.ts";
import { virtualClock } from "./clock.ts";

describe("virtualClock", () => {
  it("stands still until it is told, and fires in order of time, then of age", async () => {
    const clock = virtualClock({ now: 100 });
    const fired: unknown[] = [];
    const note = (name: string) => () => fired.push([name, clock.now()]);
    clock.after(20, note("late"));
    clock.after(10, note("one"));
    clock.after(10, note("two"));
    clock.after(-5, note("past"));
    const cancel = clock.after(15, note("never"));
    cancel();
    cancel();
    expect([clock.next(), clock.pending]).toEqual([100, 4]);
    await clock.advance(10);
    expect(fired).toEqual([
      ["past", 100],
      ["one", 110],
      ["two", 110],
    ]);
    await clock.advance(90);
    expect(fired.at(-1)).toEqual(["late", 120]);
    expect([clock.now(), clock.next(), clock.pending]).toEqual([200, null, 0]);
  });

  it("fires what is set by what it fires, and lets promises settle in between", async () => {
    const clock = virtualClock({ now: 0 });
    const seen: number[] = [];
    void (async () => {
      for (let round = 0; round < 5; round += 1) {
        await sleep(clock, 10);
        seen.push(clock.now());
      }
    })();
    await clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  it("runs until a promise settles, however it does", async () => {
    const clock = virtualClock({ now: 0 });
    await clock.until(sleep(clock, 5000));
    expect(clock.now()).toBe(5000);
    const failing = sleep(clock, 10).then(() => {
      throw new Error("failed");
    });
    await expect(clock.until(failing)).rejects.toThrow("failed");
    expect(await clock.until(Promise.resolve(7))).toBe(7);
    expect(clock.now()).toBe(5010);
  });

  it("gives up on a promise that no timer will settle, or not in time", async () => {
    const clock = virtualClock();
    await expect(clock.until(new Promise(() => undefined))).rejects.toThrow("no timer waits");
    await expect(clock.until(sleep(clock, 100), { withinMs: 50 })).rejects.toThrow("50 ms passed");
  });

  it.each([-1, Number.NaN])("refuses to advance by %d", async (ms) => {
    await expect(virtualClock().advance(ms)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
