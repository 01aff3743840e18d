import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import { StorageFullError } from "../errors.ts";
import { sleep } from "../ports/clock.ts";
import { virtualClock } from "../testing/clock.ts";
import { flow, rig, stage } from "./pump.test-helper.ts";

const full = () => new StorageFullError("memory");

describe("a pump whose store is in trouble", () => {
  it("tries claims again, later each time, and says what went wrong", async () => {
    let failures = 0;
    const at: number[] = [];
    const { create, clock, status, errors } = rig({
      workflows: [flow("w", stage("a"))],
      interfere: (call, args) => {
        if (call !== "jobs.claim" || (args[0] as { kinds: string[] }).kinds[0] !== "execute") return;
        at.push(clock.now());
        if (failures++ < 4) throw full();
      },
    });
    const from = clock.now();
    await clock.settle();
    const runId = await create("w");
    expect(await status(runId), "nobody is leased to while claims fail").toBe("PENDING");
    await clock.advance(100 + 200 + 400 + 800);
    expect(await status(runId)).toBe("COMPLETED");
    expect(at.map((time) => time - from).slice(0, 5)).toEqual([0, 100, 300, 700, 1500]);
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatchObject({ error: { code: "STORAGE_FULL" }, during: "claiming jobs" });
  });

  it("executes again what failed in the store, but not in a hurry, and counts it as nobody's failure", async () => {
    let calls = 0;
    let isFull = true;
    const { create, clock, status, errors, store } = rig({
      workflows: [
        flow(
          "w",
          stage("a", () => void (calls += 1)),
        ),
      ],
      interfere: (call, args) => {
        if (call === "commit" && isFull && JSON.stringify(args).includes("stage:completed")) throw full();
      },
    });
    await clock.settle();
    const runId = await create("w");
    await clock.advance(20_000);
    expect(await status(runId)).toBe("RUNNING");
    // A pause after each failure: 100, 200 ... 5000 ms; a claim that was under way already may come before it.
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThan(25);
    expect(errors).toHaveLength(calls);
    expect(errors[0]).toMatchObject({
      error: { code: "STORAGE_FULL" },
      during: `executing stage a of run ${runId}`,
    });
    isFull = false;
    await clock.advance(5000);
    expect(await status(runId)).toBe("COMPLETED");
    expect((await store.run(runId))?.stages).toMatchObject([{ attempt: calls, crashes: 0, failures: 0 }]);
  });

  it("finishes the others' runs all the same", async () => {
    let bad = "none";
    const { create, clock, status } = rig({
      workflows: [
        flow("bad", stage("a")),
        flow(
          "good",
          stage("b", () => sleep(clock, 1000)),
        ),
      ],
      interfere: (call, args) => {
        const [entries] = args as [{ command: string; runId: string }[]];
        if (
          call === "commit" &&
          entries.some(({ runId, command }) => command === "job.execute" && runId === bad)
        )
          throw full();
      },
    });
    await clock.settle();
    bad = await create("bad");
    const first = await create("good");
    await clock.settle();
    const second = await create("good");
    await clock.advance(30_000);
    expect([await status(bad), await status(first), await status(second)]).toEqual([
      "RUNNING",
      "COMPLETED",
      "COMPLETED",
    ]);
    const mended = bad;
    bad = "none";
    await clock.advance(5000);
    expect(await status(mended)).toBe("COMPLETED");
  });

  it("gives the caller of a start the store's error, and its slots back", async () => {
    let isFull = true;
    const { create, clock, status, pump } = rig({
      workflows: [flow("w", stage("a"))],
      interfere: (call) => {
        if (call === "commit" && isFull) throw full();
      },
      pump: { concurrency: 1 },
    });
    await clock.settle();
    await expect(create("w")).rejects.toMatchObject({ code: "STORAGE_FULL" });
    isFull = false;
    const runId = await create("w");
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
    expect(pump.stats().running).toBe(0);
  });

  it("ends with its store, and says so once", async () => {
    const { create, clock, errors, store, pump } = rig({
      workflows: [
        flow(
          "w",
          stage("a", () => new Promise<void>(() => undefined)),
        ),
      ],
      pump: { maintenanceMs: 1000 },
    });
    await clock.settle();
    await create("w");
    await store.close();
    await clock.advance(10_000);
    expect(errors).toMatchObject([{ error: { code: "STORE_CLOSED" } }]);
    expect(pump.stats().isUp).toBe(false);
    await pump.stop();
    expect(clock.pending).toBeLessThanOrEqual(1);
  });

  it("asks no faster when its clock runs ahead of the store's", async () => {
    let claims = 0;
    const storeClock = { now: () => clock.now() - 10_000 };
    const { create, clock, status } = rig({
      store: memoryStore({ clock: { now: () => storeClock.now() } }),
      workflows: [
        flow(
          "w",
          stage("a", (ctx) =>
            ctx.resumedBy ? undefined : { suspended: true, state: 1, pollConfig: { pollInterval: 5000 } },
          ),
        ),
      ],
      interfere: (call) => {
        if (call === "jobs.claim") claims += 1;
      },
    });
    await clock.settle();
    const runId = await create("w");
    await clock.advance(4999);
    expect(await status(runId)).toBe("SUSPENDED");
    await clock.advance(1);
    expect(await status(runId)).toBe("COMPLETED");
    expect(claims).toBeLessThan(20);
  });

  it("asks no faster either where no commit has told it the store's time", async () => {
    const clock = virtualClock();
    const store = memoryStore({ clock: { now: () => clock.now() - 10_000 } });
    const waits = stage("a", (ctx) =>
      ctx.resumedBy ? undefined : { suspended: true, state: 1, pollConfig: { pollInterval: 5000 } },
    );
    const checks = stage("b", () => ({ suspended: true, state: 1, pollConfig: { pollInterval: 5000 } }), {
      checkCompletion: () => ({ ready: true, output: "checked" }),
    });
    const workflows = [flow("waits", waits), flow("checks", checks)];
    const before = rig({ workflows, store, clock });
    await clock.settle();
    const runIds = [await before.create("waits"), await before.create("checks")];
    await clock.settle();
    await before.pump.stop();
    let claims = 0;
    const after = rig({
      workflows,
      store,
      clock,
      interfere: (call) => {
        if (call === "jobs.claim") claims += 1;
      },
    });
    await clock.advance(7000);
    expect(await Promise.all(runIds.map(after.status))).toEqual(["COMPLETED", "COMPLETED"]);
    expect(claims).toBeLessThan(150);
  });
});
