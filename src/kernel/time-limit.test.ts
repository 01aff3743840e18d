import { describe, expect, it } from "vitest";
import { virtualClock } from "../testing/clock.ts";
import { TimeLimit } from "./time-limit.ts";

const late = (): Error => new Error("late");
const never = new Promise<never>(() => undefined);

describe("TimeLimit", () => {
  it("ends each wait after its own time, with one timer for all", async () => {
    const clock = virtualClock({ now: 0 });
    const limit = new TimeLimit(clock, 100);
    const ended: string[] = [];
    const wait = (name: string): void =>
      void limit
        .within(never, late)
        .catch((error: Error) => ended.push(`${name} ${error.message} ${clock.now()}`));
    wait("one");
    await clock.advance(40);
    wait("two");
    expect(clock.pending).toBe(1);
    await clock.advance(60);
    expect(ended).toEqual(["one late 100"]);
    await clock.advance(40);
    expect(ended).toEqual(["one late 100", "two late 140"]);
    expect(clock.pending).toBe(0);
  });

  it("settles as the promise does, and leaves no timer behind", async () => {
    const clock = virtualClock({ now: 0 });
    const limit = new TimeLimit(clock, 100);
    expect(await limit.within(Promise.resolve("done"), late)).toBe("done");
    await expect(limit.within(Promise.reject(new Error("no")), late)).rejects.toThrow("no");
    await clock.settle();
    expect(clock.pending).toBe(0);
  });
});
