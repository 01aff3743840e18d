import { describe, expect, it } from "vitest";
import { deferred } from "../runner/runner.test-helper.ts";
import { virtualClock } from "../testing/clock.ts";
import { Alarm, Alarms, Backoff, Flight } from "./flight.ts";

describe("Flight", () => {
  it("runs once for all who ask together, once more for those who ask meanwhile, and never twice at once", async () => {
    const clock = virtualClock();
    const gates = [deferred(), deferred()];
    let runs = 0;
    const flight = new Flight(
      () => gates[runs++]?.promise ?? Promise.resolve(),
      () => undefined,
    );
    flight.ask();
    flight.ask();
    await clock.settle();
    expect(runs).toBe(1);
    flight.ask();
    flight.ask();
    let isIdle = false;
    void flight.idle().then(() => {
      isIdle = true;
    });
    await clock.settle();
    expect(runs).toBe(1);
    gates[0]?.resolve();
    await clock.settle();
    expect([runs, isIdle]).toEqual([2, false]);
    gates[1]?.resolve();
    await clock.settle();
    expect([runs, isIdle]).toEqual([2, true]);
    await flight.idle();
  });

  it("hands on what its task throws, and can be asked again", async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const flight = new Flight(
      async () => {
        runs += 1;
        if (runs === 1) throw new Error("failed");
      },
      (error) => errors.push(error),
    );
    flight.ask();
    await flight.idle();
    expect([runs, errors.length]).toEqual([1, 1]);
    flight.ask();
    await flight.idle();
    expect([runs, errors.length]).toEqual([2, 1]);
  });
});

describe("Backoff", () => {
  it("doubles from 100 ms to 5 s, and begins anew after a success", () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 8 }, () => backoff.failed())).toEqual([
      100, 200, 400, 800, 1600, 3200, 5000, 5000,
    ]);
    for (let n = 0; n < 2000; n += 1) backoff.failed();
    expect(backoff.failed()).toBe(5000);
    backoff.succeeded();
    expect(backoff.failed()).toBe(100);
  });
});

describe("Alarm", () => {
  it("goes off once, at the earliest instant that it was set for", async () => {
    const clock = virtualClock({ now: 0 });
    const at: number[] = [];
    const alarm = new Alarm(clock, () => at.push(clock.now()));
    alarm.within(50);
    alarm.within(20);
    alarm.within(80);
    alarm.within(Number.POSITIVE_INFINITY);
    expect(alarm.isSet).toBe(true);
    await clock.advance(100);
    expect([at, alarm.isSet, clock.pending]).toEqual([[20], false, 0]);
    alarm.within(5);
    alarm.clear();
    await clock.advance(10);
    expect(at).toEqual([20]);
  });
});

describe("Alarms", () => {
  it("go off for each instant, those that fall together once", async () => {
    const clock = virtualClock({ now: 0 });
    const at: number[] = [];
    const alarms = new Alarms(clock, 10, () => at.push(clock.now()));
    for (const ms of [25, 21, 100, 29, 50, Number.POSITIVE_INFINITY]) alarms.after(ms);
    expect(clock.pending).toBe(3);
    await clock.advance(60);
    expect(at).toEqual([30, 50]);
    alarms.clear();
    await clock.advance(100);
    expect([at, clock.pending]).toEqual([[30, 50], 0]);
  });
});
