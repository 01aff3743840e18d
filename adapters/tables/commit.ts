/** One entry after the other: its guards are checked, its rows made ready, and only then is anything written. */
import { type Cursor, isSettled, type Run } from "../../src/model.ts";
import { stampCursor, stampJob, stampKey, stampLetter, stampStage } from "../../src/ports/stamp.ts";
import type { Committed, Entry, GuardName, Guards, Verdict } from "../../src/ports/store.ts";
import {
  copyBody,
  copyError,
  copyEvents,
  copyGraph,
  copyKey,
  copyLetter,
  copySignal,
  copyStage,
  own,
} from "./copies.ts";
import {
  appendJournal,
  deleteRun,
  dropJob,
  dropKey,
  dropLetter,
  dropSignal,
  dropStage,
  insertRun,
  putBody,
  putGraph,
  putHead,
  putJob,
  putKey,
  putLetter,
  putPast,
  putSignal,
  putStage,
} from "./rows.ts";
import { isLive, type RunRows, type Tables } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/** Commits one entry, or leaves nothing of it. Throws only what a fault throws, and the transaction is then rolled back. */
export function commitEntry(tx: Transaction, entry: Entry): Verdict {
  const { tables } = tx;
  const rows = tables.runs.get(entry.runId);
  const fallen = fallenGuard(tables, entry, rows);
  if (fallen !== null) return { status: "stale", guard: fallen };
  const clash = fallenKey(tx, entry);
  if (clash !== null) return clash;
  let ready: Ready;
  try {
    ready = makeReady(tx, entry, rows);
  } catch (error) {
    return { status: "invalid", error: error instanceof Error ? error : new Error(String(error)) };
  }
  const committed = write(tx, entry, ready, rows);
  tx.record(entry.runId, entry.id, entry.command);
  return committed;
}

function fallenGuard(tables: Tables, entry: Entry, rows: RunRows | undefined): GuardName | null {
  const { guards } = entry;
  const absent = entry.create !== undefined || guards.gone === true;
  if (absent === (rows !== undefined)) return "run";
  const fallen = rows === undefined ? null : fallenOf(rows, guards);
  if (fallen !== null) return fallen;
  return guards.registry === undefined || guards.registry === tables.registry.version ? null : "registry";
}

function fallenOf(rows: RunRows, guards: Guards): GuardName | null {
  const { head } = rows;
  if (guards.version !== undefined && guards.version !== head.version) return "version";
  if (guards.epoch !== undefined && guards.epoch !== head.epoch) return "epoch";
  if (guards.remaining !== undefined && guards.remaining !== head.remaining) return "remaining";
  if (guards.active !== undefined && guards.active !== head.active) return "active";
  if (guards.jobs?.some((guard) => !holdsJob(rows, guard))) return "job";
  if (guards.cursors?.some(({ subscriber, token }) => tokenOf(head, subscriber) !== token)) return "cursor";
  return null;
}

function holdsJob(rows: RunRows, guard: NonNullable<Guards["jobs"]>[number]): boolean {
  const job = rows.jobs.get(guard.stageId)?.job;
  return (
    job !== undefined &&
    job.token === guard.token &&
    (guard.attempt === undefined || guard.attempt === job.attempt) &&
    (guard.leaseUntil === undefined || guard.leaseUntil === job.leaseUntil)
  );
}

function tokenOf({ cursors }: Run, subscriber: string): number {
  return Object.hasOwn(cursors, subscriber) ? (cursors[subscriber]?.token ?? 0) : 0;
}

/** An idempotency record that stands in the way, or that should stand there and doesn't. */
function fallenKey(tx: Transaction, { key }: Entry): Verdict | null {
  if (key === undefined) return null;
  const found = tx.tables.key(key.put.type, key.put.key)?.record;
  const record = found !== undefined && isLive(found, tx.now) ? found : null;
  if (record === null) return key.expect === null ? null : { status: "stale", guard: "key" };
  return record.entry === key.expect ? null : { status: "duplicate", record: copyKey(record) };
}

/** An entry's rows as they will stand in the tables: private, checked and stamped. */
type Ready = ReturnType<typeof makeReady>;

function makeReady(tx: Transaction, entry: Entry, rows: RunRows | undefined) {
  const { now } = tx;
  const base = entry.create === undefined ? rows?.head : born(entry.create, now);
  return {
    head: base === undefined || entry.purge ? base : nextHead(base, entry, now),
    graph:
      entry.graph === undefined || tx.tables.graphs.has(entry.graph.hash) ? null : copyGraph(entry.graph),
    body: entry.body === undefined ? null : copyBody(entry.body),
    jobs: entry.jobs?.map((job) => stampJob(job, now)),
    stages: entry.stages?.map((stage) => own(stampStage(stage, now))),
    past: entry.past?.map(copyStage),
    events: copyEvents(entry.events),
    letters: entry.letters?.map((letter) => copyLetter(stampLetter(letter, now))),
    signals: entry.signals?.map(copySignal),
    key: entry.key === undefined ? null : copyKey(stampKey(entry.key.put, now)),
    keepKeys: entry.keepKeys?.map(copyKey),
  };
}

/** The head of a run before its first entry. */
function born(create: NonNullable<Entry["create"]>, now: number): Run {
  return {
    id: create.id,
    workflowId: create.workflowId,
    graph: create.graph,
    priority: create.priority,
    key: create.key,
    forkedFrom: create.forkedFrom === null ? null : { ...create.forkedFrom },
    status: create.status,
    epoch: create.epoch,
    group: create.group,
    error: copyError(create.error),
    delivered: create.delivered,
    version: 0,
    sequence: 0,
    remaining: 0,
    active: 0,
    cursors: {},
    entry: "",
    createdAt: now,
    updatedAt: now,
    settledAt: null,
  };
}

function nextHead(run: Run, entry: Entry, now: number): Run {
  const state = entry.state ?? run;
  const { counters } = entry;
  const set = counters !== undefined && "set" in counters ? counters.set : run;
  const add = counters !== undefined && "add" in counters ? counters.add : null;
  return {
    id: run.id,
    workflowId: run.workflowId,
    graph: run.graph,
    priority: run.priority,
    key: run.key,
    forkedFrom: run.forkedFrom,
    status: state.status,
    epoch: state.epoch,
    group: state.group,
    error: entry.state === undefined ? run.error : copyError(entry.state.error),
    delivered: state.delivered,
    version: entry.state === undefined && entry.create === undefined ? run.version : run.version + 1,
    sequence: run.sequence + entry.events.length,
    remaining: set.remaining + (add?.remaining ?? 0),
    active: set.active + (add?.active ?? 0),
    cursors: entry.cursors === undefined ? run.cursors : nextCursors(run.cursors, entry.cursors, now),
    entry: entry.id,
    createdAt: run.createdAt,
    updatedAt: now,
    settledAt: isSettled(state.status) ? (run.settledAt ?? now) : null,
  };
}

function nextCursors(
  before: Run["cursors"],
  writes: NonNullable<Entry["cursors"]>,
  now: number,
): Run["cursors"] {
  const cursors: Record<string, Cursor> = { ...before };
  for (const [name, write] of Object.entries(writes)) cursors[name] = stampCursor(write, now);
  return cursors;
}

function write(tx: Transaction, entry: Entry, ready: Ready, found: RunRows | undefined): Committed {
  const { tables } = tx;
  const { head } = ready;
  let rows = found;
  if (ready.graph !== null) putGraph(tx, ready.graph);
  if (entry.create !== undefined && head !== undefined) rows = insertRun(tx, head);
  if (rows !== undefined) {
    if (entry.purge) deleteRun(tx, rows);
    else writeRows(tx, entry, ready, rows);
  }
  for (const { type, key } of entry.dropKeys ?? []) {
    const slot = tables.key(type, key);
    // Between the load and this commit an expired key may have become another run's.
    if (slot !== undefined && slot.record.runId === entry.runId) dropKey(tx, slot);
  }
  if (ready.key !== null) putKey(tx, ready.key);
  for (const record of ready.keepKeys ?? []) putKey(tx, record);
  if (rows !== undefined) {
    tx.reindex(rows);
    tx.changes.push({
      kind: "commit",
      runId: rows.id,
      workflowId: rows.head.workflowId,
      status: entry.purge ? "PURGED" : rows.head.status,
      sequence: rows.head.sequence,
      due: ready.jobs?.some((job) => job.worker === null && job.dueAt !== null) ?? false,
    });
  }
  return {
    status: "committed",
    at: tx.now,
    version: head?.version ?? 0,
    sequence: head?.sequence ?? 0,
    remaining: head?.remaining ?? 0,
    active: head?.active ?? 0,
  };
}

function writeRows(tx: Transaction, entry: Entry, ready: Ready, rows: RunRows): void {
  const { head, body, events } = ready;
  const from = head === undefined ? 0 : head.sequence - events.length + 1;
  for (const stageId of entry.dropJobs === "all" ? [...rows.jobs.keys()] : (entry.dropJobs ?? [])) {
    const slot = rows.jobs.get(stageId);
    if (slot !== undefined) dropJob(tx, slot);
  }
  for (const stageId of entry.dropStages ?? []) dropStage(tx, rows, stageId);
  for (const letter of entry.dropLetters ?? []) dropLetter(tx, rows, letter);
  for (const id of entry.dropSignals ?? []) dropSignal(tx, rows, id);
  if (head !== undefined && entry.create === undefined) putHead(tx, rows, head);
  if (body !== null) putBody(tx, rows, body);
  for (const job of ready.jobs ?? []) putJob(tx, rows, job);
  for (const stage of ready.stages ?? []) putStage(tx, rows, stage);
  for (const stage of ready.past ?? []) putPast(tx, rows, stage);
  for (const letter of ready.letters ?? []) putLetter(tx, rows, letter);
  for (const signal of ready.signals ?? []) putSignal(tx, rows, signal);
  if (events.length > 0 || entry.mark)
    appendJournal(tx, rows, { runId: rows.id, from, at: tx.now, entry: entry.id, events });
}
