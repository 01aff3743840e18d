/** Finds work for free slots: due jobs first, then PENDING runs. */
import type { Kernel } from "../kernel/kernel.ts";
import { isSettled } from "../model.ts";
import type { Change, Committed, Entry } from "../ports/store.ts";
import type { Executions } from "./executions.ts";
import { Alarm, Backoff, Flight } from "./flight.ts";
import { delayOf, patience, type StoreTime } from "./store-time.ts";

/** What {@link Claims} is made of. */
export interface ClaimsOptions {
  readonly kernel: Kernel;
  readonly workerId: string;
  readonly executions: Executions;
  readonly time: StoreTime;
  readonly handlers: () => ReadonlySet<string>;
  readonly onError: (error: unknown, during: string) => void;
}

/** Runs that are claimed in one call at most: a commit of each follows. */
const MAX_PENDING = 1000;

/** What one host claims. It remembers whether anything waits, so that an idle store is not asked. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #flight: Flight;
  readonly #alarm: Alarm;
  readonly #backoff = new Backoff();
  #isOpen = false;
  #hasDue = false;
  #hasPending = false;
  #emptyClaims = 0;
  #endPause: (() => void) | null = null;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#flight = new Flight(
      () => this.#claim(),
      (error) => this.#failed(error),
    );
    this.#alarm = new Alarm(options.kernel.ports.clock, () => this.wake({ due: true }));
  }

  /** Whether work waits, or may: for all that is known here. */
  get isWanted(): boolean {
    return this.#hasDue || this.#hasPending || this.#endPause !== null;
  }

  open(): void {
    this.#isOpen = true;
    this.wake({ due: true, pending: true });
  }

  /** Claims nothing more; waits for a claim under way. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#alarm.clear();
    this.#endPause?.();
    this.#endPause = null;
    await this.#flight.idle();
  }

  /** Says what may wait; claims it if there is room. */
  wake({ due = false, pending = false }: { readonly due?: boolean; readonly pending?: boolean } = {}): void {
    this.#hasDue ||= due;
    this.#hasPending ||= pending;
    if (this.#canClaim) this.#flight.ask();
  }

  /** Follows a commit of this kernel: what it made due, or pending, and when. */
  follow(entry: Entry, { at }: Committed): void {
    let due = false;
    for (const job of entry.jobs ?? []) {
      if (job.worker !== null || job.kind !== "execute") continue;
      const delay = delayOf(job.dueAt, at);
      if (delay === 0) due = true;
      else this.#alarm.within(delay);
    }
    const pending = (entry.state ?? entry.create)?.status === "PENDING";
    if (due || pending) this.wake({ due, pending });
  }

  /** Hears of commits, whoever made them. */
  hear(changes: readonly Change[]): void {
    let due = false;
    let pending = false;
    for (const change of changes) {
      if (change.kind !== "commit" || change.status === "PURGED" || isSettled(change.status)) continue;
      if (change.status === "PENDING") pending = true;
      else due ||= change.due;
    }
    if (due || pending) this.wake({ due, pending });
  }

  get #canClaim(): boolean {
    if (!this.#hasDue && !this.#hasPending) return false;
    return this.#isOpen && this.#endPause === null && this.#options.executions.free > 0;
  }

  async #claim(): Promise<void> {
    while (this.#canClaim) {
      if (this.#hasDue) await this.#claimDue();
      if (this.#hasPending && this.#canClaim) await this.#claimPending();
      this.#backoff.succeeded();
    }
  }

  async #claimDue(): Promise<void> {
    const { kernel, workerId, executions, time, handlers } = this.#options;
    const limit = executions.free;
    // Before asking: what becomes due meanwhile must not be forgotten.
    this.#hasDue = false;
    const claim = (): ReturnType<typeof kernel.host.claim> =>
      kernel.host.claim({ workerId, limit, handlers: handlers() });
    try {
      const { jobs, nextDueAt } = await executions.fill(limit, claim, (claimed) => claimed.jobs);
      this.#emptyClaims = jobs.length > 0 ? 0 : this.#emptyClaims + 1;
      if (jobs.length >= limit) this.#hasDue = true;
      else if (nextDueAt !== null && this.#isOpen) {
        this.#alarm.within(Math.max(time.until(nextDueAt), patience(this.#emptyClaims)));
      }
    } catch (error) {
      this.#hasDue = true;
      throw error;
    }
  }

  async #claimPending(): Promise<void> {
    const { kernel, workerId, executions, handlers } = this.#options;
    const { registry, store } = kernel.ports;
    const limit = Math.min(executions.free, MAX_PENDING);
    this.#hasPending = false;
    const claim = (): ReturnType<typeof kernel.host.claimPending> =>
      kernel.host.claimPending(workerId, limit, limit, handlers());
    try {
      const { claimed } = await executions.fill(limit, claim, ({ next }) => next);
      if (claimed >= limit) this.#hasPending = true;
      else {
        // Fewer than asked for: either no more wait, or other kernels were faster with these, and more do.
        const { runs } = await store.load({ of: "pending", workflowIds: registry.ids(), limit: 1 });
        if (runs.length > 0) this.#hasPending = true;
      }
    } catch (error) {
      this.#hasPending = true;
      throw error;
    }
  }

  #failed(error: unknown): void {
    this.#options.onError(error, "claiming jobs");
    this.pause(this.#backoff.failed());
  }

  /** Claims nothing for a while, so that a store in trouble isn't hammered. */
  pause(ms: number): void {
    if (!this.#isOpen || this.#endPause !== null) return;
    const { clock } = this.#options.kernel.ports;
    this.#endPause = clock.after(ms, () => {
      this.#endPause = null;
      this.wake({ due: true, pending: true });
    });
  }
}
