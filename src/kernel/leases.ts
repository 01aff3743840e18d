/** The leases that this kernel's executions hold, and their heartbeat. It touches nothing but the lease. */
import type { Job } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { AbortReason } from "../ports/executor.ts";
import type { JobTransport, LeaseRef } from "../ports/store.ts";

interface Held {
  readonly ref: LeaseRef;
  readonly worker: string | null;
  abort: (reason: AbortReason) => void;
}

/** What is leased to this kernel's executions. */
export class Leases {
  readonly #jobs: JobTransport;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #held = new Map<string, Held>();
  #stopTimer: (() => void) | null = null;

  constructor(jobs: JobTransport, clock: Clock, leaseMs: number) {
    this.#jobs = jobs;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** Renews a job's lease until it is let go; `abort` is called when the lease is lost or the run cancelled. */
  hold(job: Job, abort: (reason: AbortReason) => void): void {
    const ref = refOf(job);
    this.#held.set(nameOf(ref), { ref, worker: job.worker, abort });
    this.#stopTimer ??= this.#clock.after(this.#leaseMs / 3, () => void this.#beat());
  }

  /** The lease's attempt has ended, or was given back. */
  letGo(job: Job): void {
    this.#held.delete(nameOf(refOf(job)));
  }

  /**
   * Aborts what is executed here for a run up to an epoch: at once for a cancel, without waiting for the next heartbeat. What a rerun has
   * started since is left alone.
   */
  abortRun(runId: string, upToEpoch: number, reason: AbortReason): void {
    for (const { ref, abort } of [...this.#held.values()]) {
      if (ref.runId === runId && ref.epoch <= upToEpoch) abort(reason);
    }
  }

  /** Aborts everything of one worker, or everything. */
  abortAll(reason: AbortReason, worker?: string): void {
    for (const held of [...this.#held.values()]) {
      if (worker === undefined || held.worker === worker) held.abort(reason);
    }
  }

  get size(): number {
    return this.#held.size;
  }

  async #beat(): Promise<void> {
    const leases = [...this.#held.values()].map(({ ref }) => ref);
    if (leases.length > 0) {
      try {
        const { lost } = await this.#jobs.heartbeat({ leases, leaseFor: this.#leaseMs });
        for (const ref of lost) this.#held.get(nameOf(ref))?.abort("lease-lost");
      } catch {
        // A store out of reach: the lease runs on, and the next beat, or the fence at the finish, tells.
      }
    }
    this.#stopTimer =
      this.#held.size === 0 ? null : this.#clock.after(this.#leaseMs / 3, () => void this.#beat());
  }

  /** Stops the heartbeat; leases then run out. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#held.clear();
  }
}

/** Names a job's lease. */
export function refOf(job: Job): LeaseRef {
  return { runId: job.runId, stageId: job.stageId, epoch: job.epoch, token: job.token };
}

function nameOf(ref: LeaseRef): string {
  return `${ref.runId}/${ref.stageId}/${ref.epoch}/${ref.token}`;
}
