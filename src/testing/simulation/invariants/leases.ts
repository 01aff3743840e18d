/** Who may write about a job: leases, tokens, attempts and their bounds. */
import type { Graph, Job } from "../../../model.ts";
import type { Claimed, Entry, JobWrite, StageWrite } from "../../../ports/store.ts";
import type { Applied } from "../model.ts";
import type { Actor, Report } from "./report.ts";

/** Commands that act under a lease's token. */
const UNDER_LEASE = new Set(["job.execute", "stage.pollSuspended", "lease.reapStale"]);

/** What the invariants ask the simulation. */
export interface LeaseWorld {
  /** Who leases under that name. */
  owner(name: string): Actor | undefined;
  /** Milliseconds after which an unrenewed lease is stale. */
  readonly staleMs: number;
}

/** Tokens by run and stage. */
export class LeaseRules {
  readonly #tokens = new Map<string, number>();
  readonly #report: Report;
  readonly #world: LeaseWorld;

  constructor(report: Report, world: LeaseWorld) {
    this.#report = report;
    this.#world = world;
  }

  /** A job was leased by a claim. */
  claimed(before: Job | undefined, { job }: Claimed, now: number): void {
    const name = `job ${job.stageId} of run ${job.runId}`;
    if (before === undefined) this.#report("leases", `${name} was claimed and isn't there`);
    else if (before.worker !== null) {
      this.#report("leased once", `${name} was claimed by ${job.worker} while ${before.worker} leased it`);
    } else if (job.token <= before.token) {
      this.#report("tokens", `${name} was claimed, and its token went from ${before.token} to ${job.token}`);
    } else if (job.leaseUntil <= now) this.#report("leases", `${name} was claimed with a lease that is over`);
    this.#token(job);
  }

  #token(job: Pick<Job, "runId" | "stageId" | "token">): void {
    // Over the epochs too: a token of an earlier one must never fit a job of a later one.
    const name = `${job.runId}/${job.stageId}`;
    const highest = this.#tokens.get(name) ?? -1;
    if (job.token < highest) {
      this.#report("tokens", `the token of ${name} went from ${highest} to ${job.token}`);
    }
    this.#tokens.set(name, job.token);
  }

  /** Looks at one commit. */
  check(entry: Entry, { before, after }: Applied, graph: Graph, actor: Actor, now: number): void {
    const dropped = entry.dropJobs === "all" ? [...(before?.jobs.keys() ?? [])] : (entry.dropJobs ?? []);
    const puts = new Map((entry.jobs ?? []).map((job) => [job.stageId, job]));
    const records = new Map((entry.stages ?? []).map((stage) => [stage.stageId, stage]));
    const reaped = new Set(
      entry.events.flatMap((event) => (event.type === "lease:reaped" ? [event.payload.stageId] : [])),
    );
    for (const stageId of new Set([...dropped, ...puts.keys()])) {
      const job = before?.jobs.get(stageId);
      const put = puts.get(stageId);
      if (put !== undefined) this.#token(put);
      if (job === undefined || job.epoch !== after?.head.epoch) continue;
      if (!UNDER_LEASE.has(entry.command)) continue;
      this.#guarded(entry, job);
      const record = records.get(stageId);
      // A sibling's failure cancels what nobody executes.
      if (record?.status === "CANCELLED") continue;
      // Entries of siblings may be folded into one, so the command alone doesn't tell what was done about which job.
      if (reaped.has(stageId)) this.#reaped(job, put ?? record, now);
      else if (put?.started === true || job.started) this.#execution(job, put, record, actor);
      else this.#held(job, actor, "checked");
    }
    for (const job of after?.jobs.values() ?? []) this.#bounds(job, graph);
  }

  /** Every write after a claim carries the lease's token. */
  #guarded(entry: Entry, job: Job): void {
    const guard = entry.guards.jobs?.find(({ stageId }) => stageId === job.stageId);
    if (guard?.token !== job.token) {
      this.#report(
        "fencing",
        `${entry.command} wrote about ${job.stageId} of run ${job.runId} under token ${guard?.token ?? "none"}; its token is ${job.token}`,
      );
    }
  }

  #held(job: Job, actor: Actor, what: string): boolean {
    if (job.worker !== null && actor.names.includes(job.worker)) return true;
    this.#report(
      "fencing",
      `${actor.names.join("/")} ${what} ${job.stageId} of run ${job.runId}, which ${job.worker ?? "nobody"} leases`,
    );
    return false;
  }

  /** A start, a finish or a requeue by who executes the job. */
  #execution(job: Job, put: JobWrite | undefined, record: StageWrite | undefined, actor: Actor): void {
    if (!this.#held(job, actor, "wrote about")) return;
    const name = `stage ${job.stageId} of run ${job.runId}`;
    if (put?.started === true) {
      if (put.attempt !== job.attempt + 1 || job.started) {
        this.#report(
          "attempts",
          `${name} was started as attempt ${put.attempt} after ${job.attempt}, ${job.started ? "" : "not "}under way`,
        );
      }
    } else if (!job.started)
      this.#report("attempts", `${name} was finished under a lease that had not started it`);
    if (record !== undefined && (record.attempt !== job.attempt || record.worker !== job.worker)) {
      this.#report(
        "fencing",
        `attempt ${record.attempt} of ${name} wrote while attempt ${job.attempt} held the lease`,
      );
    }
  }

  /** Frees what is over or whose worker is dead, and counts a crash only where there was one. */
  #reaped(job: Job, put: Pick<JobWrite, "crashes"> | undefined, now: number): void {
    const name = `${job.stageId} of run ${job.runId}`;
    const owner = job.worker === null ? undefined : this.#world.owner(job.worker);
    const over = job.leaseUntil <= now || job.renewedAt + this.#world.staleMs <= now;
    if (job.worker === null) this.#report("reaping", `${name} was reaped, and nobody leased it`);
    else if (owner === undefined)
      this.#report("reaping", `${name} was leased to ${job.worker}, which is nobody`);
    else if (!over && !owner.crashed && !owner.isExcused(job.renewedAt)) {
      this.#report(
        "reaping",
        `${name} was reaped from ${job.worker}, which lives and whose lease was not over`,
      );
    }
    const counted = (put?.crashes ?? 0) - job.crashes;
    // A completion check is user code as well as a body.
    const underWay = job.started || job.kind === "check";
    if (counted !== (underWay ? 1 : 0)) {
      this.#report(
        "crashes",
        `the reaping of ${name} counted ${counted} crashes, ${underWay ? "" : "not "}under way`,
      );
    }
    if (underWay && owner !== undefined && !owner.crashed && !owner.isExcused(job.renewedAt)) {
      this.#report(
        "crashes",
        `a crash was counted for ${name}, and its worker ${job.worker} lives undisturbed`,
      );
    }
  }

  #bounds(job: Job, graph: Graph): void {
    const policy = graph.stages.find(({ id }) => id === job.stageId)?.policy;
    if (policy === undefined) return;
    if (job.failures >= policy.maxAttempts || job.crashes >= policy.maxCrashes) {
      this.#report(
        "bounds",
        `${job.stageId} of run ${job.runId} goes on after ${job.failures} failures of ${policy.maxAttempts} and ${job.crashes} crashes of ${policy.maxCrashes}`,
      );
    }
  }
}
