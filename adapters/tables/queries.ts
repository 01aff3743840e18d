/** Queries for clients and UIs. */
import { InvalidOptionError } from "../../src/errors.ts";
import type { Event, LogBatch, LogLevel } from "../../src/model.ts";
import { eventsOf } from "../../src/ports/journal.ts";
import { checkCount, checkPlace } from "../../src/ports/limits.ts";
import type { Page, RunFilter, Store } from "../../src/ports/store.ts";
import { copyData, copyLetter, copyRecord, copyRun, copyStage } from "./copies.ts";
import { lettered, loadRun, recordAt } from "./scopes.ts";
import type { RunRows, Tables } from "./schema.ts";

type Query<Name extends "events" | "logs" | "letters"> = Parameters<Store[Name]>[0];

/** A page of runs when nobody says how large. */
export const PAGE = 100;

const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARN", "ERROR"];

/** Everything of one run but its journal, its logs and its past, which have queries of their own. */
export function findRun(tables: Tables, runId: string): ReturnType<typeof loadRun> | null {
  const rows = tables.runs.get(runId);
  if (rows === undefined) return null;
  const wanted = { graph: true, body: true, jobs: "all", stages: "all", signals: true, keys: true } as const;
  return { ...loadRun(tables, rows, wanted), letters: Array.from(rows.letters?.values() ?? [], copyLetter) };
}

/** The latest run that `run.create` created with a key. */
export function findRunByKey(tables: Tables, key: string): RunRows["head"] | null {
  const rows = tables.runsByKey.get(key)?.findLast(({ head }) => head.forkedFrom === null);
  return rows === undefined ? null : copyRun(rows.head);
}

/** Runs, newest first. The cursor names the last run of the page, so that runs created meanwhile move nothing. */
export function listRuns(tables: Tables, filter: RunFilter): Page<RunRows["head"]> {
  const { status, workflowId, limit = PAGE, cursor } = filter;
  checkCount("runs", "limit", limit);
  const rows: RunRows[] = [];
  const before = orderOf(cursor);
  for (const candidate of tables.index.newestFirst(before)) {
    const { head } = candidate;
    if (status !== undefined && !status.includes(head.status)) continue;
    if (workflowId !== undefined && head.workflowId !== workflowId) continue;
    // One more than asked for tells whether there is a next page.
    if (rows.length === limit)
      return { rows: rows.map((found) => copyRun(found.head)), next: cursorOf(rows.at(-1)?.order ?? before) };
    rows.push(candidate);
  }
  return { rows: rows.map((found) => copyRun(found.head)), next: null };
}

/** The cursor that names a place in the order of creation. */
export function cursorOf(order: number): string {
  return `before-${order}`;
}

/**
 * The place that a cursor names; after all runs where there is none.
 * @throws InvalidOptionError for a text that no page gave
 */
export function orderOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.POSITIVE_INFINITY;
  const order = /^before-(\d{1,15}|Infinity)$/.exec(cursor)?.[1];
  if (order === undefined) throw new InvalidOptionError("runs", "cursor", "the `next` of a page", cursor);
  return Number(order);
}

/** Committed events of one run after a sequence. */
export function listEvents(tables: Tables, query: Query<"events">): Event[] {
  const after = checkPlace("events", "after", query.after ?? 0);
  const limit = checkCount("events", "limit", query.limit ?? 1_000_000);
  const rows = tables.runs.get(query.run);
  const events: Event[] = [];
  if (rows === undefined) return events;
  for (let index = recordAt(rows.journal, after + 1); events.length < limit; index += 1) {
    const record = rows.journal[index];
    if (record === undefined) break;
    for (const event of eventsOf(copyRecord(record), rows.head.workflowId)) {
      if (event.sequence > after && events.length < limit) events.push(event);
    }
  }
  return events;
}

/** Of one run's lines those of at least a level, `limit` of them at most. A batch of which nothing is left is left out. */
export function listLogs(batches: Iterable<LogBatch>, query: Query<"logs">): LogBatch[] {
  const { stageId, level = "DEBUG" } = query;
  let left = checkCount("logs", "limit", query.limit ?? 1_000_000);
  const lowest = LEVELS.indexOf(level);
  if (lowest < 0) throw new InvalidOptionError("logs", "level", `one of ${LEVELS.join(", ")}`, level);
  const found: LogBatch[] = [];
  for (const batch of batches) {
    if (stageId !== undefined && batch.stageId !== stageId) continue;
    const lines = batch.lines.filter((line) => LEVELS.indexOf(line.level) >= lowest).slice(0, left);
    if (lines.length === 0) continue;
    left -= lines.length;
    found.push({ ...batch, lines: copyData(lines, "logs") });
  }
  return found;
}

/** Stage records of earlier epochs. */
export function listPast(tables: Tables, runId: string): ReturnType<typeof copyStage>[] {
  return Array.from(tables.runs.get(runId)?.past?.values() ?? [], copyStage);
}

/** Dead letters, also those that were put back. */
export function listLetters(tables: Tables, query: Query<"letters">): ReturnType<typeof copyLetter>[] {
  const limit = checkCount("letters", "limit", query.limit ?? PAGE);
  const found: ReturnType<typeof copyLetter>[] = [];
  for (const rows of lettered(tables, query.runId)) {
    for (const letter of rows.letters?.values() ?? []) {
      if (found.length >= limit) return found;
      if (query.subscriber === undefined || letter.subscriber === query.subscriber)
        found.push(copyLetter(letter));
    }
  }
  return found;
}
