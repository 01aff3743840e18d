import { describe, expect, it } from "vitest";
import { createKernel } from "../runner/create-kernel.ts";
import { toRegistry } from "../define/registry.ts";
import { createPump, type Pump, type PumpOptions } from "./pump.ts";
import { flow, rig, stage } from "./pump.test-helper.ts";

/** A rig whose kernel is driven by two pumps; its own has code for `a`, the other for what `other` says. */
function pair(other: ReadonlySet<string>, more: Partial<PumpOptions> = {}) {
  const executed: string[] = [];
  const workers = { w1: [] as string[], w2: [] as string[] };
  const note = (id: string) => () => void executed.push(id);
  const workflows = [flow("w", stage("a", note("a")), stage("b", note("b")))];
  const one = rig({ workflows, pump: { workerId: "w1", handlers: () => new Set(["w/a"]), ...more } });
  const options = { kernel: one.kernel, workerId: "w2", concurrency: 8, maintenanceMs: 1_000_000 };
  const two = createPump({ ...options, handlers: () => other, maintains: false });
  two.start();
  one.kernel.host.onCommitted(({ jobs = [] }) => {
    for (const { worker, stageId, started } of jobs)
      if (started && (worker === "w1" || worker === "w2")) workers[worker].push(stageId);
  });
  return { ...one, two, executed, workers };
}

describe("pumps of one kernel", () => {
  it("lease only what each has code for, also in a finish", async () => {
    const { create, status, clock, workers, executed } = pair(new Set(["w/b"]));
    const runId = await create("w");
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
    expect(executed).toEqual(["a", "b"]);
    expect(workers).toEqual({ w1: ["a"], w2: ["b"] });
  });

  it("leave in the queue what none of them has code for, until one has", async () => {
    const known = new Set<string>();
    const { create, status, clock, store, two, workers } = pair(known);
    const runId = await create("w");
    await clock.settle();
    expect(await status(runId)).toBe("RUNNING");
    expect((await store.run(runId))?.jobs).toMatchObject([{ stageId: "b", worker: null, attempt: 0 }]);
    known.add("w/b");
    two.wake();
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
    expect(workers.w2).toEqual(["b"]);
  });

  it("don't start a run in a worker that has no code for its first stage", async () => {
    const { two, clock, status, workers } = pair(new Set(["w/b"]));
    const { workflowRunId } = await two.startRun({
      type: "run.create",
      workflowId: "w",
      input: null,
      idempotencyKey: "k",
    });
    await clock.settle();
    expect(await status(workflowRunId)).toBe("COMPLETED");
    expect(workers).toEqual({ w1: ["a"], w2: ["b"] });
  });

  it("sweep once, by the one that maintains", async () => {
    const loads: string[] = [];
    const pumps: Pump[] = [];
    const { clock, kernel } = rig({
      workflows: [flow("w", stage("a"))],
      interfere: (call, args) => void (call === "load" && loads.push((args[0] as { of: string }).of)),
      pump: { maintenanceMs: 1000 },
    });
    for (let n = 0; n < 5; n += 1) {
      const pump = createPump({
        kernel,
        workerId: `other-${n}`,
        concurrency: 1,
        maintenanceMs: 1000,
        maintains: false,
      });
      pump.start();
      pumps.push(pump);
    }
    await clock.advance(10_000);
    const sweeps = loads.filter((of) => of === "stale").length;
    expect(sweeps).toBeGreaterThan(6);
    expect(sweeps).toBeLessThan(16);
    await Promise.all(pumps.map((pump) => pump.stop()));
  });

  it("drain apart: what the others execute goes on", async () => {
    const { create, status, clock, two, pump } = pair(new Set());
    const runId = await create("w");
    await clock.until(two.stop());
    await clock.settle();
    expect(pump.stats().isUp).toBe(true);
    expect(await status(runId)).toBe("RUNNING");
  });
});

describe("a run that is started by what the caller parsed", () => {
  it("is made by the graph that came along, whatever the registry knows", async () => {
    const workflow = flow("w", stage("a"), stage("b"));
    const registered = toRegistry([workflow]).get("w");
    if (registered === undefined) throw new Error("no workflow");
    const { pump, kernel, clock, status, store } = rig({ workflows: [flow("w", stage("a"))] });
    const input = Promise.resolve({ ok: true as const, value: "parsed" });
    const command = { type: "run.create", workflowId: "w", input: "raw", idempotencyKey: "k" } as const;
    const { workflowRunId } = await pump.startRun(command, { ...registered, parseInput: () => input });
    await clock.settle();
    const found = await store.run(workflowRunId);
    expect(found?.run.graph).toBe(workflow.graph.hash);
    expect(found?.body?.input).toEqual({ kind: "value", value: "parsed" });
    expect(await status(workflowRunId)).toBe("RUNNING");
    // The same command by a kernel that parses itself: the key's payload is the value as it was sent.
    expect(await kernel.dispatch(command)).toMatchObject({ workflowRunId });
    const empty = createKernel({ store, workflows: [], clock });
    await expect(empty.dispatch({ ...command, idempotencyKey: "l" })).rejects.toMatchObject({
      code: "UNKNOWN_WORKFLOW",
    });
  });
});
