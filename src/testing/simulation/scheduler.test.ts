import { describe, expect, it } from "vitest";
import { sleep } from "../../ports/clock.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";

async function drain(scheduler: Scheduler): Promise<string[]> {
  const opened: string[] = [];
  for (let step = await scheduler.step(); step !== null; step = await scheduler.step()) {
    opened.push(`${step.lane} ${step.label}`);
  }
  return opened;
}

/** Two processes that each pass three gates and note when. */
function race(seed: number): { scheduler: Scheduler; order: string[] } {
  const scheduler = new Scheduler(new Random(seed));
  const order: string[] = [];
  for (const name of ["a", "b"]) {
    const lane = scheduler.lane(name);
    void (async () => {
      for (let gate = 1; gate <= 3; gate += 1) {
        await lane.gate("gate");
        order.push(`${name}${gate}`);
      }
    })();
  }
  return { scheduler, order };
}

describe("Scheduler", () => {
  it("keeps each process's order and interleaves them by the seed alone", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 300; seed += 1) {
      const { scheduler, order } = race(seed);
      await drain(scheduler);
      const again = race(seed);
      await drain(again.scheduler);
      expect(again.order).toEqual(order);
      expect(order.filter((one) => one.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
      orders.add(order.join(" "));
    }
    // All (6 choose 3) ways to interleave.
    expect(orders.size).toBe(20);
  });

  it("jumps to the next timer when nothing is ready, and fires timers in their order", async () => {
    const scheduler = new Scheduler(new Random(1), { start: 1000 });
    const fired: string[] = [];
    const lane = scheduler.lane("a");
    for (const ms of [300, 100, 200]) lane.clock.after(ms, () => fired.push(`${ms}@${scheduler.now}`));
    const cancel = lane.clock.after(50, () => fired.push("cancelled"));
    cancel();
    await drain(scheduler);
    expect(fired).toEqual(["100@1100", "200@1200", "300@1300"]);
  });

  it("settles everything that follows from a gate before it opens the next", async () => {
    const scheduler = new Scheduler(new Random(1));
    const seen: string[] = [];
    const long = scheduler.lane("long");
    const other = scheduler.lane("other");
    void (async () => {
      await long.gate("first");
      for (let turns = 0; turns < 1000; turns += 1) await Promise.resolve();
      seen.push("long");
    })();
    await scheduler.step();
    void other.gate("second").then(() => seen.push("other"));
    await scheduler.step();
    expect(seen).toEqual(["long", "other"]);
  });

  it("drops all that a crashed process waits for", async () => {
    const scheduler = new Scheduler(new Random(1));
    const lane = scheduler.lane("a");
    const seen: string[] = [];
    void lane.gate("gate").then(() => seen.push("gate"));
    void lane.gate("late", 100).then(() => seen.push("late"));
    void sleep(lane.clock, 10).then(() => seen.push("timer"));
    lane.crash();
    void lane.gate("after").then(() => seen.push("after"));
    await drain(scheduler);
    expect(seen).toEqual([]);
  });

  it("lets a paused process go on where it was, after the pause", async () => {
    const scheduler = new Scheduler(new Random(1), { start: 0 });
    const paused = scheduler.lane("paused");
    const running = scheduler.lane("running");
    const seen: string[] = [];
    void paused.gate("gate").then(() => seen.push(`gate@${scheduler.now}`));
    void sleep(paused.clock, 10).then(() => seen.push(`timer@${scheduler.now}`));
    paused.pause(500);
    void sleep(running.clock, 100).then(() => seen.push(`running@${scheduler.now}`));
    await drain(scheduler);
    expect(seen[0]).toBe("running@100");
    expect(seen.slice(1).toSorted()).toEqual(["gate@500", "timer@500"]);
  });

  it("gives each process a clock of its own", async () => {
    const scheduler = new Scheduler(new Random(1), { start: 10_000 });
    const fast = scheduler.lane("fast", { skewMs: 5000, rate: 2 });
    expect(fast.clock.now()).toBe(25_000);
    let at = 0;
    fast.clock.after(100, () => {
      at = scheduler.now;
    });
    await drain(scheduler);
    expect(at).toBe(10_050);
  });
});

describe("Trace", () => {
  it("tells lines and their order apart and keeps the last ones", () => {
    const trace = (lines: readonly string[]): Trace => {
      const made = new Trace(2);
      for (const line of lines) made.note(line);
      return made;
    };
    expect(trace(["a", "b"]).hash).toBe(trace(["a", "b"]).hash);
    expect(trace(["a", "b"]).hash).not.toBe(trace(["b", "a"]).hash);
    expect(trace(["a", "b", "c", "d", "e"]).tail).toEqual(["d", "e"]);
  });
});
