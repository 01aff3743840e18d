/**
 * What the store must hold, by the port's own words: a plain second implementation of `commit`, fed with what was committed. The simulator
 * compares the store with it after every step, and the invariants are stated on it.
 */
import {
  type DeadLetter,
  type Event,
  type Graph,
  isSettled,
  type Job,
  type KeyRecord,
  type Run,
  type RunBody,
  type Signal,
  type StageRecord,
} from "../../model.ts";
import { eventId } from "../../ports/journal.ts";
import { stampCursor, stampJob, stampKey, stampLetter, stampStage } from "../../ports/stamp.ts";
import type { Committed, Entry, Registry } from "../../ports/store.ts";

/** One run with all that hangs on it. Rows are replaced, never changed, so a copy of the maps is a snapshot. */
export interface ModelRun {
  readonly head: Run;
  readonly body: RunBody | null;
  readonly jobs: ReadonlyMap<string, Job>;
  readonly stages: ReadonlyMap<string, StageRecord>;
  readonly past: ReadonlyMap<string, StageRecord>;
  readonly letters: ReadonlyMap<string, DeadLetter>;
  readonly signals: ReadonlyMap<string, Signal>;
}

/** A commit as the model followed it. */
export interface Applied {
  readonly before: ModelRun | null;
  /** Null once purged. */
  readonly after: ModelRun | null;
}

/** All runs, keys and subscribers. */
export class Model {
  readonly runs = new Map<string, ModelRun>();
  /** Grows only; also of purged runs. */
  readonly journals = new Map<string, Event[]>();
  readonly keys = new Map<string, KeyRecord>();
  readonly graphs = new Map<string, Graph>();
  readonly purged = new Set<string>();
  registry: Registry = { version: 0, subscribers: [] };

  /** Follows one committed entry. */
  apply(entry: Entry, committed: Committed): Applied {
    const before = this.runs.get(entry.runId) ?? null;
    if (entry.graph !== undefined) this.graphs.set(entry.graph.hash, entry.graph);
    const base = entry.create === undefined ? before : born(entry.create, committed.at);
    let after: ModelRun | null = null;
    if (entry.purge) {
      this.runs.delete(entry.runId);
      this.purged.add(entry.runId);
    } else if (base !== null) {
      after = next(base, entry, committed);
      this.runs.set(entry.runId, after);
      this.#journal(entry, committed, base.head);
    }
    for (const { type, key } of entry.dropKeys ?? []) {
      if (this.keys.get(nameOf(type, key))?.runId === entry.runId) this.keys.delete(nameOf(type, key));
    }
    if (entry.key !== undefined) {
      this.keys.set(nameOf(entry.key.put.type, entry.key.put.key), stampKey(entry.key.put, committed.at));
    }
    for (const record of entry.keepKeys ?? []) this.keys.set(nameOf(record.type, record.key), record);
    return { before, after };
  }

  /** The record of a key that still counts at an instant. */
  key(type: string, key: string, now: number): KeyRecord | null {
    const record = this.keys.get(nameOf(type, key));
    if (record === undefined || (record.expiresAt !== null && record.expiresAt <= now)) return null;
    return record;
  }

  /** Replaces one job's row: claims, heartbeats and releases. */
  putJob(job: Job): void {
    const run = this.runs.get(job.runId);
    if (run !== undefined) {
      this.runs.set(job.runId, { ...run, jobs: new Map(run.jobs).set(job.stageId, job) });
    }
  }

  /** A run's committed events. */
  journal(runId: string): readonly Event[] {
    return this.journals.get(runId) ?? [];
  }

  #journal(entry: Entry, committed: Committed, head: Run): void {
    const journal = this.journals.get(entry.runId) ?? [];
    this.journals.set(entry.runId, journal);
    for (const body of entry.events) {
      const sequence = journal.length + 1;
      journal.push({
        ...body,
        id: eventId(entry.runId, sequence),
        sequence,
        timestamp: committed.at,
        workflowRunId: entry.runId,
        workflowId: head.workflowId,
      });
    }
  }
}

function nameOf(type: string, key: string): string {
  return `${type} ${key}`;
}

function born(create: NonNullable<Entry["create"]>, at: number): ModelRun {
  const fresh = { version: 0, sequence: 0, remaining: 0, active: 0, cursors: {}, entry: "" };
  const head: Run = { ...create, ...fresh, createdAt: at, updatedAt: at, settledAt: null };
  const none = new Map<string, never>();
  return { head, body: null, jobs: none, stages: none, past: none, letters: none, signals: none };
}

function next(run: ModelRun, entry: Entry, { at }: Committed): ModelRun {
  const jobs = new Map(entry.dropJobs === "all" ? [] : run.jobs);
  for (const stageId of entry.dropJobs === "all" ? [] : (entry.dropJobs ?? [])) jobs.delete(stageId);
  for (const job of entry.jobs ?? []) jobs.set(job.stageId, stampJob(job, at));
  const stages = new Map(run.stages);
  for (const stageId of entry.dropStages ?? []) stages.delete(stageId);
  for (const stage of entry.stages ?? []) stages.set(stage.stageId, stampStage(stage, at));
  const past = new Map(run.past);
  for (const stage of entry.past ?? []) past.set(`${stage.epoch}/${stage.stageId}`, stage);
  const letters = new Map(run.letters);
  for (const letter of entry.dropLetters ?? []) letters.delete(letterName(letter));
  for (const letter of entry.letters ?? []) letters.set(letterName(letter), stampLetter(letter, at));
  const signals = new Map(run.signals);
  for (const id of entry.dropSignals ?? []) signals.delete(id);
  for (const signal of entry.signals ?? []) signals.set(signal.id, signal);
  return {
    head: headAfter(run.head, entry, at),
    body: entry.body ?? run.body,
    jobs,
    stages,
    past,
    letters,
    signals,
  };
}

/** How a dead letter is named within its run. */
export function letterName({ subscriber, sequence }: Pick<DeadLetter, "subscriber" | "sequence">): string {
  return `${sequence}/${subscriber}`;
}

function headAfter(run: Run, entry: Entry, at: number): Run {
  const { state, counters = { add: { remaining: 0, active: 0 } } } = entry;
  const cursors = { ...run.cursors };
  for (const [name, cursor] of Object.entries(entry.cursors ?? {})) cursors[name] = stampCursor(cursor, at);
  const head: Run = {
    ...run,
    ...(state === undefined
      ? {}
      : {
          status: state.status,
          epoch: state.epoch,
          group: state.group,
          error: state.error,
          delivered: state.delivered,
        }),
    version: run.version + (state === undefined && entry.create === undefined ? 0 : 1),
    sequence: run.sequence + entry.events.length,
    remaining: "set" in counters ? counters.set.remaining : run.remaining + counters.add.remaining,
    active: "set" in counters ? counters.set.active : run.active + counters.add.active,
    cursors,
    entry: entry.id,
    updatedAt: at,
  };
  return { ...head, settledAt: isSettled(head.status) ? (run.settledAt ?? at) : null };
}
