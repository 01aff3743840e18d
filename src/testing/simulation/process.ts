/** One simulated process: a kernel with its executor and, in workers, its pump, on a store that fails on purpose. */
import type { Workflow } from "../../define/index.ts";
import { createPump, type Pump } from "../../hosts/pump.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { EventSink } from "../../ports/event-sink.ts";
import { type Executor, handlerOf } from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import { createKernel } from "../../runner/create-kernel.ts";
import { inProcessExecutor } from "../../runner/executor.ts";
import { crashingStore, type StoreCall, type StoreFault } from "../crashing-store.ts";
import type { Fault } from "./faults.ts";
import type { Actor } from "./invariants/report.ts";
import { phasesOf } from "./phases.ts";
import type { Lane } from "./scheduler.ts";
import type { Settings } from "./settings.ts";
import type { World } from "./world.ts";

/** What a process is started with. */
export interface ProcessOptions {
  readonly name: string;
  /** Whether it pumps; clients only dispatch commands. */
  readonly worker: boolean;
  /** The workflows that it has code for, bound to it. */
  readonly workflows: (process: Process) => readonly Workflow[];
  /** Stages whose code it doesn't have. */
  readonly lacks: (workflowId: string) => boolean;
  readonly sink: (process: Process) => EventSink;
}

/** See the file's head. */
export class Process implements Actor {
  readonly name: string;
  readonly names: readonly string[];
  readonly lane: Lane;
  readonly kernel: Kernel;
  readonly pump: Pump | null;
  readonly sink: EventSink;
  readonly #world: World;
  readonly #settings: Settings;
  #lastTrouble = Number.NEGATIVE_INFINITY;
  /** Calls whose answers are on their way for long. */
  #awaited = 0;
  #entries = 0;

  constructor(world: World, options: ProcessOptions) {
    this.#world = world;
    this.#settings = world.settings;
    this.name = options.name;
    const { random, scheduler } = world;
    this.lane = scheduler.lane(options.name, {
      skewMs: random.between(-300_000, 300_000),
      rate: 1 + (random.next() - 0.5) * 0.04,
    });
    const workerId = `${options.name}.worker`;
    const kernelName = `${options.name}.kernel`;
    this.names = [workerId, kernelName];
    this.sink = options.sink(this);
    const workflows = options.workflows(this);
    const draw = random.branch();
    const { policy } = this.#settings;
    const store = this.#store();
    this.kernel = createKernel({
      store,
      workflows,
      eventSink: this.sink,
      executor: this.#executor(workflows, options.lacks),
      clock: this.lane.clock,
      ids: {
        runId: () => world.nextRunId(),
        entryId: () => `${options.name}-${(this.#entries += 1)}`,
        random: () => draw.next(),
      },
      liveness: { dead: (workers) => this.#dead(workers) },
      policy,
      name: kernelName,
      maxBatch: random.pick([1, 3, 100]),
      parallelCommits: random.pick([1, 1, 2]),
    });
    this.pump = options.worker
      ? createPump({
          kernel: this.kernel,
          workerId,
          concurrency: random.pick([1, 4, 16]),
          maintenanceMs: this.#settings.maintenanceMs,
          onError: (error, during) => world.note(this.lane.name, `error while ${during}: ${String(error)}`),
        })
      : null;
  }

  get crashed(): boolean {
    return this.lane.crashed;
  }

  isExcused(since: number): boolean {
    return this.crashed || this.lane.paused || this.#awaited > 0 || this.#lastTrouble >= since;
  }

  /** Notes that something happened that may cost it a lease. */
  troubled(): void {
    this.#lastTrouble = this.#world.scheduler.now;
  }

  /** Its end. */
  crash(): void {
    this.lane.crash();
    this.#world.crashed(this);
  }

  /** Stands still for longer than its leases. */
  pause(): void {
    const { leaseMs } = this.#settings.policy;
    const ms = Math.round(leaseMs * (1.1 + this.#world.random.next() * 1.5));
    this.#world.note(this.name, `stands still for ${ms} ms`);
    this.troubled();
    this.lane.pause(ms);
    // Trouble until it is over: what it lost meanwhile is explained by the end of the pause.
    this.#world.scheduler.clock.after(ms, () => this.troubled());
  }

  /** Goes on, if it stood still. */
  wake(): void {
    if (!this.lane.paused) return;
    this.troubled();
    this.lane.wake();
  }

  async #dead(workers: readonly string[]): Promise<readonly string[]> {
    await this.lane.gate("liveness");
    return workers.filter((worker) => this.#world.isReportedDead(worker));
  }

  #executor(workflows: readonly Workflow[], lacks: (workflowId: string) => boolean): Executor {
    const real = inProcessExecutor({
      workflows,
      clock: this.lane.clock,
      pollMs: this.#settings.policy.pollMs,
    });
    const handlers = new Set<string>();
    for (const { id, stages } of workflows) {
      if (!lacks(id)) for (const stageId of stages.keys()) handlers.add(handlerOf(id, stageId));
    }
    const check = (handler: string): void => {
      if (!handlers.has(handler)) {
        this.#world.report("handlers", `${this.name} executes ${handler} and has no code for it`);
      }
    };
    return {
      handlers,
      execute: (task, observer) => {
        check(handlerOf(task.workflowId, task.stage.id));
        return real.execute(task, observer);
      },
      check: (task, observer) => {
        check(handlerOf(task.workflowId, task.stage.id));
        return real.check(task, observer);
      },
    };
  }

  #store(): Store {
    const world = this.#world;
    const late = new WeakSet<StoreCall>();
    const heard: (() => void)[] = [];
    let interrupted: { readonly phases: readonly string[]; readonly fault: Fault } | null = null;
    return crashingStore(world.store, {
      writes: world.writes,
      before: async (call) => {
        const phases = phasesOf(call);
        await this.lane.gate(labelOf(call, phases), world.latency());
        interrupted = null;
        const fault = world.strike(this, phases);
        if (fault === null) return null;
        interrupted = fault === "crash-during" || fault === "torn" ? { phases, fault } : null;
        return this.#befall(call, fault, late);
      },
      done: (call, result) => {
        // What was to be interrupted had fewer writes than that, and was done after all.
        if (interrupted !== null) world.missed(interrupted.phases, interrupted.fault);
        interrupted = null;
        world.observe(this, call, result);
      },
      after: async (call) => {
        const label = `${labelOf(call, [call.method])} answered`;
        if (!late.has(call)) return this.lane.gate(label, world.latency());
        await this.lane.gate(label, this.#settings.policy.leaseMs * (0.5 + world.random.next()));
        this.#awaited -= 1;
        this.troubled();
      },
      crash: () => {
        world.note(this.name, "crashed");
        this.crash();
      },
      feed: (_, pass) => {
        if (this.crashed || world.losesFeed()) return;
        heard.push(pass);
        // Hints come together: one gate for each would be half of all that is opened.
        if (heard.length > 1) return;
        void this.lane.gate("feed", world.latency()).then(() => {
          for (const hear of heard.splice(0)) hear();
        });
      },
    });
  }

  async #befall(call: StoreCall, fault: Fault, late: WeakSet<StoreCall>): Promise<StoreFault | null> {
    const { random } = this.#world;
    const touchesLeases = call.method === "heartbeat" || call.method === "release";
    if (touchesLeases) this.troubled();
    switch (fault) {
      case "pause-before":
        this.pause();
        await this.lane.gate("goes on");
        return null;
      case "pause-after":
        this.pause();
        return null;
      case "delay":
        await this.lane.gate("arrives late", random.between(50, this.#settings.policy.leaseMs));
        if (touchesLeases) this.troubled();
        return null;
      case "late":
        late.add(call);
        // What it leases by this call, or together with it, can't be renewed before it knows.
        this.#awaited += 1;
        this.troubled();
        return null;
      case "false-death":
        this.#world.reportFalseDeath();
        return null;
      case "crash-during":
      case "torn":
        return { kind: fault, write: call.method === "claim" ? 0 : random.pick([0, 0, 1, 1, 2, 3]) };
      case "crash-before":
      case "crash-after":
      case "down":
      case "full":
      case "lost-before":
      case "lost-after":
        return { kind: fault };
      default:
        throw new RangeError(`${fault} doesn't befall calls of the store`);
    }
  }
}

/** A call in the trace: what it is, and about which runs. */
function labelOf(call: StoreCall, phases: readonly string[]): string {
  const about = (runIds: readonly string[]): string =>
    `${phases.join(" + ")} ${[...new Set(runIds)].join(" ")}`;
  switch (call.method) {
    case "commit":
      return about(call.entries.map(({ runId }) => runId));
    case "load":
      return about("runId" in call.scope && call.scope.runId !== undefined ? [call.scope.runId] : []);
    case "heartbeat":
    case "release":
      return about(call.leases.map(({ runId }) => runId));
    case "blob.put":
    case "blob.get":
      return about([call.key.runId]);
    default:
      return about("runId" in call ? [call.runId] : []);
  }
}
