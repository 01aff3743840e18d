/** Puts a kernel together from its ports, with what the platform has where none is given. */
import { toRegistry } from "../define/registry.ts";
import type { Workflow } from "../define/workflow.ts";
import { InvalidOptionError } from "../errors.ts";
import type { KernelPolicy } from "../kernel/decision.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventSink } from "../ports/event-sink.ts";
import type { Executor } from "../ports/executor.ts";
import type { Ids } from "../ports/ids.ts";
import type { Liveness } from "../ports/liveness.ts";
import type { WorkflowRegistry } from "../ports/registry.ts";
import type { Store } from "../ports/store.ts";
import { type EventTarget, toEventSink } from "./event-sink.ts";
import { inProcessExecutor } from "./executor.ts";
import { checkList, checkMethods, checkName, checkObject, checkWhole } from "./options.ts";
import { randomIds, systemClock } from "./platform.ts";

/** What {@link createKernel} takes. Everything but the store has a default. */
export interface KernelOptions {
  /** Where state is kept: `memoryStore()` and its like. */
  readonly store: Store;
  /** The workflows that it can start, and whose stages are executed in this process. */
  readonly workflows?: readonly Workflow[];
  /** Instead of `workflows`, where only graphs are known here: then stages are executed by `executor`. */
  readonly registry?: WorkflowRegistry;
  /** Who is given the events. A function, or an object with `publish`, becomes the one subscriber `sink`. */
  readonly eventSink?: EventSink | EventTarget;
  /** Executes stage bodies; in this process by default. */
  readonly executor?: Executor;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Tells dead workers where the platform can; without it, leases expire. */
  readonly liveness?: Liveness;
  /** Bounds that differ from {@link DEFAULT_POLICY}. */
  readonly policy?: Partial<KernelPolicy>;
  /** Unique among the kernels of a store: holds cursors, and jobs that are executed by hand, under it. Random by default. */
  readonly name?: string;
  /** Entries in one transaction at most; 100 by default. */
  readonly maxBatch?: number;
  /** Transactions under way at once; 1 by default. */
  readonly parallelCommits?: number;
  /** The leader's epoch, for stores that have one leader. */
  readonly leaderEpoch?: number;
}

/** The kernel's bounds where none are given, in milliseconds but for `maxDeliveries`. */
export const DEFAULT_POLICY: KernelPolicy = Object.freeze({
  leaseMs: 30_000,
  maxDeliveries: 3,
  deliveryBackoffMs: 1000,
  deliveryTimeoutMs: 30_000,
  holdMs: 30_000,
  keyRetentionMs: 7 * 86_400_000,
  pollMs: 5000,
});

/** The smallest and largest values that mean anything. */
const RANGES: Readonly<Record<keyof KernelPolicy, readonly [least: number, most?: number]>> = {
  leaseMs: [1],
  maxDeliveries: [1, 1000],
  deliveryBackoffMs: [0],
  deliveryTimeoutMs: [1],
  holdMs: [1],
  keyRetentionMs: [0],
  pollMs: [1],
};

/**
 * Makes a kernel. It does nothing by itself: commands are given to `dispatch`, and a host drives it.
 *
 * @example
 * const kernel = createKernel({ store: memoryStore(), workflows: [pipeline] });
 * @throws InvalidOptionError for an option that can't be; DefinitionError for two workflows of one id
 */
export function createKernel(options: KernelOptions): Kernel {
  return kernelOf(options, "createKernel");
}

/** {@link createKernel} under the name of whoever its caller called. */
export function kernelOf(options: KernelOptions, where: string): Kernel {
  checkObject(where, "options", options, "an object with a store and workflows");
  const { store, workflows, maxBatch = 100, parallelCommits = 1, liveness, leaderEpoch, name } = options;
  checkMethods(where, "store", store, ["load", "commit", "subscribe"]);
  if (workflows !== undefined && options.registry !== undefined) {
    throw new InvalidOptionError(where, "registry", "left out where workflows are given", options.registry);
  }
  if (options.registry !== undefined) checkMethods(where, "registry", options.registry, ["get", "ids"]);
  if (workflows !== undefined)
    checkList(where, "workflows", workflows, "a list of workflows made by build()");
  if (options.executor !== undefined) checkMethods(where, "executor", options.executor, ["execute", "check"]);
  if (options.clock !== undefined) checkMethods(where, "clock", options.clock, ["now", "after"]);
  if (options.ids !== undefined) checkMethods(where, "ids", options.ids, ["runId", "entryId", "random"]);
  if (liveness !== undefined) checkMethods(where, "liveness", liveness, ["dead"]);
  if (name !== undefined) checkName(where, "name", name);
  if (leaderEpoch !== undefined) checkWhole(where, "leaderEpoch", leaderEpoch, 0);
  checkWhole(where, "maxBatch", maxBatch, 1, 10_000);
  checkWhole(where, "parallelCommits", parallelCommits, 1, 100);
  const policy = policyOf(options.policy, where);
  const registry = options.registry ?? toRegistry(workflows ?? []);
  const clock = options.clock ?? systemClock();
  const ids = options.ids ?? randomIds(clock);
  const executor =
    options.executor ??
    inProcessExecutor({
      workflows: workflows ?? [],
      clock,
      pollMs: policy.pollMs,
    });
  return new Kernel({
    store,
    blobs: store.blobs,
    registry,
    executor,
    sink: toEventSink(options.eventSink, where),
    clock,
    ids,
    liveness: liveness ?? null,
    policy,
    name: name ?? `kernel-${ids.runId()}`,
    maxBatch,
    parallelCommits,
    ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
  });
}

function policyOf(given: Partial<KernelPolicy> | undefined, where: string): KernelPolicy {
  if (given !== undefined) checkObject(where, "policy", given, "an object of bounds");
  const policy: Record<keyof KernelPolicy, number> = { ...DEFAULT_POLICY };
  for (const [field, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(RANGES, field)) {
      throw new InvalidOptionError(
        where,
        `policy.${field}`,
        `left out: the bounds are ${Object.keys(RANGES).join(", ")}`,
        value,
      );
    }
    const [least, most] = RANGES[field as keyof KernelPolicy];
    checkWhole(where, `policy.${field}`, value, least, most);
    policy[field as keyof KernelPolicy] = value;
  }
  return policy;
}
