/** Tasks as a kernel would make them, and an observer that remembers. */
import * as z from "zod";
import { defineStage, defineWorkflow, type Schema, type StageContext } from "../define/index.ts";
import type { CompletionCheck, Stage, StageResult } from "../define/stage.ts";
import type { BlobKey, LogBatch, LogLine, Payload } from "../model.ts";
import type { CheckOutcome, Execution, StageOutcome, StageTask, TaskObserver } from "../ports/executor.ts";
import { encodePayload } from "../ports/payload.ts";
import { blobPath } from "../ports/store.ts";
import { type VirtualClock, virtualClock } from "../testing/clock.ts";
import { inProcessExecutor } from "./executor.ts";

/** A value as it would be stored. */
export function stored(value: unknown): Payload {
  return encodePayload(value, {
    path: "test",
    key: (name) => ({ runId: "r", epoch: 1, stageId: "s", attempt: 0, name }),
  }).payload;
}

/** An observer that keeps what it is told. */
export class Memo implements TaskObserver {
  readonly reports: { readonly progress: number; readonly message?: string; readonly details?: unknown }[] =
    [];
  readonly batches: LogBatch[] = [];
  readonly blobs = new Map<string, { readonly key: BlobKey; readonly data: Blob }>();
  /** What the next calls of `logs` wait for, or fail with. */
  onLogs: (() => Promise<void>) | null = null;

  progress(report: Memo["reports"][number]): void {
    this.reports.push(report);
  }

  async logs(batch: LogBatch): Promise<void> {
    await this.onLogs?.();
    this.batches.push(batch);
  }

  async readBlob(key: BlobKey): Promise<Blob | null> {
    return this.blobs.get(blobPath(key))?.data ?? null;
  }

  async writeBlob(key: BlobKey, data: Blob): Promise<void> {
    this.blobs.set(blobPath(key), { key, data });
  }

  async listBlobs(): Promise<readonly BlobKey[]> {
    return Array.from(this.blobs.values(), ({ key }) => key);
  }

  get lines(): readonly LogLine[] {
    return this.batches.flatMap(({ lines }) => lines);
  }
}

/** What a test says about its stage; the rest is a stage that takes and gives anything. */
export interface Script {
  readonly execute?: (ctx: StageContext) => StageResult | Promise<StageResult>;
  readonly checkCompletion?: (
    state: unknown,
    ctx: StageContext,
  ) => CompletionCheck | Promise<CompletionCheck>;
  readonly input?: Schema | "none";
  readonly output?: Schema;
  readonly config?: Schema;
  readonly timeoutMs?: number;
  /** `a` and `b` come before it, in one parallel group, where a task says so. */
  readonly dependencies?: readonly string[];
  readonly task?: Partial<StageTask>;
}

/** A stage under test with everything around it. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly observer: Memo;
  readonly task: StageTask;
  readonly stage: Stage;
  execute(): Execution<StageOutcome>;
  check(): Execution<CheckOutcome>;
}

/** Puts a stage on the bench. */
export function bench(script: Script): Bench {
  const stage: Stage = defineStage({
    id: "stage",
    name: "Stage",
    schemas: {
      input: script.input ?? z.unknown(),
      output: script.output ?? z.unknown(),
      ...(script.config === undefined ? {} : { config: script.config }),
    },
    ...(script.dependencies === undefined ? {} : { dependencies: script.dependencies }),
    ...(script.timeoutMs === undefined ? {} : { timeoutMs: script.timeoutMs }),
    execute: (ctx) => (script.execute === undefined ? { output: null } : script.execute(ctx as StageContext)),
    ...(script.checkCompletion === undefined ? {} : { checkCompletion: script.checkCompletion }),
  });
  const alone = defineWorkflow({ id: "alone", name: "Alone", input: z.unknown() })
    .pipe({ ...stage, dependencies: null })
    .build();
  const workflow = { ...alone, stages: new Map([[stage.id, stage]]) };
  const [node] = alone.graph.stages;
  if (node === undefined) throw new Error("the workflow has no stage");
  const clock = virtualClock();
  const observer = new Memo();
  const executor = inProcessExecutor({
    workflows: [workflow],
    clock,
  });
  const task: StageTask = {
    runId: "r",
    workflowId: "alone",
    stage: { ...node, dependencies: stage.dependencies },
    epoch: 1,
    attempt: 1,
    token: 1,
    worker: "w",
    input: stored({ n: 1 }),
    previous: [],
    previousKind: null,
    outputs: new Map(),
    config: stored({}),
    resume: null,
    idempotencyKey: "r/stage/1",
    ...script.task,
  };
  return {
    clock,
    observer,
    task,
    stage,
    execute: () => executor.execute(task, observer),
    check: () => executor.check(task, observer),
  };
}

/** A promise that a test settles. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}
