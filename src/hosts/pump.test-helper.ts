/** Workflows of any bodies, a store that can be made to fail, and what a pump's tests watch. */
import * as z from "zod";
import { memoryStore } from "../../adapters/memory/index.ts";
import {
  defineStage,
  defineWorkflow,
  type Stage,
  type StageContext,
  type StageResult,
  type Workflow,
} from "../define/index.ts";
import type { CompletionCheck, RetryOptions } from "../define/stage.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ChangeRecord, Store } from "../ports/store.ts";
import { createKernel, type KernelOptions } from "../runner/create-kernel.ts";
import { type VirtualClock, virtualClock } from "../testing/clock.ts";
import { createPump, type Pump, type PumpOptions } from "./pump.ts";

/** What a scripted stage does. */
export type Body = (ctx: StageContext) => StageResult | void | Promise<StageResult | void>;

/** A stage that takes and gives anything. */
export function stage(
  id: string,
  body: Body = () => undefined,
  more: {
    retry?: RetryOptions;
    checkCompletion?: (state: unknown) => CompletionCheck | Promise<CompletionCheck>;
  } = {},
): Stage {
  return defineStage({
    id,
    name: id,
    schemas: { input: z.unknown(), output: z.unknown() },
    retry: more.retry,
    execute: async (ctx) => (await body(ctx as StageContext)) ?? { output: id },
    ...(more.checkCompletion === undefined ? {} : { checkCompletion: more.checkCompletion }),
  });
}

/** A workflow of these groups; an array is a parallel one. */
export function flow(id: string, ...groups: (Stage | readonly Stage[])[]): Workflow {
  let builder = defineWorkflow({ id, name: id, input: z.unknown() }) as {
    pipe(stage: never): typeof builder;
    parallel(stages: never): typeof builder;
    build(): unknown;
  };
  for (const group of groups)
    builder = Array.isArray(group) ? builder.parallel(group as never) : builder.pipe(group as never);
  return builder.build() as Workflow;
}

/** Lets a test fail, or hold up, what is asked of a store: `"commit"`, `"jobs.claim"` and so on. */
export type Interfere = (call: string, args: readonly unknown[]) => void | Promise<void>;

/** A store whose every call passes by `interfere` first, and whose feed may be silent. */
export function interfered(store: Store, interfere: Interfere, isDeaf = false): Store {
  const wrap = <T extends object>(target: T, path: string): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (isDeaf && name === "subscribe") return () => () => undefined;
        if (path === "" && name === "jobs") return wrap(store.jobs, "jobs.");
        if (typeof value !== "function" || name === "subscribe" || name === "announce") {
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (...args: unknown[]) => {
          await interfere(path + String(name), args);
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  return wrap(store, "");
}

/** A kernel with its pump on a clock that only moves when told. */
export interface Rig {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly kernel: Kernel;
  readonly pump: Pump;
  readonly errors: { readonly error: unknown; readonly during: string }[];
  create(workflowId: string, more?: object): Promise<string>;
  status(runId: string): Promise<string>;
}

/** What {@link rig} takes; maintenance is far off, so that nothing but wake-ups moves what a test looks at. */
export interface RigOptions extends Omit<KernelOptions, "store" | "clock"> {
  readonly workflows: readonly Workflow[];
  readonly store?: Store;
  readonly clock?: VirtualClock;
  readonly interfere?: Interfere;
  /** Whether the kernel hears nothing of what is committed. */
  readonly isDeaf?: boolean;
  readonly pump?: Partial<PumpOptions>;
}

let keys = 0;

/** Puts a pump on a kernel on a store, and starts it. */
export function rig(options: RigOptions): Rig {
  const clock = options.clock ?? virtualClock();
  const base = options.store ?? memoryStore({ clock, record: "changes" });
  const { interfere = () => undefined, isDeaf = false, pump: pumpOptions, ...kernelOptions } = options;
  const store = interfered(base, interfere, isDeaf);
  const kernel = createKernel({ ...kernelOptions, store, clock });
  const errors: { error: unknown; during: string }[] = [];
  const pump = createPump({
    kernel,
    workerId: `worker-${(keys += 1)}`,
    concurrency: 8,
    maintenanceMs: 1_000_000,
    onError: (error, during) => errors.push({ error, during }),
    ...pumpOptions,
  });
  pump.start();
  return {
    clock,
    store: base,
    kernel,
    pump,
    errors,
    async create(workflowId, more = {}) {
      keys += 1;
      const command = {
        type: "run.create",
        workflowId,
        input: null,
        idempotencyKey: `key-${keys}`,
        ...more,
      } as const;
      return (await pump.startRun(command)).workflowRunId;
    },
    status: async (runId) => (await base.run(runId))?.run.status ?? "none",
  };
}

/** The transactions of a store's log, each as the commands in it. */
export async function transactions(store: Store, runId: string): Promise<string[][]> {
  const byCommit = new Map<number, string[]>();
  for (const { commit, command } of (await store.changes({ runId, limit: 10_000 })) as ChangeRecord[]) {
    byCommit.set(commit, [...(byCommit.get(commit) ?? []), command]);
  }
  return [...byCommit.values()];
}
