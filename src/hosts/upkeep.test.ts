import { describe, expect, it } from "vitest";
import type { Event } from "../model.ts";
import { createKernel } from "../runner/create-kernel.ts";
import { createEventSink } from "../runner/event-sink.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { flow, rig, stage } from "./pump.test-helper.ts";

const sinkOf = (got: Event[], act: (event: Event) => void | Promise<void> = () => undefined) =>
  createEventSink([
    {
      name: "s",
      handle: async (event) => {
        await act(event);
        got.push(event);
      },
    },
  ]);

describe("maintenance", () => {
  it("comes about once a second, never quite at the same time, and never twice at once", async () => {
    const at: number[] = [];
    let now = 0;
    let most = 0;
    const gates = [deferred(), deferred()];
    const { clock } = rig({
      workflows: [flow("w", stage("a"))],
      pump: { maintenanceMs: 1000 },
      interfere: async (call, args) => {
        if (call !== "load" || (args[0] as { of: string }).of !== "stale") return;
        at.push(clock.now());
        most = Math.max(most, (now += 1));
        await gates[at.length - 1]?.promise;
        now -= 1;
      },
    });
    await clock.advance(10_000);
    expect(at).toHaveLength(1);
    gates[0]?.resolve();
    await clock.advance(10_000);
    expect(at).toHaveLength(2);
    gates[1]?.resolve();
    await clock.advance(20_000);
    expect(most).toBe(1);
    const gaps = at.slice(2).map((time, index) => time - (at[index + 1] ?? 0));
    expect(gaps.length).toBeGreaterThan(12);
    expect(gaps.slice(1).every((gap) => gap >= 750 && gap <= 1250)).toBe(true);
    expect(new Set(gaps).size).toBeGreaterThan(3);
  });

  it("frees what a dead worker holds", async () => {
    const workflows = [flow("w", stage("a"))];
    const { clock, store, status } = rig({
      workflows,
      pump: { maintenanceMs: 1000 },
      liveness: { dead: async (workers) => workers.filter((worker) => worker === "dead") },
    });
    await clock.settle();
    const gone = createKernel({ store, workflows: [], clock });
    const { workflowRunId } = await createKernel({ store, workflows, clock }).dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await gone.ports.store.jobs.claim({
      workerId: "dead",
      handlers: new Set(["w/a"]),
      kinds: ["execute"],
      limit: 1,
      leaseFor: 30_000,
    });
    await clock.advance(1250);
    expect(await status(workflowRunId)).toBe("COMPLETED");
  });

  it("mends what is stuck, and one step's failure doesn't keep the others from theirs", async () => {
    const { clock, store, errors } = rig({
      workflows: [],
      pump: { maintenanceMs: 1000 },
      interfere: (call, args) => {
        if (call === "load" && (args[0] as { of: string }).of === "stale") throw new Error("no connection");
      },
    });
    const hand = createKernel({ store, workflows: [flow("w", stage("a"), stage("b"))], clock });
    await clock.settle();
    const { workflowRunId } = await hand.dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await hand.dispatch({ type: "run.claimPending", workerId: "hand" });
    // Without `advance`, and nobody sends the transition that should follow.
    await hand.dispatch({ type: "job.execute", workflowRunId, workflowId: "w", stageId: "a", config: {} });
    expect(await store.run(workflowRunId)).toMatchObject({ run: { group: 0 }, jobs: [] });
    await clock.advance(1250);
    expect(await store.run(workflowRunId)).toMatchObject({ run: { group: 1 }, jobs: [{ stageId: "b" }] });
    expect(errors[0]).toMatchObject({ during: "freeing stale leases" });
  });
});

describe("completion checks", () => {
  it("that hang don't hold up others", async () => {
    const asks = (id: string, check: () => Promise<{ ready: boolean; output?: string }>) =>
      stage(id, () => ({ suspended: true, state: 1, pollConfig: { pollInterval: 100 } }), {
        checkCompletion: check,
      });
    const { create, clock, status } = rig({
      workflows: [
        flow(
          "hangs",
          asks("hangs", () => new Promise(() => undefined)),
        ),
        flow(
          "answers",
          asks("answers", async () => ({ ready: true, output: "yes" })),
        ),
      ],
    });
    await clock.settle();
    await create("hangs");
    await clock.advance(50);
    const runId = await create("answers");
    await clock.advance(100);
    expect(await status(runId)).toBe("COMPLETED");
  });
});

describe("delivery", () => {
  const complete = [
    "workflow:created",
    "workflow:started",
    "stage:started",
    "stage:completed",
    "workflow:completed",
  ];

  it("comes at once for runs that were created here", async () => {
    const got: Event[] = [];
    const { create, clock } = rig({ workflows: [flow("w", stage("a"))], eventSink: sinkOf(got) });
    await clock.settle();
    await create("w");
    await clock.settle();
    expect(got.map(({ type }) => type)).toEqual(complete);
  });

  it("comes soon for runs that others created, whoever executes them", async () => {
    const workflows = [flow("w", stage("a"))];
    for (const executesHere of [true, false]) {
      const got: Event[] = [];
      const listener = rig({ workflows: executesHere ? workflows : [], eventSink: sinkOf(got) });
      const { clock, store } = listener;
      const other = rig({ workflows, store, clock });
      await clock.settle();
      if (executesHere) await other.pump.stop();
      await other.create("w");
      await clock.advance(60);
      expect(
        got.map(({ type }) => type),
        executesHere ? "here" : "elsewhere",
      ).toEqual(complete);
      expect(new Set(got.map(({ id }) => id)).size).toBe(got.length);
    }
  });

  it("is tried again when each back-off is over, without a tick", async () => {
    const got = new Map<string, number>();
    const refusals = new Map([
      ["once", 1],
      ["twice", 2],
    ]);
    const eventSink = sinkOf([], ({ type, workflowId }) => {
      const left = refusals.get(workflowId) ?? 0;
      refusals.set(workflowId, left - 1);
      if (left > 0) throw new Error("not now");
      if (type === "workflow:completed") got.set(workflowId, clock.now() - from);
    });
    const workflows = [flow("once", stage("a")), flow("twice", stage("a"))];
    const { create, clock } = rig({ workflows, eventSink, policy: { deliveryBackoffMs: 500 } });
    await clock.settle();
    const from = clock.now();
    await create("once");
    await clock.advance(100);
    await create("twice");
    await clock.advance(3000);
    // After 500 ms, and after 500 and 1000; each may be gathered with others for a moment.
    expect(Math.floor((got.get("once") ?? 0) / 100)).toBe(5);
    expect(Math.floor((got.get("twice") ?? 0) / 100)).toBe(16);
  });

  it("that takes its time doesn't hold up the maintenance", async () => {
    const gate = deferred();
    const workflows = [flow("w", stage("a"))];
    const got: Event[] = [];
    let ticks = 0;
    const { clock, store } = rig({
      workflows,
      eventSink: sinkOf(got, () => gate.promise),
      pump: { maintenanceMs: 1000 },
      interfere: (call, args) => {
        if (call === "load" && (args[0] as { of: string }).of === "stale") ticks += 1;
      },
    });
    await clock.settle();
    await createKernel({ store, workflows, clock }).dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await clock.advance(100);
    const before = ticks;
    await clock.advance(5000);
    expect(ticks - before).toBeGreaterThanOrEqual(4);
    gate.resolve();
    await clock.advance(100);
    expect(got.map(({ type }) => type)).toEqual(complete);
  });
});
