/** A pool with stage workers in this process, and tasks for it. */
import * as z from "zod";
import {
  defineStage,
  defineWorkflow,
  type Stage,
  type StageContext,
  type Workflow,
} from "../../../define/index.ts";
import type { StageResult } from "../../../define/stage.ts";
import type { StageTask } from "../../../ports/executor.ts";
import { stored } from "../../../runner/runner.test-helper.ts";
import { type VirtualClock, virtualClock } from "../../../testing/clock.ts";
import type { Port } from "./comlink-link.ts";
import { stageLock } from "./locks.ts";
import { StagePool } from "./pool.ts";
import type { ServeStagesOptions } from "./serve-stages.ts";
import { FakeLocks } from "../locks.test-helper.ts";
import { FakeThread } from "./threads.test-helper.ts";

type Body = (ctx: StageContext) => StageResult | Promise<StageResult>;

/** A stage that takes and gives anything. */
export function stage(id: string, execute: Body, more: { timeoutMs?: number } = {}): Stage {
  const schemas = { input: z.unknown(), output: z.unknown(), config: z.looseObject({}) };
  return defineStage({
    id,
    name: id,
    schemas,
    execute: (ctx) => execute(ctx as StageContext),
    ...more,
  });
}

/** A workflow of one group of stages. */
export function flow(id: string, ...stages: readonly Stage[]): Workflow {
  const builder = defineWorkflow({ id, name: id, input: z.object({ n: z.number() }) }) as unknown as {
    parallel(stages: readonly Stage[]): { build(): Workflow };
  };
  return builder.parallel(stages).build();
}

let runs = 0;

/** A task of a run of its own. */
export function taskOf(workflow: Workflow, stageId: string, more: Partial<StageTask> = {}): StageTask {
  const node = workflow.graph.stages.find(({ id }) => id === stageId);
  if (node === undefined) throw new Error(`no stage ${stageId}`);
  runs += 1;
  return {
    runId: `run-${runs}`,
    workflowId: workflow.id,
    stage: node,
    epoch: 1,
    attempt: 1,
    token: 1,
    worker: "tab",
    input: stored({ n: runs }),
    previous: [],
    previousKind: null,
    outputs: new Map(),
    config: stored({}),
    resume: null,
    idempotencyKey: `run-${runs}/${stageId}/1`,
    ...more,
  };
}

/** A pool under test. */
export interface PoolRig {
  readonly clock: VirtualClock;
  readonly pool: StagePool;
  readonly locks: FakeLocks;
  /** Whom the page was asked to end. */
  readonly ended: string[];
  /** Starts a worker with these workflows and gives it to the pool. */
  start(id: string, workflows: readonly Workflow[], options?: ServeStagesOptions): Promise<FakeThread>;
}

/** Makes a pool that has no workers yet. */
export function poolRig(hasLocks = true): PoolRig {
  // Ports take real turns of the event loop.
  const clock = virtualClock({ turns: 12 });
  const locks = new FakeLocks();
  const ended: string[] = [];
  const threads = new Map<string, FakeThread>();
  const pool = new StagePool({
    clock,
    database: "db",
    locks: hasLocks ? locks.of("kernel") : undefined,
    terminate: (id) => {
      ended.push(id);
      threads.get(id)?.die();
    },
  });
  return {
    clock,
    pool,
    locks,
    ended,
    async start(id, workflows, options) {
      const thread = new FakeThread(id, locks);
      threads.set(id, thread);
      const { port1, port2 } = new MessageChannel();
      thread.serve(workflows, options);
      thread.hear({ sluice: "join", lock: stageLock("db", id), port: port2 });
      pool.attach(id, port1 as unknown as Port);
      await clock.settle();
      return thread;
    },
  };
}
