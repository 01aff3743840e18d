/** The flow of `job.execute`: start, body, finish; only the decisions commit, and the body runs outside any transaction. */
import {
  IdempotencyInProgressError,
  IdempotencyKeyReusedError,
  InvalidCommandError,
  JobLeasedError,
  JobNotDueError,
  RunNotFoundError,
  StaleVersionError,
  toRecord,
  UnknownStageError,
} from "../errors.ts";
import type { Job, KeyRecord, Payload } from "../model.ts";
import { payloadHash } from "./hash.ts";
import { type Clock, sleep } from "../ports/clock.ts";
import { handlerOf } from "../ports/executor.ts";
import { decodePayload } from "../ports/payload.ts";
import { stampJob } from "../ports/stamp.ts";
import type { ExecuteResult, JobExecute } from "./api.ts";
import { decideFinish, type FinishState, needsOf, type Recorded } from "./commands/job-execute-finish.ts";
import { decideStart } from "./commands/job-execute-start.ts";
import type { Core } from "./core.ts";
import type { LeaseGrant } from "./decision.ts";
import { endsGroup, isFenced, mayDecideAgain, nextOf, transition } from "./follow.ts";
import { hasStage, nodeOf } from "./jobs.ts";
import { giveBack } from "./leases.ts";
import { reapCrashed } from "./reap.ts";
import { KernelObserver, taskOf } from "./task.ts";
import type { WarmRun } from "./warm.ts";

/** Tries of a finish before its attempt's work is given up to another attempt: it has already cost an execution. */
const FINISH_TRIES = 100;

/** An execution's result, and the jobs that its finish leased to the same worker. */
export interface Executed {
  readonly result: ExecuteResult;
  readonly next: readonly Job[];
}

/** A leased job, and what its finish may lease to the same worker. */
interface ExecuteOptions {
  readonly job?: Job;
  readonly grant?: Pick<LeaseGrant, "slots" | "handlers">;
}

/** The open idempotency record of an execution. */
type OpenKey = NonNullable<FinishState["key"]>;

/** Executes one job: claims it first if the caller holds no lease of it. */
export function executeJob(core: Core, command: JobExecute, options: ExecuteOptions = {}): Promise<Executed> {
  const { idempotencyKey } = command;
  if (idempotencyKey === undefined) return execute(core, command, options, null);
  return executeKeyed(core, command, idempotencyKey, options);
}

async function executeKeyed(
  core: Core,
  command: JobExecute,
  key: string,
  options: ExecuteOptions,
): Promise<Executed> {
  const hash = await payloadHash({
    workflowRunId: command.workflowRunId,
    workflowId: command.workflowId,
    stageId: command.stageId,
    config: command.config,
  });
  return core.alone("job.execute", key, async () => {
    const { key: record } = await core.ports.store.load({
      of: "run",
      runId: command.workflowRunId,
      key: { type: "job.execute", key },
    });
    if (record !== null && record.hash !== hash) throw new IdempotencyKeyReusedError("job.execute", key);
    if (record !== null && record.open === null) return { result: await replayed(core, record), next: [] };
    if (record !== null && !(await isAbandoned(core, record)))
      throw new IdempotencyInProgressError("job.execute", key);
    return execute(core, command, options, { key, hash, replaces: record });
  });
}

/** Whether who opened the key no longer holds the job. */
async function isAbandoned(core: Core, record: KeyRecord): Promise<boolean> {
  const { open } = record;
  if (open === null) return false;
  const { runs, now } = await core.ports.store.load({ of: "run", runId: record.runId, jobs: [open.stageId] });
  const job = runs[0]?.jobs[0];
  const held = job !== undefined && job.worker !== null && job.leaseUntil > now;
  return !held || job.token !== open.token || job.epoch !== open.epoch;
}

async function replayed(core: Core, record: KeyRecord): Promise<ExecuteResult> {
  const { output, ...result } = record.result as Omit<ExecuteResult, "output"> & { output: Payload | null };
  if (output === null) return result;
  return { ...result, output: await decodePayload(output, (key) => core.ports.blobs.get(key)) };
}

async function execute(
  core: Core,
  command: JobExecute,
  options: ExecuteOptions,
  key: { readonly key: string; readonly hash: string; readonly replaces: KeyRecord | null } | null,
): Promise<Executed> {
  const claimed = options.job ?? (await leaseOf(core, command));
  // Another kernel may have rerun it: outputs that are remembered of an earlier epoch are not this job's.
  if (core.warm.get(claimed.runId)?.run.epoch !== claimed.epoch) core.warm.drop(claimed.runId);
  const view = core.warm.get(command.workflowRunId) ?? (await core.view(command.workflowRunId));
  check(command, view);
  const node = nodeOf(view.graph, command.stageId);
  // A lease that is lost before the body begins ends the execution too, so it is held from here on.
  let stop: ((reason: "cancelled" | "lease-lost" | "draining") => void) | null = null;
  let stopped: "cancelled" | "lease-lost" | "draining" | null = null;
  core.leases.hold(claimed, (reason) => {
    stopped ??= reason;
    stop?.(reason);
  });
  try {
    const started = claimed.started ? { job: claimed, key: null } : await start(core, claimed, key);
    if (started === null) return { result: ghost("failed"), next: [] };
    const gathered = taskOf(core, view, node, started.job, { config: command.config });
    const task = gathered instanceof Promise ? await gathered : gathered;
    const execution = core.ports.executor.execute(task, new KernelObserver(core, started.job));
    stop = (reason) => execution.abort(reason);
    if (stopped !== null) execution.abort(stopped);
    const outcome = await execution.outcome;
    if (outcome.kind === "aborted") {
      if (outcome.reason === "draining") await core.ports.store.jobs.release({ leases: [started.job] });
      return { result: ghost(outcome.reason === "cancelled" ? "cancelled" : "failed"), next: [] };
    }
    if (outcome.kind === "crashed") {
      await reapCrashed(core, started.job);
      return { result: ghost("failed"), next: [] };
    }
    for (const blob of outcome.blobs) await core.ports.blobs.put(blob.key, blob.data);
    const finished = await finish(core, command, started, outcome, options.grant);
    if (!finished.result.ghost)
      return options.job === undefined ? withOutput(core, finished, outcome) : finished;
    // An entry whose answer was lost may have been in after all: then what looks like a ghost is the winner, and its blobs are the output.
    if (await isRecorded(core, started.job))
      return { result: { ...finished.result, ghost: false }, next: [] };
    // Its blobs stay until the run is purged: the entry may be in after all, a moment after it was asked for.
    return finished;
  } catch (error) {
    // A full or unreachable store is not the body's fault: the lease goes back uncounted, or, where even that fails, runs out.
    await giveBack(core.ports.store.jobs, core.ports.clock, claimed);
    throw error;
  } finally {
    core.leases.letGo(claimed);
  }
}

/** The result for who executes by hand, and so wants the output: a worker that is far sends it once, as its payload. */
async function withOutput(core: Core, executed: Executed, outcome: Recorded): Promise<Executed> {
  if (outcome.kind !== "completed" || executed.result.outcome !== "completed" || "value" in outcome)
    return executed;
  const output = await decodePayload(outcome.output, (key) => core.ports.blobs.get(key));
  return { ...executed, result: { ...executed.result, output } };
}

/** Whether the stage's record was written by this very attempt. */
async function isRecorded(core: Core, job: Job): Promise<boolean> {
  const { runs } = await core.ports.store.load({ of: "run", runId: job.runId, stages: [job.stageId] });
  const record = runs[0]?.stages[0];
  const wrote =
    record?.status === "COMPLETED" || record?.status === "SKIPPED" || record?.status === "SUSPENDED";
  return wrote && record.epoch === job.epoch && record.attempt === job.attempt;
}

function ghost(outcome: ExecuteResult["outcome"]): ExecuteResult {
  return { outcome, ghost: true };
}

function check(command: JobExecute, { run, graph }: WarmRun): void {
  if (run.workflowId !== command.workflowId) {
    throw new InvalidCommandError(
      "job.execute",
      "workflowId",
      `${run.workflowId}, the run's workflow`,
      command.workflowId,
    );
  }
  if (!hasStage(graph, command.stageId)) {
    throw new UnknownStageError(
      run.workflowId,
      command.stageId,
      graph.stages.map(({ id }) => id),
    );
  }
}

/** The job under the caller's token, or claimed now in the kernel's own name. */
async function leaseOf(core: Core, command: JobExecute): Promise<Job> {
  const { workflowRunId: runId, stageId } = command;
  const { store, policy, name } = core.ports;
  const handler = handlerOf(command.workflowId, stageId);
  const hasCode = core.ports.executor.handlers.has(handler);
  if (command.token === undefined && hasCode) {
    const { claimed } = await store.jobs.claim({
      workerId: name,
      handlers: new Set([handler]),
      kinds: ["execute"],
      limit: 1,
      leaseFor: policy.leaseMs,
      only: { runId, stageId },
    });
    const [won] = claimed;
    if (won !== undefined) return won.job;
  }
  const { runs } = await store.load({ of: "run", runId, graph: true, jobs: [stageId], stages: [stageId] });
  const [found] = runs;
  if (found?.graph == null) throw new RunNotFoundError(runId);
  check(command, core.warm.set(found.run, core.intern(found.graph)));
  const [job] = found.jobs;
  if (job === undefined) {
    const [record] = found.stages;
    throw new JobNotDueError(
      runId,
      stageId,
      record === undefined
        ? `the run is ${found.run.status}, and its group has not begun`
        : `it is ${record.status}`,
    );
  }
  if (!hasCode) throw new JobNotDueError(runId, stageId, "this kernel has no code for it");
  if (command.token === undefined) {
    if (job.worker !== null) throw new JobLeasedError(runId, stageId, job.worker);
    throw new JobNotDueError(
      runId,
      stageId,
      job.suspended ? "it is SUSPENDED" : "it was taken and given back at the same time; try again",
    );
  }
  // A started one is being executed under this very token: another execution would share its attempt, and its blobs.
  if (job.token !== command.token || job.worker === null || job.started)
    throw new JobLeasedError(runId, stageId, job.worker);
  return job;
}

/** Commits the start. Null: the lease was lost before it. */
async function start(
  core: Core,
  job: Job,
  key: { readonly key: string; readonly hash: string; readonly replaces: KeyRecord | null } | null,
): Promise<{ job: Job; key: OpenKey | null } | null> {
  for (let tries = 0; tries < FINISH_TRIES; tries += 1) {
    const { run } = await core.view(job.runId);
    const decision = decideStart({ run, job, key }, await core.given());
    if (decision.entry === null) return null;
    const { verdict } = await core.commit(decision.entry);
    if (verdict.status === "committed") {
      // The run fell asleep while this was decided: what resumes in it wakes it.
      if (job.suspended && verdict.version !== run.version && decision.entry.state === undefined) {
        await transition(core, job.runId, null);
      }
      const open = key === null ? null : { key: key.key, hash: key.hash, entry: decision.entry.id };
      return { job: stampJob(decision.result(verdict), verdict.at), key: open };
    }
    if (verdict.status === "invalid") throw verdict.error;
    if (verdict.status === "duplicate") {
      await core.ports.store.jobs.release({ leases: [job] });
      throw new IdempotencyInProgressError("job.execute", verdict.record.key);
    }
    if (isFenced(verdict.guard)) return null;
  }
  throw new StaleVersionError("job.execute", job.runId, "version", FINISH_TRIES);
}

/** Commits the finish: what loses a race for the run decides again, what lost its lease is a ghost. */
async function finish(
  core: Core,
  command: JobExecute,
  started: { readonly job: Job; readonly key: OpenKey | null },
  outcome: Recorded,
  grant: ExecuteOptions["grant"],
): Promise<Executed> {
  const { job, key } = started;
  const fold = command.advance === true;
  let recorded: Recorded = outcome;
  for (let tries = 0; tries < FINISH_TRIES; tries += 1) {
    if (tries > 3) await pause(core.ports.clock, tries, core.ports.ids.random());
    const view = core.warm.get(job.runId) ?? (await viewOrNull(core, job.runId));
    if (view === null) return { result: ghost(resultKind(recorded)), next: [] };
    const node = nodeOf(view.graph, job.stageId);
    const { graph } = view;
    let { run } = view;
    const needs = needsOf({ run, graph, job, node }, recorded);
    let siblings: FinishState["siblings"] = [];
    let signals: FinishState["signals"] = [];
    if (needs.siblings || needs.signals) {
      const { runs } = await core.ports.store.load({
        of: "run",
        runId: job.runId,
        ...(needs.siblings ? { jobs: "all" as const } : {}),
        ...(needs.signals ? { signals: true } : {}),
      });
      const [found] = runs;
      if (found === undefined) return { result: ghost(resultKind(recorded)), next: [] };
      ({ run, jobs: siblings, signals } = found);
    }
    // Only a host goes on with what is leased to it: by hand the next jobs stay in the queue.
    const lease =
      grant !== undefined && job.worker !== null
        ? { ...grant, workerId: job.worker, slots: grant.slots + 1 }
        : null;
    const drawn = core.given(lease);
    const given = drawn instanceof Promise ? await drawn : drawn;
    const decision = decideFinish({ run, graph, job, node, key, siblings, signals }, recorded, fold, given);
    if (decision.entry === null) return { result: decision.result(null), next: [] };
    const { verdict, last } = await core.commit(decision.entry);
    if (verdict.status === "committed") {
      const next = nextOf(decision.entry, verdict);
      if (fold && last && endsGroup(decision.entry, verdict)) {
        next.push(...(await transition(core, job.runId, lease)));
      }
      return { result: decision.result(verdict), next };
    }
    if (verdict.status === "invalid") {
      // What can't be stored fails the stage: trying again would give the same.
      recorded = { kind: "failed", error: toRecord(verdict.error), retryable: false, events: [], blobs: [] };
    } else if (
      verdict.status === "duplicate" ||
      !(await mayDecideAgain(core, decision.entry, verdict.guard))
    ) {
      return { result: ghost(resultKind(recorded)), next: [] };
    }
  }
  throw new StaleVersionError("job.execute", job.runId, "version", FINISH_TRIES);
}

function pause(clock: Clock, tries: number, random: number): Promise<void> {
  return sleep(clock, Math.min(100, 2 ** (tries - 3)) * random);
}

async function viewOrNull(core: Core, runId: string): Promise<WarmRun | null> {
  try {
    return await core.view(runId);
  } catch (error) {
    if (error instanceof RunNotFoundError) return null;
    throw error;
  }
}

function resultKind(outcome: Recorded): ExecuteResult["outcome"] {
  return outcome.kind;
}
