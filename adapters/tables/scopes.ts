/** What a command must see, as one consistent read. */
import type { DeadLetter, JournalRecord } from "../../src/model.ts";
import { checkCount, checkDuration, checkPlace } from "../../src/ports/limits.ts";
import type { Committed, Loaded, LoadedRun, RunScope, Scope } from "../../src/ports/store.ts";
import { copyBody, copyKey, copyLetter, copyRecord, copyRun, copySignal, copyStage } from "./copies.ts";
import { readyAtOf } from "./outbox.ts";
import { isLive, type RunRows, type Tables } from "./schema.ts";

type Of<Kind extends Scope["of"]> = Extract<Scope, { of: Kind }>;

/** What a scope saw, but for the time. */
type Seen = Partial<Omit<Loaded, "now">>;

/** Loads a scope. */
export function loadScope(tables: Tables, scope: Scope, now: number): Loaded {
  return { now, runs: [], key: null, orphans: [], settled: null, ...see(tables, scope, now) };
}

function see(tables: Tables, scope: Scope, now: number): Seen {
  if ("limit" in scope) checkCount(`load ${scope.of}`, "limit", scope.limit);
  switch (scope.of) {
    case "run":
      return seeRun(tables, scope, now);
    case "pending":
      return {
        runs: first(scope.limit, tables.index.pending(scope.workflowIds), (rows) =>
          loadRun(tables, rows, { graph: true }),
        ),
      };
    case "stale":
      return { runs: stale(tables, scope, now) };
    case "stuck":
      return { runs: stuck(tables, scope, now) };
    case "outbox":
      return { runs: outbox(tables, scope, now) };
    case "letters":
      return { runs: letters(tables, scope) };
    case "purgeable":
      return purgeable(tables, scope, now);
    default:
      return { settled: settled(tables, scope) };
  }
}

/** One run with what is asked for. */
export function loadRun(tables: Tables, rows: RunRows, wanted: Omit<RunScope, "runId">): LoadedRun {
  const { jobs, stages, awaiting } = wanted;
  if (awaiting !== undefined) {
    const waiting = [...rows.jobs.values()].filter(({ job }) => job.suspended && job.signal === awaiting);
    const ids = waiting.map(({ stageId }) => stageId);
    return loadRun(tables, rows, { ...without(wanted), jobs: ids, stages: ids });
  }
  return {
    run: copyRun(rows.head),
    graph: wanted.graph ? (tables.graphs.get(rows.head.graph) ?? null) : null,
    body: wanted.body && rows.body !== null ? copyBody(rows.body) : null,
    jobs: pick(rows.jobs, jobs).map(({ job }) => ({ ...job })),
    stages: pick(rows.stages, stages).map(copyStage),
    signals: wanted.signals ? Array.from(rows.signals?.values() ?? [], copySignal) : [],
    journal: [],
    letters: [],
    keys: wanted.keys ? rows.keys.map(({ record }) => copyKey(record)) : [],
  };
}

function without({ awaiting: _, ...wanted }: Omit<RunScope, "runId">): Omit<RunScope, "runId" | "awaiting"> {
  return wanted;
}

function pick<Row>(rows: ReadonlyMap<string, Row>, wanted: "all" | readonly string[] | undefined): Row[] {
  if (wanted === undefined) return [];
  if (wanted === "all") return [...rows.values()];
  return wanted.flatMap((key) => rows.get(key) ?? []);
}

function first<Row, Result>(limit: number, rows: Iterable<Row>, load: (row: Row) => Result): Result[] {
  const results: Result[] = [];
  if (limit === 0) return results;
  for (const row of rows) {
    results.push(load(row));
    if (results.length === limit) break;
  }
  return results;
}

function seeRun(tables: Tables, scope: Of<"run">, now: number): Seen {
  const rows = tables.runs.get(scope.runId);
  const record = scope.key === undefined ? undefined : tables.key(scope.key.type, scope.key.key)?.record;
  return {
    runs: rows === undefined ? [] : [loadRun(tables, rows, scope)],
    key: record !== undefined && isLive(record, now) ? copyKey(record) : null,
  };
}

function stale(tables: Tables, { staleMs, dead, limit }: Of<"stale">, now: number): LoadedRun[] {
  if (staleMs !== null) checkDuration("load stale", "staleMs", staleMs);
  const gone = new Set(dead);
  const found = new Map<RunRows, string[]>();
  let left = limit;
  for (const { rows, stageId, job } of tables.queue.leased) {
    if (left === 0) break;
    const isStale =
      job.leaseUntil <= now ||
      (staleMs !== null && job.renewedAt + staleMs <= now) ||
      (job.worker !== null && gone.has(job.worker));
    if (!isStale) continue;
    left -= 1;
    const stages = found.get(rows);
    if (stages === undefined) found.set(rows, [stageId]);
    else stages.push(stageId);
  }
  return Array.from(found, ([rows, jobs]) => loadRun(tables, rows, { graph: true, jobs }));
}

function stuck(tables: Tables, { idleMs, limit }: Of<"stuck">, now: number): LoadedRun[] {
  checkDuration("load stuck", "idleMs", idleMs);
  const idle = [...tables.index.jobless].filter(({ head }) => head.updatedAt + idleMs <= now);
  return first(limit, idle, (rows) => loadRun(tables, rows, { graph: true, stages: "all" }));
}

function outbox(tables: Tables, scope: Of<"outbox">, now: number): LoadedRun[] {
  const { subscribers, limit, maxEvents } = scope;
  checkCount("load outbox", "maxEvents", maxEvents);
  let sources = subscribers.map((name) => tables.outbox.ready(name, now, tables.runs.values()));
  sources.push(withReplays(tables, subscribers, now));
  const found = new Set<RunRows>();
  // In turns, so that no subscriber's arrears keep another's from being seen.
  while (sources.length > 0 && found.size < limit) {
    sources = sources.filter((source) => {
      if (found.size >= limit) return false;
      const { done, value } = source.next();
      if (!done) found.add(value);
      return !done;
    });
  }
  return Array.from(found, (rows) => {
    const back = replaying(rows, subscribers, now);
    return {
      ...loadRun(tables, rows, {}),
      journal: recordsFor(rows, subscribers, back, maxEvents, now).map(copyRecord),
      letters: back.map(copyLetter),
    };
  });
}

function* withReplays(tables: Tables, subscribers: readonly string[], now: number): Generator<RunRows> {
  for (const rows of tables.outbox.replaying) if (replaying(rows, subscribers, now).length > 0) yield rows;
}

/** Dead letters that were put back for these subscribers, where their cursors are free. */
function replaying(rows: RunRows, subscribers: readonly string[], now: number): DeadLetter[] {
  const free = subscribers.filter((name) => {
    const cursor = Object.hasOwn(rows.head.cursors, name) ? rows.head.cursors[name] : undefined;
    return cursor === undefined || cursor.holder === null || cursor.heldUntil <= now;
  });
  return inOrder(rows.letters).filter((letter) => letter.replaying && free.includes(letter.subscriber));
}

function inOrder(found: ReadonlyMap<string, DeadLetter> | null): DeadLetter[] {
  return [...(found?.values() ?? [])].toSorted((left, right) => left.sequence - right.sequence);
}

/** The records from the lowest position that is ready on, and those in which the letters' events stand. */
function recordsFor(
  rows: RunRows,
  subscribers: readonly string[],
  back: readonly DeadLetter[],
  limit: number,
  now: number,
): JournalRecord[] {
  const { journal, head } = rows;
  let lowest: number | null = null;
  for (const name of subscribers) {
    const readyAt = readyAtOf(head, name);
    if (readyAt === null || readyAt > now) continue;
    const position = Object.hasOwn(head.cursors, name) ? (head.cursors[name]?.position ?? 0) : 0;
    lowest = lowest === null ? position : Math.min(lowest, position);
  }
  const start = lowest === null ? journal.length : recordAt(journal, lowest + 1);
  const wanted = new Set(back.map(({ sequence }) => recordAt(journal, sequence)));
  for (let index = start; index < Math.min(journal.length, start + limit); index += 1) wanted.add(index);
  return [...wanted].toSorted((left, right) => left - right).flatMap((index) => journal[index] ?? []);
}

/** The index of the record that holds a sequence, or would. */
export function recordAt(journal: readonly JournalRecord[], sequence: number): number {
  let low = 0;
  let high = journal.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const record = journal[middle];
    if (record !== undefined && record.from + record.events.length <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Runs with dead letters. */
export function lettered(tables: Tables, runId: string | undefined): Iterable<RunRows> {
  if (runId === undefined) return tables.outbox.lettered;
  const rows = tables.runs.get(runId);
  return rows === undefined ? [] : [rows];
}

function letters(tables: Tables, { runId, subscriber, type, limit }: Of<"letters">): LoadedRun[] {
  const runs: LoadedRun[] = [];
  let left = limit;
  for (const rows of lettered(tables, runId)) {
    if (left === 0) break;
    const wanted = inOrder(rows.letters)
      .filter(
        (letter) =>
          !letter.replaying &&
          (subscriber === undefined || letter.subscriber === subscriber) &&
          (type === undefined || letter.type === type),
      )
      .slice(0, left);
    if (wanted.length === 0) continue;
    left -= wanted.length;
    runs.push({ ...loadRun(tables, rows, {}), letters: wanted.map(copyLetter) });
  }
  return runs;
}

function purgeable(tables: Tables, scope: Of<"purgeable">, now: number): Seen {
  const { olderThanMs, status, keep, limit } = scope;
  checkDuration("load purgeable", "olderThanMs", olderThanMs);
  checkPlace("load purgeable", "keep", keep);
  const { runs: settledRuns, size } = tables.index.settled(status);
  const old: RunRows[] = [];
  const most = Math.min(limit, size - keep);
  if (most > 0) {
    for (const rows of settledRuns) {
      if ((rows.head.settledAt ?? now) + olderThanMs > now) break;
      old.push(rows);
      if (old.length === most) break;
    }
  }
  const orphans: Loaded["orphans"][number][] = [];
  for (const { record } of tables.expiring.inOrder()) {
    if (orphans.length >= limit || isLive(record, now)) break;
    if (!tables.runs.has(record.runId)) orphans.push(copyKey(record));
  }
  const runs = old.map((rows) => ({
    ...loadRun(tables, rows, { keys: true }),
    letters: inOrder(rows.letters).map(copyLetter),
  }));
  return { runs, orphans };
}

function settled(tables: Tables, { runId, entry }: Of<"entry">): Committed | null {
  const rows = tables.runs.get(runId);
  if (rows === undefined) return null;
  const { head, journal } = rows;
  if (head.entry !== entry && !journal.some((record) => record.entry === entry)) return null;
  const { updatedAt: at, version, sequence, remaining, active } = head;
  return { status: "committed", at, version, sequence, remaining, active };
}
