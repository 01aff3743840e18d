import { describe, expect, it } from "vitest";
import * as z from "zod";
import { memoryStore } from "../../../../adapters/memory/index.ts";
import { defineStage, defineWorkflow, type Workflow } from "../../../define/index.ts";
import { createKernel } from "../../../runner/create-kernel.ts";
import { systemClock } from "../../../runner/platform.ts";
import { createPump } from "../../pump.ts";
import { FakeLocks } from "../locks.test-helper.ts";
import { StagePool } from "./pool.ts";
import { FakeThread, FakeWorker } from "./threads.test-helper.ts";
import { StageWorkers } from "./workers.ts";

const Text = z.object({ text: z.string() });

/** Three stages, the second of which does to its worker what `act` says, on its first attempt. */
function pipeline(
  worker: () => FakeThread | undefined,
  act: (thread: FakeThread) => void,
  timeoutMs?: number,
) {
  const step = (id: string, more = {}) =>
    defineStage({
      id,
      name: id,
      schemas: { input: Text, output: Text },
      retry: { backoff: { initialMs: 1, maxMs: 1 } },
      execute: async ({ input, attempt }) => {
        const thread = worker();
        if (id === "b" && attempt === 1 && thread !== undefined) {
          act(thread);
          return new Promise<never>(() => undefined);
        }
        return { output: { text: `${input.text} ${id}` } };
      },
      ...more,
    });
  const built = defineWorkflow({ id: "w", name: "w", input: Text })
    .pipe(step("a"))
    .pipe(step("b", timeoutMs === undefined ? {} : { timeoutMs }))
    .pipe(step("c"))
    .build();
  return built as unknown as Workflow;
}

/** A tab in this process: a page's workers, and a kernel whose executor is their pool. */
async function run(act: (thread: FakeThread) => void, timeoutMs?: number) {
  const clock = systemClock();
  const locks = new FakeLocks();
  let count = 0;
  const pool: StagePool = new StagePool({
    clock,
    database: "db",
    locks: locks.of("kernel"),
    terminate: (id) => workers.terminate(id),
    onOffer: () => pump.wake(),
  });
  const workers: StageWorkers = new StageWorkers({
    clock,
    database: "db",
    newId: () => `stage-${(count += 1)}`,
    factory: () => {
      const thread = new FakeThread(`thread-${count}`, locks);
      const worker = new FakeWorker(thread);
      queueMicrotask(() => thread.serve([pipeline(() => thread, act, timeoutMs)]));
      return worker;
    },
    attach: (id, port) => pool.attach(id, port),
    lost: (id) => pool.detach(id),
    onError: (error) => expect.fail(error.message),
  });
  const workflow = pipeline(() => undefined, act, timeoutMs);
  const graphs = new Map([["w", { graph: workflow.graph }]]);
  const store = memoryStore({ clock });
  const kernel = createKernel({
    store,
    clock,
    executor: pool,
    registry: { get: (id) => graphs.get(id), ids: () => [...graphs.keys()] },
  });
  const pump = createPump({ kernel, workerId: "tab", concurrency: 8, handlers: () => pool.handlers });
  pump.start();
  workers.start(1);
  const { workflowRunId } = await pump.startRun({
    type: "run.create",
    workflowId: "w",
    input: { text: "in" },
    idempotencyKey: "k",
  });
  await new Promise<void>((resolve) => {
    const look = async (): Promise<void> => {
      const status = (await store.run(workflowRunId))?.run.status;
      if (status === "COMPLETED" || status === "FAILED") resolve();
      else setTimeout(() => void look(), 2);
    };
    void look();
  });
  const found = await store.run(workflowRunId);
  const events = await store.events({ run: workflowRunId });
  await pump.stop();
  pool.close();
  workers.stop();
  return { found, events, started: count };
}

const stagesOf = ({ found }: Awaited<ReturnType<typeof run>>) =>
  found?.stages.map(({ stageId, status, attempt, crashes, failures, output }) => [
    stageId,
    status,
    attempt,
    crashes,
    failures,
    output?.kind === "value" ? output.value : null,
  ]);

describe("a kernel over a pool", () => {
  it("completes a run whose worker died under its second stage, each stage recorded once", async () => {
    const done = await run((thread) => thread.die());
    expect(stagesOf(done)).toEqual([
      ["a", "COMPLETED", 1, 0, 0, { text: "in a" }],
      ["b", "COMPLETED", 2, 1, 0, { text: "in a b" }],
      ["c", "COMPLETED", 1, 0, 0, { text: "in a b c" }],
    ]);
    expect(done.events.map(({ type }) => type)).toEqual([
      "workflow:created",
      "workflow:started",
      "stage:started",
      "stage:completed",
      "stage:started",
      "lease:reaped",
      "stage:started",
      "stage:completed",
      "stage:started",
      "stage:completed",
      "workflow:completed",
    ]);
    expect(done.started).toBe(2);
  });

  it("completes one whose second stage blocked its thread for longer than its limit", async () => {
    const done = await run((thread) => thread.block(), 50);
    expect(stagesOf(done)?.[1]).toEqual(["b", "COMPLETED", 2, 0, 1, { text: "in a b" }]);
    expect(done.events.map(({ type }) => type)).toContain("stage:retrying");
    expect(done.started).toBe(2);
  });
});
