/** `run.signal`: wakes the stage that suspended on it; one that comes early is kept for the stage that will. */
import { RunNotFoundError, RunSettledError } from "../../errors.ts";
import { isSettled, type Payload, type StageRecord } from "../../model.ts";
import { type Entry, type Loaded, NOW, type Scope, type StageWrite } from "../../ports/store.ts";
import type { Results, RunSignal } from "../api.ts";
import { type Decision, type Given, stateOf } from "../decision.ts";
import { unleased } from "../jobs.ts";

/** The run with what is suspended on this signal. */
export function scopeSignal(command: RunSignal): Scope {
  return {
    of: "run",
    runId: command.workflowRunId,
    awaiting: command.name,
    ...(command.idempotencyKey === undefined
      ? {}
      : { key: { type: "run.signal", key: command.idempotencyKey } }),
  };
}

/** Grows the run's version either way, so that a stage that suspends at the same time decides again. */
export function decideSignal(
  command: RunSignal,
  payload: Payload,
  hash: string,
  loaded: Loaded,
  given: Given,
): Decision<Results["run.signal"]> {
  const [found] = loaded.runs;
  if (found === undefined) throw new RunNotFoundError(command.workflowRunId);
  const { run } = found;
  if (isSettled(run.status)) throw new RunSettledError(run.id, run.status, "run.signal");
  // A job under a completion check is leased: taking it is fenced by the token, and the check's late answer is a ghost.
  const [job] = found.jobs;
  const record = job && found.stages.find(({ stageId }) => stageId === job.stageId);
  const result = { delivered: job !== undefined && record !== undefined };
  const writes: Partial<Entry> =
    job === undefined || record === undefined
      ? { signals: [{ runId: run.id, id: given.entry, name: command.name, payload }] }
      : {
          jobs: [
            unleased(job, { kind: "execute", checkFailures: 0, dueAt: NOW, signal: null, deadlineAt: null }),
          ],
          stages: [woken(record, command.name, payload)],
        };
  const entry: Entry = {
    id: given.entry,
    runId: run.id,
    command: "run.signal",
    guards: {
      version: run.version,
      // The attempt too: a timer's resumption starts under the same token, and must not be taken for suspended any more.
      ...(job === undefined
        ? {}
        : { jobs: [{ stageId: job.stageId, token: job.token, attempt: job.attempt }] }),
    },
    state: stateOf(run),
    ...writes,
    events: [],
    mark: true,
    ...(command.idempotencyKey === undefined
      ? {}
      : {
          key: {
            expect: null,
            put: {
              type: "run.signal",
              key: command.idempotencyKey,
              hash,
              runId: run.id,
              entry: given.entry,
              createdAt: NOW,
              expiresAt: null,
              open: null,
              result,
            },
          },
        }),
  };
  return { entry, result: () => result };
}

function woken(record: StageRecord, name: string, payload: Payload): StageWrite {
  return { ...record, wake: { kind: "signal", name, payload } };
}
