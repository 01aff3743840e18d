/** For stores whose rows stand elsewhere: what of them is in memory, and what is no longer. */
import type { Job, KeyRecord, Run } from "../../src/model.ts";
import { addKey, bareRows, removeKey } from "./rows.ts";
import type { RunRows, Tables } from "./schema.ts";

/** A job with its place in the order of insertion. */
export interface OrderedJob {
  readonly job: Job;
  readonly order: number;
}

/** Brings in a run's head and jobs. The rest of its rows may follow. */
export function admitRun(
  tables: Tables,
  head: Run,
  order: number,
  jobs: readonly OrderedJob[],
  now: number,
): RunRows {
  const rows = bareRows(head, order);
  tables.runs.set(rows.id, rows);
  const namesakes = tables.runsByKey.get(head.key);
  if (namesakes === undefined) tables.runsByKey.set(head.key, [rows]);
  else namesakes.push(rows);
  for (const { job, order } of jobs) {
    const { stageId } = job;
    tables.orderAfter(order);
    const slot = { rows, stageId, order, job, home: null, at: 0 };
    rows.jobs.set(stageId, slot);
    tables.queue.place(slot, now);
  }
  tables.reindex(rows);
  return rows;
}

/** Takes a run out with all that is in memory of it. */
export function evictRun(tables: Tables, rows: RunRows): void {
  for (const slot of [...rows.keys]) removeKey({ tables }, slot);
  for (const slot of rows.jobs.values()) tables.queue.leave(slot);
  tables.runs.delete(rows.id);
  const namesakes = tables.runsByKey.get(rows.head.key)?.filter((other) => other !== rows) ?? [];
  if (namesakes.length === 0) tables.runsByKey.delete(rows.head.key);
  else tables.runsByKey.set(rows.head.key, namesakes);
  tables.index.leave(rows);
  tables.reindex(rows);
}

/** Brings in an idempotency record, unless one of its name is here. */
export function admitKey(tables: Tables, record: KeyRecord): void {
  if (tables.key(record.type, record.key) === undefined) addKey({ tables }, { record, home: null, at: 0 });
}

/** Takes out an idempotency record whose run is not here. */
export function evictKey(tables: Tables, type: string, key: string): void {
  const slot = tables.key(type, key);
  if (slot !== undefined && !tables.runs.has(slot.record.runId)) removeKey({ tables }, slot);
}
