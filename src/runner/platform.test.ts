import { describe, expect, it } from "vitest";
import { virtualClock } from "../testing/clock.ts";
import { randomIds, systemClock } from "./platform.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("systemClock", () => {
  it("calls back once, in order, and not what was taken back", async () => {
    const clock = systemClock();
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      clock.after(20, resolve);
      clock.after(5, () => fired.push("five"));
      clock.after(0, () => fired.push("now"));
      const back = [clock.after(0, () => fired.push("never")), clock.after(1, () => fired.push("never"))];
      for (const cancel of back) cancel();
    });
    expect(fired).toEqual(["now", "five"]);
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000);
  });

  it("waits for longer than a platform's timers can count", async () => {
    const clock = systemClock();
    let fired = 0;
    const cancel = clock.after(2 ** 31 + 5, () => {
      fired += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    cancel();
    expect(fired).toBe(0);
  });

  it("lets a process end where it is asked to", () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const cancel = systemClock({ unref: true }).after(60_000, () => undefined);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBe(before);
    cancel();
  });
});

describe("randomIds", () => {
  it("gives run ids of UUID version 7 that sort as they were given", () => {
    const clock = virtualClock({ now: 1_700_000_000_000 });
    const { runId } = randomIds(clock);
    const ids = Array.from({ length: 10_000 }, () => runId());
    expect(ids.filter((id) => !uuid7.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    expect(Number.parseInt((ids[0] ?? "").replaceAll("-", "").slice(0, 12), 16)).toBe(1_700_000_000_000);
  });

  it("goes on in order when its clock goes back", async () => {
    const clock = virtualClock({ now: 5000 });
    let back = 0;
    const { runId } = randomIds({ ...clock, now: () => clock.now() - back });
    const first = runId();
    back = 1000;
    const second = runId();
    back = 0;
    await clock.advance(100);
    expect([runId(), second, first].sort()).toEqual([first, second, expect.any(String)]);
  });

  it("gives entry ids that no two of its kind share", () => {
    const [one, other] = [randomIds(), randomIds()];
    const ids = Array.from({ length: 1000 }, () => [one.entryId(), other.entryId()]).flat();
    expect(new Set(ids).size).toBe(2000);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThan(40);
  });

  it("draws from 0 to 1", () => {
    const { random } = randomIds();
    const drawn = Array.from({ length: 1000 }, () => random());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(990);
  });
});
