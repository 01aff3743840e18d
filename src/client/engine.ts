/** An engine in this process: a kernel, the pump that drives it, and the client. */
import type { Plugin } from "../define/plugin.ts";
import type { Workflow } from "../define/workflow.ts";
import { localBackend } from "../hosts/remote/backend.ts";
import { type Pump, pumpOf, type PumpOptions, type PumpStats } from "../hosts/pump.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { kernelOf, type KernelOptions } from "../runner/create-kernel.ts";
import { toEventSink } from "../runner/event-sink.ts";
import { checkKnown, checkList, checkObject } from "../runner/options.ts";
import { type PluginRunner, pluginRunner } from "../runner/plugin-runner.ts";
import type { Engine } from "./api.ts";
import { EngineClient, type StopOptions } from "./client.ts";
import { defined } from "./handle.ts";

/** What {@link createEngine} takes: the workflows, the store, and whatever else a kernel or its pump can be given. */
export interface EngineOptions
  extends Omit<KernelOptions, "registry" | "workflows">,
    Pick<PumpOptions, "maintenanceMs" | "staleThresholdMs" | "onError"> {
  readonly workflows: readonly Workflow[];
  /** Each is subscribed under its name. */
  readonly plugins?: readonly Plugin[];
  /** Bodies under way at once, at most; 64 by default. */
  readonly concurrency?: number;
  /** Names the holder of leases; unique among the workers of a store, and random by default. */
  readonly workerId?: string;
}

/** An engine that runs in this process. */
export interface LocalEngine extends Engine {
  /** Takes commands that the client has no method for. */
  readonly kernel: Kernel;
  readonly stats: () => PumpStats;
}

/**
 * Makes an engine that runs workflows in this process, and starts it: runs that the store holds go on where they were.
 *
 * Its timers keep a Node process alive until `stop()`.
 *
 * @example
 * const engine = createEngine({ workflows: [pipeline], store: memoryStore() });
 * const run = await engine.start(pipeline, { text }, { idempotencyKey: "upload-7" });
 * console.log(await run.result());
 * await engine.stop();
 *
 * @throws InvalidOptionError for an option that can't be; DefinitionError for two workflows of one id; DuplicateSubscriberError
 */
export function createEngine(options: EngineOptions): LocalEngine {
  checkObject(WHERE, "options", options, "an object with workflows and a store");
  checkKnown(WHERE, options, known);
  const { workflows, plugins = [], concurrency = 64, maintenanceMs, staleThresholdMs, onError } = options;
  checkList(WHERE, "workflows", workflows, "a list of workflows made by build()");
  const eventSink = toEventSink(options.eventSink, WHERE);
  const kernel = kernelOf({ ...kernelOptions(options), eventSink }, WHERE);
  const pump = pumpOf(
    {
      kernel,
      workerId: options.workerId ?? `engine-${kernel.ports.ids.runId()}`,
      concurrency,
      ...defined({ maintenanceMs, staleThresholdMs, onError }),
    },
    WHERE,
  );
  // Last, for the sink is the caller's: an engine that wasn't made must leave nobody subscribed to it.
  const runner = pluginRunner({ plugins, eventSink }, WHERE);
  try {
    pump.start();
    return new ProcessEngine(kernel, pump, runner, workflows);
  } catch (error) {
    runner.stop();
    throw error;
  }
}

const WHERE = "createEngine";

/** The options by who is given them. The compiler checks that none is missing. */
const known: ReadonlySet<string> = new Set(
  Object.keys({
    store: true,
    workflows: true,
    eventSink: true,
    executor: true,
    clock: true,
    ids: true,
    liveness: true,
    policy: true,
    name: true,
    maxBatch: true,
    parallelCommits: true,
    leaderEpoch: true,
    plugins: true,
    concurrency: true,
    workerId: true,
    maintenanceMs: true,
    staleThresholdMs: true,
    onError: true,
  } satisfies Record<keyof EngineOptions, true>),
);

/** What of an engine's options is its kernel's. */
function kernelOptions(options: EngineOptions): KernelOptions {
  const { plugins, concurrency, workerId, maintenanceMs, staleThresholdMs, onError, ...others } = options;
  const { store, workflows, ...optional } = others;
  return { store, workflows, ...defined(optional) };
}

class ProcessEngine extends EngineClient implements LocalEngine {
  readonly kernel: Kernel;
  readonly stats: () => PumpStats;

  constructor(kernel: Kernel, pump: Pump, plugins: PluginRunner, workflows: readonly Workflow[]) {
    super({
      backend: localBackend(kernel, (command) => pump.startRun(command)),
      clock: kernel.ports.clock,
      ids: kernel.ports.ids,
      workflows,
      isRemote: false,
      onStop: async (options) => {
        await pump.stop(options);
        plugins.stop();
      },
    });
    this.kernel = kernel;
    this.stats = () => pump.stats();
  }

  override async destroy(options: StopOptions = {}): Promise<void> {
    await super.destroy(options);
    await this.kernel.ports.store.close();
  }
}
