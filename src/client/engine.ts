/** An engine in this process: a kernel, the pump that drives it, and the client. */
import type { Plugin } from "../define/plugin.ts";
import type { Workflow } from "../define/workflow.ts";
import { InvalidOptionError, StoppedError } from "../errors.ts";
import { type Pump, pumpOf, type PumpOptions, type PumpStats } from "../hosts/pump.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { LogBatch, Run } from "../model.ts";
import type { Page, RunFilter, StorageReport } from "../ports/store.ts";
import { kernelOf, type KernelOptions } from "../runner/create-kernel.ts";
import { toEventSink } from "../runner/event-sink.ts";
import { checkKnown, checkList, checkName, checkObject, checkWhole } from "../runner/options.ts";
import { type PluginRunner, pluginRunner } from "../runner/plugin-runner.ts";
import type { Engine, LogQuery, RunHandle, StartOptions } from "./api.ts";
import { defined, type HandleContext, KernelHandle } from "./handle.ts";
import { KeyedCommands } from "./keyed.ts";
import { Watch } from "./watch.ts";

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

class ProcessEngine implements LocalEngine {
  readonly kernel: Kernel;
  readonly #pump: Pump;
  readonly #plugins: PluginRunner;
  readonly #workflows: ReadonlyMap<string, Workflow>;
  readonly #context: HandleContext;
  #isUp = true;
  #stopping: Promise<void> | null = null;

  constructor(kernel: Kernel, pump: Pump, plugins: PluginRunner, workflows: readonly Workflow[]) {
    const { store, clock } = kernel.ports;
    this.kernel = kernel;
    this.#pump = pump;
    this.#plugins = plugins;
    this.#workflows = new Map(workflows.map((workflow) => [workflow.id, workflow]));
    this.#context = {
      kernel,
      watch: new Watch(store, clock),
      keyed: new KeyedCommands(clock),
      assertUp: () => {
        if (!this.#isUp) throw new StoppedError("this engine");
      },
      workflow: (workflowId) => this.#workflows.get(workflowId),
    };
  }

  readonly stats = (): PumpStats => this.#pump.stats();

  async start<Output>(
    workflow: Workflow<unknown, Output> | string,
    input: unknown,
    options: StartOptions = {},
  ): Promise<RunHandle<Output>> {
    const { keyed, assertUp } = this.#context;
    assertUp();
    checkObject("engine.start", "options", options);
    const workflowId = this.#idOf(workflow);
    const idempotencyKey = options.idempotencyKey ?? this.kernel.ports.ids.runId();
    const { workflowRunId } = await keyed.send("run.create", options.idempotencyKey, () =>
      this.#pump.startRun({ ...defined(options), type: "run.create", workflowId, input, idempotencyKey }),
    );
    return new KernelHandle<Output>(this.#context, workflowRunId, workflowId);
  }

  async get(idOrKey: string): Promise<RunHandle | null> {
    const { store } = this.kernel.ports;
    const { runs } = await store.load({ of: "run", runId: idOrKey });
    const run = runs[0]?.run ?? (await store.runByKey(idOrKey));
    return run === null ? null : new KernelHandle(this.#context, run.id, run.workflowId);
  }

  async runs(filter: RunFilter = {}): Promise<Page<Run>> {
    checkObject("engine.runs", "filter", filter);
    return this.kernel.ports.store.runs(filter);
  }

  async logs(query: LogQuery): Promise<readonly LogBatch[]> {
    checkObject("engine.logs", "query", query, "an object with a runId");
    checkName("engine.logs", "query.runId", query.runId);
    return this.kernel.ports.store.logs(query);
  }

  storage(): Promise<StorageReport> {
    return this.kernel.ports.store.storage();
  }

  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    // Before anything is stopped: a call that was refused has done nothing.
    checkObject("engine.stop", "options", options);
    if (options.graceMs !== undefined) checkWhole("engine.stop", "graceMs", options.graceMs, 0);
    this.#stopping ??= this.#stop(options);
    await this.#stopping;
  }

  async destroy(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.stop(options);
    await this.kernel.ports.store.close();
  }

  async #stop(options: { readonly graceMs?: number }): Promise<void> {
    this.#isUp = false;
    this.#context.keyed.close();
    await this.#pump.stop(options);
    this.#plugins.stop();
    this.#context.watch.close();
  }

  /** A workflow of the same id and another graph would be started as the one that the engine was made with. */
  #idOf(workflow: Workflow | string): string {
    if (typeof workflow === "string") return workflow;
    if (typeof workflow?.graph?.hash !== "string") {
      throw new InvalidOptionError(
        "engine.start",
        "workflow",
        "made by build(), or a workflow's id",
        workflow,
      );
    }
    const known = this.#workflows.get(workflow.id);
    if (known !== undefined && known.graph.hash !== workflow.graph.hash) {
      throw new InvalidOptionError(
        "engine.start",
        "workflow",
        `the ${JSON.stringify(known.id)} that the engine was made with`,
        workflow,
      );
    }
    return workflow.id;
  }
}
