import { describe, expect, it } from "vitest";
import type { Event } from "../model.ts";
import { createEventSink } from "../runner/event-sink.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { createPump } from "./pump.ts";
import { flow, rig, stage } from "./pump.test-helper.ts";

describe("a pump that is stopped", () => {
  it("waits for running bodies, finishes them, and claims nothing more", async () => {
    const gate = deferred();
    const names: string[] = [];
    const slow = stage("slow", () => gate.promise);
    const next = stage("next", () => void names.push("next"));
    const { create, clock, status, pump, store } = rig({
      workflows: [flow("w", slow, next)],
      pump: { concurrency: 2 },
    });
    await clock.settle();
    const running = await create("w");
    await clock.settle();
    let isStopped = false;
    const stopped = pump.stop().then(() => {
      isStopped = true;
    });
    const waiting = await create("w");
    await clock.advance(1000);
    expect(isStopped).toBe(false);
    gate.resolve();
    await clock.settle();
    await stopped;
    expect([await status(running), await status(waiting), names]).toEqual(["RUNNING", "PENDING", []]);
    const found = await store.run(running);
    expect(found?.stages.map(({ stageId, status }) => [stageId, status])).toEqual([["slow", "COMPLETED"]]);
    // What the finish leased to the next stage was given back, and counts as no crash.
    expect(found?.jobs).toMatchObject([
      { stageId: "next", worker: null, started: false, crashes: 0, failures: 0 },
    ]);
    expect(clock.pending).toBe(0);
  });

  it("tells bodies to stop when the grace is over, and gives their leases back uncounted", async () => {
    const reasons: unknown[] = [];
    const endless = stage("endless", (ctx) => {
      ctx.signal.addEventListener("abort", () =>
        reasons.push((ctx.signal.reason as { reason: string }).reason),
      );
      return new Promise<void>(() => undefined);
    });
    const { create, clock, pump, store } = rig({ workflows: [flow("w", endless)] });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    const stopped = pump.stop({ graceMs: 5000 });
    await clock.advance(4999);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    await stopped;
    expect(reasons).toEqual(["draining"]);
    expect((await store.run(runId))?.jobs).toMatchObject([
      { worker: null, started: false, crashes: 0, failures: 0, attempt: 1, dueAt: clock.now() },
    ]);
  });

  it("aborts a check that hangs, too", async () => {
    const asks = stage("asks", () => ({ suspended: true, state: 1, pollConfig: { pollInterval: 10 } }), {
      checkCompletion: () => new Promise(() => undefined),
    });
    const { create, clock, pump, store } = rig({ workflows: [flow("w", asks)] });
    await clock.settle();
    const runId = await create("w");
    await clock.advance(10);
    expect((await store.run(runId))?.jobs).toMatchObject([{ kind: "check", worker: expect.any(String) }]);
    const stopped = pump.stop({ graceMs: 100 });
    await clock.advance(100);
    await stopped;
    expect((await store.run(runId))?.jobs).toMatchObject([{ kind: "check", worker: null }]);
  });

  it("lets another go on where it ended", async () => {
    const gate = deferred();
    let calls = 0;
    const workflows = [
      flow(
        "w",
        stage("a", () => {
          calls += 1;
          return calls === 1 ? gate.promise : undefined;
        }),
        stage("b"),
      ),
    ];
    const first = rig({ workflows });
    const { clock, store } = first;
    await clock.settle();
    const runId = await first.create("w");
    await clock.settle();
    const second = rig({ workflows, store, clock });
    await clock.settle();
    const stopped = first.pump.stop({ graceMs: 0 });
    await clock.advance(0);
    await stopped;
    await clock.settle();
    expect([await second.status(runId), calls]).toEqual(["COMPLETED", 2]);
    gate.resolve();
    await clock.settle();
    expect(
      (await store.events({ run: runId })).filter(({ type }) => type === "stage:completed"),
    ).toHaveLength(2);
  });

  it("stops once, may be started again, and has nothing to do before it was started", async () => {
    const { kernel, clock, pump, create, status } = rig({ workflows: [flow("w", stage("a"))] });
    await createPump({ kernel, workerId: "other", concurrency: 1 }).stop();
    await clock.settle();
    await Promise.all([pump.stop(), pump.stop()]);
    await pump.stop();
    const runId = await create("w");
    expect(await status(runId)).toBe("PENDING");
    pump.start();
    pump.start();
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
    await expect(pump.stop({ graceMs: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("ends its kernel's deliveries only when it is the last one", async () => {
    const got: Event[] = [];
    const eventSink = createEventSink([{ name: "s", handle: (event) => void got.push(event) }]);
    const { kernel, clock, pump, create, store } = rig({ workflows: [flow("w", stage("a"))], eventSink });
    const other = createPump({ kernel, workerId: "other", concurrency: 1, maintenanceMs: 1_000_000 });
    other.start();
    await clock.settle();
    await other.stop();
    const runId = await create("w");
    await clock.settle();
    expect(got.map(({ type }) => type)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:completed",
      "workflow:completed",
    ]);
    await pump.stop();
    expect((await store.run(runId))?.run).toMatchObject({
      delivered: true,
      cursors: { s: { holder: null } },
    });
  });
});
