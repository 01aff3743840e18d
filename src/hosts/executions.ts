/** The slots of a host, and the jobs that are executed in them. */
import type { Kernel } from "../kernel/kernel.ts";
import type { Graph, Job } from "../model.ts";
import { sleep } from "../ports/clock.ts";
import { Backoff } from "./flight.ts";

/** What {@link Executions} is made of. */
export interface ExecutionsOptions {
  readonly kernel: Kernel;
  readonly workerId: string;
  readonly concurrency: number;
  readonly handlers: () => ReadonlySet<string>;
  readonly onError: (error: unknown, during: string) => void;
  /** Whether work waits for slots, for all that is known. */
  readonly isWanted: () => boolean;
  /** A slot has become free. */
  readonly onFree: () => void;
  /** An execution failed in the store, and its job is due again: nothing should be claimed for so many milliseconds. */
  readonly onTrouble: (ms: number) => void;
}

/** How long executions go on from one to the next before the platform has a turn, in milliseconds. */
const BREATH_MS = 10;

/** The jobs that one host executes: never more at once than it has slots. */
export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #kernel: Kernel;
  readonly #backoff = new Backoff();
  #isOpen = false;
  #running = 0;
  #executed = 0;
  /** Slots held for claims and starts under way. */
  #reserved = 0;
  /** Slots that finishes under way may lease into; only other promises respect them. */
  #promised = 0;
  /** Releases under way. */
  #returning = 0;
  #breath: Promise<void> | null = null;
  #breathedAt = 0;
  #idle: (() => void)[] = [];

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#kernel = options.kernel;
  }

  get running(): number {
    return this.#running;
  }

  get executed(): number {
    return this.#executed;
  }

  get free(): number {
    return this.#options.concurrency - this.#running - this.#reserved;
  }

  /** The graph of a workflow's present version. */
  graphOf(workflowId: string): Graph | undefined {
    return this.#kernel.ports.registry.get(workflowId)?.graph;
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Takes no more jobs; what is leased anyhow is given back. */
  close(): void {
    this.#isOpen = false;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (!this.#isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Holds slots while jobs for them are asked for, and then executes what came. */
  async fill<Result>(
    slots: number,
    ask: () => Promise<Result>,
    jobsOf: (result: Result) => readonly Job[],
  ): Promise<Result> {
    this.#reserved += slots;
    let result: Result;
    try {
      result = await ask();
    } catch (error) {
      this.#reserved -= slots;
      this.#freed();
      throw error;
    }
    this.#reserved -= slots;
    this.#take(jobsOf(result), this.free);
    this.#freed();
    return result;
  }

  /** Begins jobs that are leased to this worker; those that there is no slot for go back. */
  #take(jobs: readonly Job[], free: number): void {
    const room = this.#isOpen ? Math.max(0, free) : 0;
    if (this.#running === 0) this.#breathedAt = this.#kernel.ports.clock.now();
    for (const job of jobs.slice(0, room)) {
      this.#running += 1;
      void this.#execute(job);
    }
    if (jobs.length > room) void this.#giveBack(jobs.slice(room));
  }

  /** Executes a job, and in the same slot what its finish leased, and so on. */
  async #execute(first: Job): Promise<void> {
    for (let job: Job | undefined = first; job !== undefined; ) {
      const breath = this.#breathe();
      if (breath !== null) await breath;
      const promised = this.#promise(job);
      let next: readonly Job[] = [];
      try {
        ({ next } = await this.#kernel.host.execute(job, promised, this.#options.handlers()));
        this.#backoff.succeeded();
      } catch (error) {
        this.#options.onError(error, `executing stage ${job.stageId} of run ${job.runId}`);
        this.#options.onTrouble(this.#backoff.failed());
      }
      this.#promised -= promised;
      this.#executed += 1;
      // While closing, the chain ends: what this finish leased is another worker's to do.
      job = this.#isOpen ? next[0] : undefined;
      const rest = job === undefined ? next : next.slice(1);
      // They are started already: a claim under way, whose jobs are not, gives way to them.
      if (rest.length > 0) this.#take(rest, this.free + this.#reserved);
    }
    this.#running -= 1;
    this.#freed();
  }

  /**
   * Lets the platform have a turn now and then. With a store in memory and bodies that don't wait, the whole engine is one chain of
   * promises, before whose end no timer, no request and no frame would ever come.
   */
  #breathe(): Promise<void> | null {
    const { clock } = this.#kernel.ports;
    if (this.#breath === null && clock.now() - this.#breathedAt >= BREATH_MS) {
      this.#breath = sleep(clock, 0).then(() => {
        this.#breath = null;
        this.#breathedAt = clock.now();
      });
    }
    return this.#breath;
  }

  /**
   * How many slots besides its own a finish may lease the next group into. Each slot is promised once, and only while nobody waits for it; if
   * it is taken when the finish comes, the job goes back to the queue.
   */
  #promise(job: Job): number {
    if (!this.#isOpen || this.#options.isWanted()) return 0;
    const groups = this.graphOf(job.workflowId)?.groups;
    const width = groups?.[job.group]?.length === 1 ? (groups[job.group + 1]?.length ?? 1) : 1;
    const slots = Math.max(0, Math.min(width - 1, this.free - this.#promised));
    this.#promised += slots;
    return slots;
  }

  /** Gives leases back uncounted; those that can't be given back expire. */
  async #giveBack(jobs: readonly Job[]): Promise<void> {
    const leases = jobs.map(({ runId, stageId, epoch, token }) => ({ runId, stageId, epoch, token }));
    this.#returning += 1;
    try {
      await this.#kernel.ports.store.jobs.release({ leases });
    } catch (error) {
      this.#options.onError(error, "giving leases back");
    } finally {
      this.#returning -= 1;
      this.#freed();
    }
  }

  #freed(): void {
    if (this.#isOpen) this.#options.onFree();
    else if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#running === 0 && this.#reserved === 0 && this.#returning === 0;
  }
}
