/** An engine in this process: a kernel, the pump that drives it, and the client. */
import { definePlugin, type Plugin } from "../define/plugin.ts";
import type { Workflow } from "../define/workflow.ts";
import { InvalidOptionError, StoppedError } from "../errors.ts";
import { createPump, type Pump, type PumpOptions, type PumpStats } from "../hosts/pump.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { LogBatch, Run } from "../model.ts";
import type { Page, RunFilter, StorageReport } from "../ports/store.ts";
import { createKernel, type KernelOptions } from "../runner/create-kernel.ts";
import { toEventSink } from "../runner/event-sink.ts";
import { createPluginRunner } from "../runner/plugin-runner.ts";
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
  const { plugins = [], concurrency = 64, maintenanceMs, staleThresholdMs, onError } = options;
  if (!Array.isArray(options.workflows)) {
    throw new InvalidOptionError(
      "createEngine",
      "workflows",
      "a list of workflows made by build()",
      options.workflows,
    );
  }
  const eventSink = toEventSink(options.eventSink);
  createPluginRunner({ plugins: plugins.map(definePlugin), eventSink });
  const kernel = createKernel({ ...kernelOptions(options), eventSink });
  const pump = createPump({
    kernel,
    workerId: options.workerId ?? `engine-${kernel.ports.ids.runId()}`,
    concurrency,
    ...defined({ maintenanceMs, staleThresholdMs, onError }),
  });
  pump.start();
  return new ProcessEngine(kernel, pump, options.workflows);
}

/** The kernel checks what it is given, so it is given nothing else. */
function kernelOptions(options: EngineOptions): KernelOptions {
  const {
    store,
    workflows,
    executor,
    clock,
    ids,
    liveness,
    policy,
    name,
    maxBatch,
    parallelCommits,
    leaderEpoch,
  } = options;
  const optional = { executor, clock, ids, liveness, policy, name, maxBatch, parallelCommits, leaderEpoch };
  return { store, workflows, ...defined(optional) };
}

class ProcessEngine implements LocalEngine {
  readonly kernel: Kernel;
  readonly #pump: Pump;
  readonly #workflows: ReadonlyMap<string, Workflow>;
  readonly #context: HandleContext;
  #isUp = true;
  #stopping: Promise<void> | null = null;

  constructor(kernel: Kernel, pump: Pump, workflows: readonly Workflow[]) {
    const { store, clock } = kernel.ports;
    this.kernel = kernel;
    this.#pump = pump;
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
    const workflowId = this.#idOf(workflow);
    const idempotencyKey = options.idempotencyKey ?? this.kernel.ports.ids.runId();
    const { workflowRunId } = await keyed.send("run.create", options.idempotencyKey, () =>
      this.#pump.startRun({ type: "run.create", workflowId, input, ...defined(options), idempotencyKey }),
    );
    return new KernelHandle<Output>(this.#context, workflowRunId, workflowId);
  }

  async get(idOrKey: string): Promise<RunHandle | null> {
    const { store } = this.kernel.ports;
    const { runs } = await store.load({ of: "run", runId: idOrKey });
    const run = runs[0]?.run ?? (await store.runByKey(idOrKey));
    return run === null ? null : new KernelHandle(this.#context, run.id, run.workflowId);
  }

  runs(filter: RunFilter = {}): Promise<Page<Run>> {
    return this.kernel.ports.store.runs(filter);
  }

  logs(query: LogQuery): Promise<readonly LogBatch[]> {
    return this.kernel.ports.store.logs(query);
  }

  storage(): Promise<StorageReport> {
    return this.kernel.ports.store.storage();
  }

  stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async destroy(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.stop(options);
    await this.kernel.ports.store.close();
  }

  async #stop(options: { readonly graceMs?: number }): Promise<void> {
    this.#isUp = false;
    this.#context.keyed.close();
    await this.#pump.stop(options);
    this.#context.watch.close();
  }

  /** A workflow of the same id and another graph would be started as the one that the engine was made with. */
  #idOf(workflow: Workflow | string): string {
    if (typeof workflow === "string") return workflow;
    const known = this.#workflows.get(workflow?.id);
    if (known !== undefined && known.graph.hash !== workflow.graph.hash) {
      throw new InvalidOptionError(
        "engine.start",
        "workflow",
        `the ${JSON.stringify(known.id)} that the engine was made with`,
        workflow,
      );
    }
    return workflow?.id;
  }
}
