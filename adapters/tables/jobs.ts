/** The queue's facet of the store: claim, heartbeat, release. */
import type { Job } from "../../src/model.ts";
import { handlerOf } from "../../src/ports/executor.ts";
import { checkCount, checkDuration } from "../../src/ports/limits.ts";
import type { JobTransport, LeaseRef } from "../../src/ports/store.ts";
import { copyRun } from "./copies.ts";
import { replaceJob } from "./rows.ts";
import type { JobSlot, Tables } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/** Does something as one transaction, at once or when its turn has come. */
export type Transact = <Result>(body: (tx: Transaction) => Result) => Result | Promise<Result>;

/** The queue as the engine's port. What it writes is in the change log too, so that the log can be replayed row by row. */
export function jobTransport(transact: Transact): JobTransport {
  return {
    async claim(request) {
      checkCount("claim", "limit", request.limit);
      checkDuration("claim", "leaseFor", request.leaseFor);
      return transact((tx) => claim(tx, request));
    },
    async heartbeat({ leases, leaseFor }) {
      checkDuration("heartbeat", "leaseFor", leaseFor);
      return transact((tx) => {
        const lost = leases.filter((ref) => {
          const slot = heldBy(tx.tables, ref);
          if (slot === null) return true;
          replaceJob(tx, slot, { ...slot.job, leaseUntil: tx.now + leaseFor, renewedAt: tx.now });
          tx.record(ref.runId, "", "job.heartbeat");
          return false;
        });
        return { lost };
      });
    },
    async release({ leases }) {
      return transact((tx) => {
        let released = 0;
        for (const ref of leases) {
          const slot = heldBy(tx.tables, ref);
          if (slot === null) continue;
          replaceJob(tx, slot, freed(slot.job, tx.now));
          tx.record(ref.runId, "", "job.release");
          tellOfDue(tx, slot);
          released += 1;
        }
        return { released };
      });
    },
    async holders() {
      return transact(({ tables }) => [
        ...new Set(Array.from(tables.queue.leased, ({ job }) => job.worker ?? "")),
      ]);
    },
  };
}

function claim(
  tx: Transaction,
  request: Parameters<JobTransport["claim"]>[0],
): Awaited<ReturnType<JobTransport["claim"]>> {
  const { tables, now } = tx;
  const { workerId, limit, leaseFor, only } = request;
  const claimed: { job: Job; run: ReturnType<typeof copyRun> }[] = [];
  const lease = (slot: JobSlot): void => {
    const job: Job = {
      ...slot.job,
      worker: workerId,
      leaseUntil: now + leaseFor,
      renewedAt: now,
      token: slot.job.token + 1,
      started: false,
    };
    replaceJob(tx, slot, job);
    tx.record(job.runId, "", "job.claim");
    claimed.push({ job: { ...job }, run: copyRun(slot.rows.head) });
  };
  if (only === undefined) return { now, claimed, nextDueAt: tables.queue.take(request, now, limit, lease) };
  const slot = tables.runs.get(only.runId)?.jobs.get(only.stageId);
  if (slot !== undefined && limit > 0 && isFor(slot.job, request, now)) lease(slot);
  return { now, claimed, nextDueAt: null };
}

/** Whether a job may be taken out of its turn. A back-off may be cut short, but what a stage waits for has not come before its time. */
function isFor(job: Job, { kinds, handlers }: Parameters<JobTransport["claim"]>[0], now: number): boolean {
  return (
    job.worker === null &&
    job.dueAt !== null &&
    !(job.suspended && job.dueAt > now) &&
    kinds.includes(job.kind) &&
    handlers.has(handlerOf(job.workflowId, job.stageId))
  );
}

function heldBy(tables: Tables, ref: LeaseRef): JobSlot | null {
  const slot = tables.runs.get(ref.runId)?.jobs.get(ref.stageId);
  if (slot === undefined) return null;
  const { job } = slot;
  return job.worker !== null && job.token === ref.token && job.epoch === ref.epoch ? slot : null;
}

function freed(job: Job, now: number): Job {
  return {
    ...job,
    worker: null,
    leaseUntil: 0,
    renewedAt: 0,
    token: job.token + 1,
    started: false,
    dueAt: now,
  };
}

function tellOfDue(tx: Transaction, { rows: { head } }: JobSlot): void {
  const { id, workflowId, status, sequence } = head;
  tx.changes.push({ kind: "commit", runId: id, workflowId, status, sequence, due: true });
}
