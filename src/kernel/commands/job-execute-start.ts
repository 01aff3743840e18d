/** `job.execute`, first half: the attempt is counted and visible before its body begins. */
import type { Job, KeyRecord, Run } from "../../model.ts";
import { type Entry, type JobWrite, NOW } from "../../ports/store.ts";
import { type Decision, type Given, stateOf } from "../decision.ts";

/** What the start must see: the job as it was claimed, its run, and the key under which it is executed. */
export interface StartState {
  readonly run: Run;
  readonly job: Job;
  readonly key: { readonly key: string; readonly hash: string; readonly replaces: KeyRecord | null } | null;
}

/**
 * Starts an attempt under the lease's token. A resumed stage is active again, and wakes a suspended run.
 */
export function decideStart(state: StartState, given: Given): Decision<JobWrite> {
  const { run, job, key } = state;
  const put: JobWrite = {
    ...job,
    kind: "execute",
    attempt: job.attempt + 1,
    started: true,
    startedAt: NOW,
    leaseUntil: { in: given.policy.leaseMs },
    renewedAt: NOW,
    // `resumes` stays: an attempt that crashes is resumed from the same state again.
    suspended: false,
    signal: null,
  };
  const wakesRun = run.status === "SUSPENDED";
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "job.execute",
    guards: {
      epoch: job.epoch,
      // The attempt too: of two starts under one token, as two callers with the same lease make them, one is enough.
      jobs: [{ stageId: job.stageId, token: job.token, attempt: job.attempt }],
      ...(wakesRun ? { version: run.version } : {}),
    },
    ...(wakesRun ? { state: stateOf(run, { status: "RUNNING" }) } : {}),
    ...(job.suspended ? { counters: { add: { remaining: 0, active: 1 } } } : {}),
    jobs: [put],
    events: [
      {
        type: "stage:started",
        payload: {
          stageId: job.stageId,
          epoch: job.epoch,
          attempt: put.attempt,
          worker: job.worker,
          ...(job.resumes ? { resumed: true } : {}),
        },
      },
    ],
    ...(key === null
      ? {}
      : {
          key: {
            expect: key.replaces?.entry ?? null,
            put: {
              type: "job.execute",
              key: key.key,
              hash: key.hash,
              runId: run.id,
              entry: given.entry,
              createdAt: NOW,
              expiresAt: null,
              open: { stageId: job.stageId, epoch: job.epoch, token: job.token },
              result: null,
            },
          },
        }),
  };
  return { entry, result: () => put };
}
