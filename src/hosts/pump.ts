/** The pump that drives a kernel on every platform: claim as many jobs as there are free slots, execute, go on with what that leased. */
import { StoreClosedError } from "../errors.ts";
import type { Results, RunCreate } from "../kernel/api.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Clock } from "../ports/clock.ts";
import type { RegisteredWorkflow } from "../ports/registry.ts";
import type { Change, Committed, Entry } from "../ports/store.ts";
import { checkMethods, checkName, checkObject, checkWhole } from "../runner/options.ts";
import { Claims } from "./claims.ts";
import { Executions } from "./executions.ts";
import { StoreTime } from "./store-time.ts";
import { Upkeep } from "./upkeep.ts";

/** What {@link createPump} takes. */
export interface PumpOptions {
  readonly kernel: Kernel;
  /** Names the holder of leases: unique among the workers of a store. */
  readonly workerId: string;
  /** Bodies under way at once, at most. */
  readonly concurrency: number;
  /** Milliseconds between maintenance ticks, of which chance adds or takes off up to a quarter; 1000 by default. */
  readonly maintenanceMs?: number;
  /** Leases that were not renewed for that long are freed; the policy's `leaseMs` by default. */
  readonly staleThresholdMs?: number;
  /** The `workflowId/stageId` that its worker has code for now; all that the kernel's executor has by default. It claims no others. */
  readonly handlers?: () => ReadonlySet<string>;
  /** Whether it sweeps, asks suspended stages and delivers events; true by default. Of several pumps of one kernel, one is enough. */
  readonly maintains?: boolean;
  /** Told of what went wrong and is tried again; `console.error` by default. */
  readonly onError?: (error: unknown, during: string) => void;
}

/** What a pump has done and does. */
export interface PumpStats {
  readonly workerId: string;
  readonly concurrency: number;
  /** Bodies under way. */
  readonly running: number;
  /** Executions that ended, however they did. */
  readonly executed: number;
  /** Errors that were given to `onError`. */
  readonly errors: number;
  /** Whether it takes new work. */
  readonly isUp: boolean;
}

/** Drives a kernel. Made by {@link createPump}. */
export interface Pump {
  readonly workerId: string;
  /** Begins to claim and to sweep. */
  start(): void;
  /**
   * `run.create`; the run's first stages begin in the same commit where there is a free slot and nobody waits.
   *
   * @param workflow what it is made by, where the registry doesn't know it, or knows another of that id
   */
  startRun(command: RunCreate, workflow?: RegisteredWorkflow): Promise<Results["run.create"]>;
  /** Looks for work again: what its worker has code for has changed. */
  wake(): void;
  /**
   * Drains: nothing more is claimed; waits for running bodies up to `graceMs` (30 s by default), then tells them to stop and gives their
   * leases back uncounted. A store in trouble doesn't make it reject.
   *
   * @throws InvalidOptionError
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
  stats(): PumpStats;
}

/** How long bodies that were told to stop may take until they are left to their fate, in milliseconds. */
const ABORT_MS = 5000;

/** Pumps by kernel: the last one that stops ends the kernel's deliveries. */
const pumpsOf = new WeakMap<Kernel, number>();

/**
 * Makes a pump. It doesn't poll for work: it is woken by its kernel's commits, by the store's change feed and by the next due time; its maintenance
 * tick is the net under lost wake-ups.
 *
 * @throws InvalidOptionError
 */
export function createPump(options: PumpOptions): Pump {
  return pumpOf(options, "createPump");
}

/** {@link createPump} under the name of whoever its caller called. */
export function pumpOf(options: PumpOptions, where: string): Pump {
  checkObject(where, "options", options, "an object with a kernel, a workerId and a concurrency");
  checkMethods(where, "kernel", options.kernel, ["dispatch"]);
  const { kernel, workerId, concurrency, maintenanceMs = 1000, onError = report } = options;
  const { staleThresholdMs = kernel.ports.policy.leaseMs, maintains = true } = options;
  const { handlers = () => kernel.ports.executor.handlers } = options;
  checkName(where, "workerId", workerId);
  checkWhole(where, "concurrency", concurrency, 1, 1_000_000);
  checkWhole(where, "maintenanceMs", maintenanceMs, 1);
  checkWhole(where, "staleThresholdMs", staleThresholdMs, 0);
  const chosen = { maintenanceMs, staleThresholdMs, handlers, maintains, onError };
  return new KernelPump({ kernel, workerId, concurrency, ...chosen });
}

function report(error: unknown, during: string): void {
  console.error(`sluice, ${during}:`, error);
}

class KernelPump implements Pump {
  readonly workerId: string;
  readonly #options: Required<PumpOptions>;
  readonly #time: StoreTime;
  readonly #executions: Executions;
  readonly #claims: Claims;
  readonly #upkeep: Upkeep;
  #isUp = false;
  #errors = 0;
  #unsubscribe: (() => void) | null = null;
  #unfollow: (() => void) | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: Required<PumpOptions>) {
    this.#options = options;
    this.workerId = options.workerId;
    this.#time = new StoreTime(options.kernel.ports.clock);
    const shared = {
      ...options,
      time: this.#time,
      onError: (error: unknown, during: string): void => this.#report(error, during),
    };
    this.#executions = new Executions({
      ...shared,
      isWanted: () => this.#claims.isWanted,
      onFree: () => this.#claims.wake(),
      onTrouble: (ms) => this.#claims.pause(ms),
    });
    this.#claims = new Claims({ ...shared, executions: this.#executions });
    this.#upkeep = new Upkeep({ ...shared, onTick: () => this.#claims.wake({ due: true, pending: true }) });
  }

  start(): void {
    if (this.#isUp) return;
    const { kernel } = this.#options;
    this.#isUp = true;
    this.#stopping = null;
    pumpsOf.set(kernel, (pumpsOf.get(kernel) ?? 0) + 1);
    kernel.host.deliverEagerly();
    this.#unfollow ??= kernel.host.onCommitted((entry, committed) => this.#follow(entry, committed));
    this.#unsubscribe = kernel.ports.store.subscribe((changes) => this.#hear(changes));
    this.#executions.open();
    this.#claims.open();
    this.#upkeep.start();
  }

  wake(): void {
    this.#claims.wake({ due: true, pending: true });
  }

  async startRun(command: RunCreate, workflow?: RegisteredWorkflow): Promise<Results["run.create"]> {
    const { kernel, workerId, handlers } = this.#options;
    const executions = this.#executions;
    const graph = workflow?.graph ?? executions.graphOf(command.workflowId);
    const width = graph?.groups[0]?.length ?? 0;
    const slots = this.#isUp && !this.#claims.isWanted ? Math.min(executions.free, width) : 0;
    if (slots <= 0) return (await kernel.host.start(command, null, workflow)).result;
    const lease = { workerId, slots, handlers: handlers() };
    const start = (): ReturnType<typeof kernel.host.start> => kernel.host.start(command, lease, workflow);
    return (await executions.fill(slots, start, ({ next }) => next)).result;
  }

  async stop({ graceMs = 30_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    checkWhole("Pump.stop", "graceMs", graceMs, 0);
    this.#stopping ??= this.#isUp ? this.#drain(graceMs) : Promise.resolve();
    await this.#stopping;
  }

  stats(): PumpStats {
    const { workerId, concurrency } = this.#options;
    const { running, executed } = this.#executions;
    return { workerId, concurrency, running, executed, errors: this.#errors, isUp: this.#isUp };
  }

  #follow(entry: Entry, committed: Committed): void {
    this.#time.tell(committed.at);
    if (!this.#isUp) return;
    this.#claims.follow(entry, committed);
    this.#upkeep.follow(entry, committed);
  }

  #hear(changes: readonly Change[]): void {
    const { kernel, maintains } = this.#options;
    for (const change of maintains ? changes : []) {
      // Cancelled, perhaps elsewhere: what is executed here for it is told now, not at the next heartbeat.
      if (change.kind === "commit" && (change.status === "CANCELLED" || change.status === "PENDING"))
        kernel.host.recheck(change.runId);
    }
    this.#claims.hear(changes);
    this.#upkeep.hear(changes);
  }

  #report(error: unknown, during: string): void {
    if (error instanceof StoreClosedError) {
      // Nothing of a closed store will ever work again, and saying so once is enough.
      if (!this.#isUp) return;
      void this.stop({ graceMs: 0 });
    }
    this.#errors += 1;
    this.#options.onError(error, during);
  }

  async #drain(graceMs: number): Promise<void> {
    const { kernel } = this.#options;
    const { clock, name } = kernel.ports;
    this.#isUp = false;
    this.#unsubscribe?.();
    this.#executions.close();
    const closed = Promise.all([this.#claims.close(), this.#upkeep.close()]);
    const ended = closed.then(() => this.#executions.idle());
    if (!(await within(clock, graceMs, ended))) {
      kernel.host.abort(this.workerId);
      // Checks are leased under the kernel's own name.
      if (this.#upkeep.polls > 0) kernel.host.abort(name);
      await within(clock, ABORT_MS, ended);
    }
    await within(clock, Math.max(graceMs, ABORT_MS), this.#upkeep.deliver());
    const others = (pumpsOf.get(kernel) ?? 1) - 1;
    pumpsOf.set(kernel, others);
    this.#unfollow?.();
    this.#unfollow = null;
    if (others > 0) return;
    try {
      await kernel.host.stop();
    } catch (error) {
      this.#report(error, "giving cursors back");
    }
  }
}

/** Whether something came within so many milliseconds. */
function within(clock: Clock, ms: number, event: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false));
    void event.then(() => {
      cancel();
      resolve(true);
    });
  });
}
