/** The leases that this kernel's executions hold, and their heartbeat. It touches nothing but the lease. */
import type { Job } from "../model.ts";
import { type Clock, sleep } from "../ports/clock.ts";
import type { AbortReason } from "../ports/executor.ts";
import type { JobTransport, LeaseRef } from "../ports/store.ts";

type Abort = (reason: AbortReason) => void;

/** What is leased to this kernel's executions. */
export class Leases {
  readonly #jobs: JobTransport;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  /** By the job as it was claimed: names would have to be made up for every stage, and are only needed when a lease is lost. */
  readonly #held = new Map<Job, Abort>();
  #stopTimer: (() => void) | null = null;

  constructor(jobs: JobTransport, clock: Clock, leaseMs: number) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** Renews a job's lease until it is let go; `abort` is called when the lease is lost or the run cancelled. */
  hold(job: Job, abort: (reason: AbortReason) => void): void {
    this.#held.set(job, abort);
    this.#arm();
  }

  /** The next beat doesn't wait for the answer of the one before: a call that hangs must not cost every lease that is held here. */
  #arm(): void {
    this.#stopTimer ??= this.#clock.after(this.#leaseMs / 3, () => {
      this.#stopTimer = null;
      if (this.#held.size === 0) return;
      this.#arm();
      void this.#beat();
    });
  }

  /** The lease's attempt has ended, or was given back: the very job that was held. */
  letGo(job: Job): void {
    this.#held.delete(job);
    // A timer that beats for nobody would keep a Node process from ending.
    if (this.#held.size === 0) {
      this.#stopTimer?.();
      this.#stopTimer = null;
    }
  }

  /**
   * Aborts what is executed here for a run up to an epoch: at once for a cancel, without waiting for the next heartbeat. What a rerun has
   * started since is left alone.
   */
  abortRun(runId: string, upToEpoch: number, reason: AbortReason): void {
    for (const [job, abort] of this.#held) {
      if (job.runId === runId && job.epoch <= upToEpoch) abort(reason);
    }
  }

  /** Aborts everything of one worker, or everything. */
  abortAll(reason: AbortReason, worker?: string): void {
    for (const [job, abort] of this.#held) {
      if (worker === undefined || job.worker === worker) abort(reason);
    }
  }

  get size(): number {
    return this.#held.size;
  }

  /** Asks for one run's leases without waiting for the next beat. */
  recheck(runId: string): void {
    const jobs = [...this.#held.keys()].filter((job) => job.runId === runId);
    if (jobs.length > 0) void this.#beat(jobs);
  }

  async #beat(jobs: readonly Job[] = [...this.#held.keys()]): Promise<void> {
    const leases = jobs.map(refOf);
    try {
      const { lost } = await this.#jobs.heartbeat({ leases, leaseFor: this.#leaseMs });
      if (lost.length === 0) return;
      const names = new Set(lost.map(nameOf));
      for (const [job, abort] of this.#held) if (names.has(nameOf(job))) abort("lease-lost");
    } catch {
      // A store out of reach: the lease runs on, and the next beat, or the fence at the finish, tells.
    }
  }

  /**
   * Renews nothing more for the workers that drained: what of theirs still hangs runs out. What is executed by hand, under this name, is nobody's
   * to drain, and its lease must not run out under its body as if the worker had died.
   */
  stop(byHand: string): void {
    for (const job of [...this.#held.keys()]) if (job.worker !== byHand) this.letGo(job);
  }
}

/** Tries of giving a lease back to a store that is out of reach. */
const RELEASE_TRIES = 8;

/**
 * Gives a lease back uncounted: what went wrong was not the body's fault. While the store is out of reach it goes on trying, without keeping the
 * caller: a lease that ran out instead would count as a crash.
 */
export async function giveBack(jobs: JobTransport, clock: Clock, job: Job): Promise<void> {
  if (await isReleased(jobs, job)) return;
  void (async () => {
    for (let tries = 0; tries < RELEASE_TRIES; tries += 1) {
      await sleep(clock, 100 * 2 ** tries);
      if (await isReleased(jobs, job)) return;
    }
  })();
}

async function isReleased(jobs: JobTransport, job: Job): Promise<boolean> {
  try {
    await jobs.release({ leases: [job] });
    return true;
  } catch {
    return false;
  }
}

/** Names a job's lease. */
export function refOf(job: Job): LeaseRef {
  return { runId: job.runId, stageId: job.stageId, epoch: job.epoch, token: job.token };
}

function nameOf(ref: LeaseRef): string {
  return `${ref.runId}/${ref.stageId}/${ref.epoch}/${ref.token}`;
}
