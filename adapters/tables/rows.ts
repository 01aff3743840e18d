/** Writing rows: each function changes one row, tells the transaction of it, and says how to take it back. */
import type {
  DeadLetter,
  Graph,
  Job,
  JournalRecord,
  KeyRecord,
  Run,
  RunBody,
  Signal,
  StageRecord,
} from "../../src/model.ts";
import type { RowChange } from "../../src/ports/store.ts";
import type { JobSlot, KeySlot, RunRows } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/** A run of which nothing but the head is there. */
export function bareRows(head: Run, order: number): RunRows {
  return {
    id: head.id,
    order,
    head,
    body: null,
    jobs: new Map(),
    stages: new Map(),
    journal: [],
    keys: [],
    past: null,
    letters: null,
    replaying: 0,
    signals: null,
    logs: null,
    home: null,
    at: 0,
  };
}

/** Inserts a run. Its head and other rows follow. */
export function insertRun(tx: Transaction, head: Run): RunRows {
  const { tables } = tx;
  if (tx.isWatched) tx.wrote(head.id, { table: "run", before: null, after: head });
  const rows = bareRows(head, tables.nextOrder());
  tables.runs.set(rows.id, rows);
  tx.onRollback(() => tables.runs.delete(rows.id));
  const namesakes = tables.runsByKey.get(head.key);
  if (namesakes === undefined) {
    tables.runsByKey.set(head.key, [rows]);
    tx.onRollback(() => tables.runsByKey.delete(head.key));
  } else {
    namesakes.push(rows);
    tx.onRollback(() => namesakes.pop());
  }
  tx.onRollback(tables.index.enter(rows));
  return rows;
}

/** Deletes a run with all its rows; idempotency records stay, and so do blobs, which are no rows. */
export function deleteRun(tx: Transaction, rows: RunRows): void {
  const { tables } = tx;
  if (tx.isWatched) tellOfPurge(tx, rows);
  for (const slot of rows.jobs.values()) {
    tables.queue.leave(slot);
    tx.onRollback(() => tables.queue.place(slot, tx.now));
  }
  tables.runs.delete(rows.id);
  tx.onRollback(() => tables.runs.set(rows.id, rows));
  const { key } = rows.head;
  const namesakes = tables.runsByKey.get(key) ?? [];
  const others = namesakes.filter((other) => other !== rows);
  if (others.length === 0) tables.runsByKey.delete(key);
  else tables.runsByKey.set(key, others);
  tx.onRollback(() => tables.runsByKey.set(key, namesakes));
  tx.onRollback(tables.index.leave(rows));
}

function tellOfPurge(tx: Transaction, rows: RunRows): void {
  const gone = (table: RowChange["table"], key: string, before: unknown): void =>
    tx.wrote(key, { table, before, after: null });
  gone("run", rows.id, rows.head);
  if (rows.body !== null) gone("body", rows.id, rows.body);
  for (const [stageId, { job }] of rows.jobs) gone("job", `${rows.id}/${stageId}`, job);
  for (const [stageId, stage] of rows.stages) gone("stage", `${rows.id}/${stageId}`, stage);
  for (const [key, stage] of rows.past ?? []) gone("past", `${rows.id}/${key}`, stage);
  for (const record of rows.journal) gone("journal", `${rows.id}:${record.from}`, record);
  for (const [key, letter] of rows.letters ?? []) gone("letter", `${rows.id}/${key}`, letter);
  for (const [id, signal] of rows.signals ?? []) gone("signal", `${rows.id}/${id}`, signal);
}

export function putHead(tx: Transaction, rows: RunRows, head: Run): void {
  const before = rows.head;
  if (tx.isWatched) tx.wrote(rows.id, { table: "run", before, after: head });
  rows.head = head;
  tx.onRollback(() => {
    rows.head = before;
  });
}

export function putBody(tx: Transaction, rows: RunRows, body: RunBody): void {
  const before = rows.body;
  if (tx.isWatched) tx.wrote(rows.id, { table: "body", before, after: body });
  rows.body = body;
  tx.onRollback(() => {
    rows.body = before;
  });
}

/** A graph that is there stays as it is: it is named by its content. */
export function putGraph(tx: Transaction, graph: Graph): void {
  const { graphs } = tx.tables;
  if (graphs.has(graph.hash)) return;
  if (tx.isWatched) tx.wrote(graph.hash, { table: "graph", before: null, after: graph });
  graphs.set(graph.hash, graph);
  tx.onRollback(() => graphs.delete(graph.hash));
}

export function putJob(tx: Transaction, rows: RunRows, job: Job): void {
  const { queue } = tx.tables;
  const slot = rows.jobs.get(job.stageId);
  if (slot !== undefined) return replaceJob(tx, slot, job);
  if (tx.isWatched) tx.wrote(`${rows.id}/${job.stageId}`, { table: "job", before: null, after: job });
  const order = tx.tables.nextOrder();
  const inserted: JobSlot = { rows, stageId: job.stageId, order, job, home: null, at: 0 };
  rows.jobs.set(job.stageId, inserted);
  queue.place(inserted, tx.now);
  tx.onRollback(() => {
    queue.leave(inserted);
    rows.jobs.delete(job.stageId);
  });
}

/** Replaces a job's row and gives it its new place in the queue. */
export function replaceJob(tx: Transaction, slot: JobSlot, job: Job): void {
  const { queue } = tx.tables;
  const before = slot.job;
  if (tx.isWatched) tx.wrote(`${slot.rows.id}/${slot.stageId}`, { table: "job", before, after: job });
  const move = (to: Job): void => {
    queue.leave(slot);
    slot.job = to;
    queue.place(slot, tx.now);
  };
  move(job);
  tx.onRollback(() => move(before));
}

export function dropJob(tx: Transaction, slot: JobSlot): void {
  const { queue } = tx.tables;
  const { rows, stageId, job } = slot;
  if (tx.isWatched) tx.wrote(`${rows.id}/${stageId}`, { table: "job", before: job, after: null });
  queue.leave(slot);
  rows.jobs.delete(stageId);
  tx.onRollback(() => {
    rows.jobs.set(stageId, slot);
    queue.place(slot, tx.now);
  });
}

export function putStage(tx: Transaction, rows: RunRows, stage: StageRecord): void {
  putIn(tx, rows, "stage", rows.stages, stage.stageId, stage);
}

export function dropStage(tx: Transaction, rows: RunRows, stageId: string): void {
  dropFrom(tx, rows, "stage", rows.stages, stageId);
}

export function putPast(tx: Transaction, rows: RunRows, stage: StageRecord): void {
  rows.past ??= new Map();
  putIn(tx, rows, "past", rows.past, `${stage.epoch}/${stage.stageId}`, stage);
}

export function putLetter(tx: Transaction, rows: RunRows, letter: DeadLetter): void {
  rows.letters ??= new Map();
  const key = letterKey(letter);
  countReplaying(tx, rows, rows.letters.get(key), letter);
  putIn(tx, rows, "letter", rows.letters, key, letter);
}

export function dropLetter(
  tx: Transaction,
  rows: RunRows,
  letter: Pick<DeadLetter, "subscriber" | "sequence">,
): void {
  if (rows.letters === null) return;
  const key = letterKey(letter);
  countReplaying(tx, rows, rows.letters.get(key), undefined);
  dropFrom(tx, rows, "letter", rows.letters, key);
}

function countReplaying(
  tx: Transaction,
  rows: RunRows,
  before: DeadLetter | undefined,
  after: DeadLetter | undefined,
): void {
  const more = (after?.replaying ? 1 : 0) - (before?.replaying ? 1 : 0);
  rows.replaying += more;
  tx.onRollback(() => {
    rows.replaying -= more;
  });
}

/** Under which a run keeps a dead letter. */
export function letterKey({ subscriber, sequence }: Pick<DeadLetter, "subscriber" | "sequence">): string {
  return `${sequence}/${subscriber}`;
}

export function putSignal(tx: Transaction, rows: RunRows, signal: Signal): void {
  rows.signals ??= new Map();
  putIn(tx, rows, "signal", rows.signals, signal.id, signal);
}

export function dropSignal(tx: Transaction, rows: RunRows, id: string): void {
  if (rows.signals !== null) dropFrom(tx, rows, "signal", rows.signals, id);
}

export function appendJournal(tx: Transaction, rows: RunRows, record: JournalRecord): void {
  if (tx.isWatched) tx.wrote(`${rows.id}:${record.from}`, { table: "journal", before: null, after: record });
  rows.journal.push(record);
  tx.onRollback(() => rows.journal.pop());
}

/** Inserts or replaces an idempotency record. */
export function putKey(tx: Transaction, record: KeyRecord): void {
  const { tables } = tx;
  const slot = tables.key(record.type, record.key);
  if (tx.isWatched) {
    tx.wrote(`${record.type}/${record.key}`, { table: "key", before: slot?.record ?? null, after: record });
  }
  if (slot !== undefined) {
    const before = slot.record;
    setKey(tx, slot, record);
    tx.onRollback(() => setKey(tx, slot, before));
    return;
  }
  const inserted: KeySlot = { record, home: null, at: 0 };
  addKey(tx, inserted);
  tx.onRollback(() => removeKey(tx, inserted));
}

export function dropKey(tx: Transaction, slot: KeySlot): void {
  const { type, key } = slot.record;
  if (tx.isWatched) tx.wrote(`${type}/${key}`, { table: "key", before: slot.record, after: null });
  removeKey(tx, slot);
  tx.onRollback(() => addKey(tx, slot));
}

function setKey(tx: Transaction, slot: KeySlot, record: KeyRecord): void {
  removeKey(tx, slot);
  slot.record = record;
  addKey(tx, slot);
}

/** Puts an idempotency record where it belongs. */
export function addKey({ tables }: Pick<Transaction, "tables">, slot: KeySlot): void {
  const { type, key, runId, expiresAt } = slot.record;
  let ofType = tables.keys.get(type);
  if (ofType === undefined) {
    ofType = new Map();
    tables.keys.set(type, ofType);
  }
  ofType.set(key, slot);
  tables.runs.get(runId)?.keys.push(slot);
  if (expiresAt !== null) tables.expiring.add(slot);
}

/** Takes an idempotency record out of wherever it stands. */
export function removeKey({ tables }: Pick<Transaction, "tables">, slot: KeySlot): void {
  const { type, key, runId } = slot.record;
  tables.keys.get(type)?.delete(key);
  const ofRun = tables.runs.get(runId)?.keys;
  const at = ofRun?.indexOf(slot) ?? -1;
  if (at >= 0) ofRun?.splice(at, 1);
  tables.expiring.remove(slot);
}

type Small = "stage" | "past" | "letter" | "signal";

function putIn<Row>(
  tx: Transaction,
  rows: RunRows,
  table: Small,
  map: Map<string, Row>,
  key: string,
  row: Row,
): void {
  const before = map.get(key);
  if (tx.isWatched) tx.wrote(`${rows.id}/${key}`, { table, before: before ?? null, after: row });
  map.set(key, row);
  tx.onRollback(() => (before === undefined ? map.delete(key) : map.set(key, before)));
}

function dropFrom<Row>(
  tx: Transaction,
  rows: RunRows,
  table: Small,
  map: Map<string, Row>,
  key: string,
): void {
  const before = map.get(key);
  if (before === undefined) return;
  if (tx.isWatched) tx.wrote(`${rows.id}/${key}`, { table, before, after: null });
  map.delete(key);
  tx.onRollback(() => map.set(key, before));
}
