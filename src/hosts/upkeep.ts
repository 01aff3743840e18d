/** What a host does besides executing jobs: frees stale leases, mends stuck runs, asks suspended stages, delivers events. */
import type { Kernel } from "../kernel/kernel.ts";
import type { Change, Committed, Entry } from "../ports/store.ts";
import { Alarm, Alarms, Flight } from "./flight.ts";
import { delayOf, patience, type StoreTime } from "./store-time.ts";

/** What {@link Upkeep} is made of. */
export interface UpkeepOptions {
  readonly kernel: Kernel;
  readonly time: StoreTime;
  readonly maintenanceMs: number;
  readonly staleThresholdMs: number;
  /** Whether it does what a kernel needs done once, by whichever of its pumps. */
  readonly maintains: boolean;
  readonly onError: (error: unknown, during: string) => void;
  /** Called at each tick: the net under lost wake-ups. */
  readonly onTick: () => void;
}

/** Checks that are asked in one call, and calls at once. A check that hangs holds up those of its call only. */
const CHECKS = 100;
const MAX_POLLS = 8;

/** Deliveries that fall due within so many milliseconds leave together. */
const GATHER_MS = 10;

/** For so long a commit that the feed told of may turn out to be this kernel's own. */
const DOUBT_MS = 20;

/** The maintenance of one host. Its ticks never overlap; delivery and checks have their own pace, so that a slow one doesn't delay reaping. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #ticks: Flight;
  readonly #flushes: Flight;
  readonly #tickAlarm: Alarm;
  readonly #flushAlarms: Alarms;
  readonly #checkAlarm: Alarm;
  readonly #doubtAlarm: Alarm;
  #isUp = false;
  #polls = 0;
  #emptyPolls = 0;
  #pollsEnded: (() => void)[] = [];
  /** Last sequences of runs that this kernel committed, and that the feed told of, lately. */
  readonly #own = new Map<string, number>();
  readonly #told = new Map<string, number>();

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { clock } = options.kernel.ports;
    this.#ticks = new Flight(
      () => this.#tick(),
      (error) => options.onError(error, "maintenance"),
    );
    this.#flushes = new Flight(
      () => this.#flush(),
      (error) => options.onError(error, "delivery"),
    );
    this.#tickAlarm = new Alarm(clock, () => this.#ticks.ask());
    this.#flushAlarms = new Alarms(clock, GATHER_MS, () => this.#flushes.ask());
    this.#checkAlarm = new Alarm(clock, () => void this.#poll());
    this.#doubtAlarm = new Alarm(clock, () => this.#resolveDoubt());
  }

  start(): void {
    this.#isUp = true;
    this.#ticks.ask();
  }

  /** No more ticks; waits for what is under way. */
  async close(): Promise<void> {
    this.#isUp = false;
    for (const alarm of [this.#tickAlarm, this.#flushAlarms, this.#checkAlarm, this.#doubtAlarm])
      alarm.clear();
    await this.#ticks.idle();
    await this.#flushes.idle();
    await this.#pollsIdle();
  }

  /** Checks that are under way. */
  get polls(): number {
    return this.#polls;
  }

  /** Delivers what is due now, once. */
  async deliver(): Promise<void> {
    if (this.#hasSubscribers()) this.#flushes.ask();
    await this.#flushes.idle();
  }

  /** Follows a commit of this kernel: sets the alarms for what it delayed, and sees to its events. */
  follow(entry: Entry, committed: Committed): void {
    if (!this.#options.maintains) return;
    for (const job of entry.jobs ?? []) {
      if (job.worker === null && job.kind !== "execute" && job.dueAt !== null) {
        this.#checkAlarm.within(delayOf(job.dueAt, committed.at));
      }
    }
    if (!this.#hasSubscribers()) return;
    if (entry.events.length > 0) {
      this.#own.set(entry.runId, committed.sequence);
      this.#doubt();
      if (!this.#options.kernel.host.delivers(entry.runId)) this.#flushAlarms.after(1);
    }
    for (const { holder, position, dueAt } of Object.values(entry.cursors ?? {})) {
      if (holder === null && position < committed.sequence) {
        this.#flushAlarms.after(delayOf(dueAt, committed.at) + 1);
      }
    }
  }

  /** Takes note of commits, some of which other kernels made: their events may be this one's to deliver. */
  hear(changes: readonly Change[]): void {
    if (!this.#hasSubscribers()) return;
    for (const change of changes) {
      if (change.kind === "commit" && (this.#own.get(change.runId) ?? -1) < change.sequence) {
        this.#told.set(change.runId, change.sequence);
        this.#doubt();
      }
    }
  }

  #doubt(): void {
    // Asked at every commit, so not even the time is looked at where it is set already.
    if (!this.#doubtAlarm.isSet) this.#doubtAlarm.within(DOUBT_MS);
  }

  #resolveDoubt(): void {
    for (const [runId, sequence] of this.#told) {
      if ((this.#own.get(runId) ?? -1) < sequence) {
        this.#flushes.ask();
        break;
      }
    }
    this.#told.clear();
    this.#own.clear();
  }

  #hasSubscribers(): boolean {
    return this.#options.maintains && this.#options.kernel.ports.sink.subscribers.length > 0;
  }

  async #tick(): Promise<void> {
    const { kernel, maintenanceMs, maintains, onTick } = this.#options;
    if (maintains) await this.#maintain();
    if (!this.#isUp) return;
    if (this.#hasSubscribers()) this.#flushes.ask();
    onTick();
    // Hosts that were started together must not sweep together for ever.
    this.#tickAlarm.within(Math.round(maintenanceMs * (0.75 + 0.5 * kernel.ports.ids.random())));
  }

  async #maintain(): Promise<void> {
    const { kernel, staleThresholdMs } = this.#options;
    await this.#try("freeing stale leases", () =>
      kernel.dispatch({ type: "lease.reapStale", staleThresholdMs }),
    );
    await this.#try("mending stuck runs", () => kernel.dispatch({ type: "run.reapStuck" }));
    await this.#try("writing cursors", () => kernel.host.tidy());
    await this.#try("looking for checks", () => this.#armChecks());
  }

  /** One step's failure doesn't keep the others from their turn. */
  async #try(during: string, step: () => Promise<unknown>): Promise<void> {
    if (!this.#isUp) return;
    try {
      await step();
    } catch (error) {
      this.#options.onError(error, during);
    }
  }

  async #flush(): Promise<void> {
    const { published } = await this.#options.kernel.dispatch({ type: "outbox.flush", maxEvents: 1000 });
    if (published >= 1000 && this.#isUp) this.#flushes.ask();
  }

  async #armChecks(): Promise<void> {
    const at = await this.#options.kernel.host.nextCheckAt();
    if (at === null || !this.#isUp) return;
    this.#checkAlarm.within(Math.max(this.#options.time.until(at), patience(this.#emptyPolls)));
  }

  /** Calls may overlap: each leases what it asks. */
  async #poll(): Promise<void> {
    if (!this.#isUp || this.#polls >= MAX_POLLS) return;
    this.#polls += 1;
    try {
      const polling = this.#options.kernel.dispatch({ type: "stage.pollSuspended", maxChecks: CHECKS });
      // Not after it: a check that hangs must not keep those that are due next from being asked.
      const [{ checked }] = await Promise.all([polling, this.#armChecks()]);
      this.#emptyPolls = checked > 0 ? 0 : this.#emptyPolls + 1;
      if (checked >= CHECKS) this.#checkAlarm.within(0);
      else await this.#armChecks();
    } catch (error) {
      this.#options.onError(error, "asking suspended stages");
    } finally {
      this.#polls -= 1;
      if (this.#polls === 0) for (const resolve of this.#pollsEnded.splice(0)) resolve();
    }
  }

  async #pollsIdle(): Promise<void> {
    if (this.#polls > 0) await new Promise<void>((resolve) => this.#pollsEnded.push(resolve));
  }
}
