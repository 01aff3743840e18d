import { describe, expect, it } from "vitest";
import * as z from "zod";
import { memoryStore } from "../../adapters/memory/index.ts";
import { defineStage, defineWorkflow } from "../define/index.ts";
import { toRegistry } from "../define/registry.ts";
import { createKernel, DEFAULT_POLICY, type KernelOptions } from "./create-kernel.ts";

const stage = defineStage({
  id: "one",
  name: "One",
  schemas: { input: z.object({ n: z.number() }), output: z.number() },
  async execute(ctx) {
    await ctx.storage.put("note", "kept");
    return { output: ctx.input.n + (await ctx.storage.list()).length };
  },
});
const workflow = defineWorkflow({ id: "w", name: "W", input: z.object({ n: z.number() }) })
  .pipe(stage)
  .build();

describe("createKernel", () => {
  it("needs no more than a store and workflows", async () => {
    const kernel = createKernel({ store: memoryStore(), workflows: [workflow] });
    const { workflowRunId } = await kernel.dispatch({
      type: "run.create",
      workflowId: "w",
      input: { n: 1 },
      idempotencyKey: "k",
    });
    await kernel.dispatch({ type: "run.claimPending", workerId: "me" });
    const result = await kernel.dispatch({
      type: "job.execute",
      workflowRunId,
      workflowId: "w",
      stageId: "one",
      config: {},
      advance: true,
    });
    expect(result).toEqual({ outcome: "completed", output: 2 });
    expect((await kernel.ports.store.run(workflowRunId))?.run.status).toBe("COMPLETED");
    expect(kernel.ports.policy).toEqual(DEFAULT_POLICY);
    expect([kernel.ports.maxBatch, kernel.ports.parallelCommits, kernel.ports.liveness]).toEqual([
      100,
      1,
      null,
    ]);
  });

  it("takes a registry in place of workflows, and then executes nothing itself", () => {
    const kernel = createKernel({ store: memoryStore(), registry: toRegistry([workflow]) });
    expect(kernel.ports.registry.ids()).toEqual(["w"]);
    expect(kernel.ports.executor.handlers.size).toBe(0);
  });

  it("names itself apart from others", () => {
    const [one, other] = [0, 1].map(() => createKernel({ store: memoryStore() }).ports.name);
    expect(one).not.toBe(other);
    expect(createKernel({ store: memoryStore(), name: "mine" }).ports.name).toBe("mine");
  });

  it("changes the bounds that it is told to", () => {
    const { policy } = createKernel({ store: memoryStore(), policy: { leaseMs: 5 } }).ports;
    expect(policy).toEqual({ ...DEFAULT_POLICY, leaseMs: 5 });
  });

  it.each<[string, Partial<Record<keyof KernelOptions, unknown>>]>([
    ["store", { store: undefined }],
    ["store", { store: {} }],
    ["registry", { registry: toRegistry([]) }],
    ["workflows", { workflows: workflow }],
    ["registry", { workflows: undefined, registry: {} }],
    ["executor", { executor: { execute: () => 1 } }],
    ["clock", { clock: { now: () => 1 } }],
    ["ids", { ids: {} }],
    ["liveness", { liveness: {} }],
    ["name", { name: "" }],
    ["maxBatch", { maxBatch: 0 }],
    ["maxBatch", { maxBatch: 1.5 }],
    ["parallelCommits", { parallelCommits: -1 }],
    ["leaderEpoch", { leaderEpoch: -1 }],
    ["eventSink", { eventSink: 5 }],
    ["policy", { policy: 5 }],
    ["policy", { policy: null }],
    ["policy.leaseMs", { policy: { leaseMs: 0 } }],
    ["policy.maxDeliveries", { policy: { maxDeliveries: Number.NaN } }],
    ["policy.keyRetentionMs", { policy: { keyRetentionMs: -1 } }],
    ["policy.pollMs", { policy: { pollMs: Number.POSITIVE_INFINITY } }],
    ["policy.leasMs", { policy: { leasMs: 5 } }],
  ])("refuses an option %s that can't be: %j", (option, given) => {
    const options = { store: memoryStore(), workflows: [workflow], ...given } as KernelOptions;
    expect(() => createKernel(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
  });

  it("refuses to be made of nothing", () => {
    expect(() => createKernel(undefined as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
