/**
 * What one commit wrote of a run besides its head and its jobs. Folding a run's deltas in their order gives its rows back, so that a commit
 * costs one row, however many tables of the model it touches.
 */
import type {
  DeadLetter,
  Graph,
  Job,
  JournalRecord,
  KeyRecord,
  RunBody,
  Signal,
  StageRecord,
} from "../../src/model.ts";
import { letterKey } from "../tables/rows.ts";
import type { RunRows, Tables } from "../tables/schema.ts";
import type { Row, Watch } from "../tables/transaction.ts";

/** Names an idempotency record: type and key. */
export type KeyName = readonly [type: string, key: string];

/** Drops come before puts. */
export interface Delta {
  body?: RunBody;
  dropStages?: string[];
  stages?: StageRecord[];
  past?: StageRecord[];
  dropLetters?: string[];
  letters?: DeadLetter[];
  dropSignals?: string[];
  signals?: Signal[];
  journal?: JournalRecord;
  /** Records that were written for the run; they stand in a table of their own, and may be another run's by now. */
  keys?: KeyName[];
}

/** What a transaction wrote of one run. */
export interface RunWrites {
  readonly delta: Delta;
  /** By stage; null for what was dropped. */
  readonly jobs: Map<string, Job | null>;
  purged: boolean;
}

/** What a transaction writes, by run. */
export class Writes {
  readonly runs = new Map<string, RunWrites>();
  readonly keys = new Map<string, { readonly name: KeyName; readonly record: KeyRecord | null }>();
  readonly graphs: Graph[] = [];
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  readonly watch: Watch = (key, row) => {
    const { table, before, after } = row;
    if (table === "graph") this.graphs.push(after as Graph);
    else if (table === "key") this.#key(key, (after ?? before) as KeyRecord, after !== null);
    else if (table === "run") {
      const writes = this.#of(key);
      if (after === null) writes.purged = true;
    } else {
      const writes = this.#of(((after ?? before) as { readonly runId: string }).runId);
      if (table === "job") writes.jobs.set(((after ?? before) as Job).stageId, after as Job | null);
      else note(writes.delta, row);
    }
  };

  #key(path: string, record: KeyRecord, isPut: boolean): void {
    const { type, key, runId } = record;
    const name = [type, key] as const;
    this.keys.set(path, { name, record: isPut ? record : null });
    if (isPut && this.#tables.runs.has(runId)) push(this.#of(runId).delta, "keys", name);
  }

  #of(runId: string): RunWrites {
    let writes = this.runs.get(runId);
    if (writes === undefined) {
      writes = { delta: {}, jobs: new Map(), purged: false };
      this.runs.set(runId, writes);
    }
    return writes;
  }
}

function note(delta: Delta, { table, before, after }: Row): void {
  if (table === "journal") delta.journal = after as JournalRecord;
  else if (table === "body") delta.body = after as RunBody;
  else if (table === "past") push(delta, "past", after as StageRecord);
  else if (table === "stage") {
    if (after === null) push(delta, "dropStages", (before as StageRecord).stageId);
    else push(delta, "stages", after as StageRecord);
  } else if (table === "letter") {
    if (after === null) push(delta, "dropLetters", letterKey(before as DeadLetter));
    else push(delta, "letters", after as DeadLetter);
  } else if (after === null) push(delta, "dropSignals", (before as Signal).id);
  else push(delta, "signals", after as Signal);
}

function push<Name extends Exclude<keyof Delta, "body" | "journal">>(
  delta: Delta,
  name: Name,
  item: NonNullable<Delta[Name]>[number],
): void {
  const list = (delta[name] ??= []) as (typeof item)[];
  list.push(item);
}

/** Makes a run's rows what its deltas say; answers the names of the keys that were written for it. */
export function fold(rows: RunRows, deltas: Iterable<Delta>): KeyName[] {
  const keys = new Map<string, KeyName>();
  rows.body = rows.past = rows.letters = rows.signals = null;
  rows.stages.clear();
  rows.journal.length = 0;
  for (const delta of deltas) {
    if (delta.body !== undefined) rows.body = delta.body;
    for (const id of delta.dropStages ?? []) rows.stages.delete(id);
    for (const stage of delta.stages ?? []) rows.stages.set(stage.stageId, stage);
    for (const stage of delta.past ?? [])
      (rows.past ??= new Map()).set(`${stage.epoch}/${stage.stageId}`, stage);
    for (const key of delta.dropLetters ?? []) rows.letters?.delete(key);
    for (const letter of delta.letters ?? []) (rows.letters ??= new Map()).set(letterKey(letter), letter);
    for (const id of delta.dropSignals ?? []) rows.signals?.delete(id);
    for (const signal of delta.signals ?? []) (rows.signals ??= new Map()).set(signal.id, signal);
    if (delta.journal !== undefined) rows.journal.push(delta.journal);
    for (const name of delta.keys ?? []) keys.set(JSON.stringify(name), name);
  }
  rows.replaying = 0;
  for (const { replaying } of rows.letters?.values() ?? []) if (replaying) rows.replaying += 1;
  return [...keys.values()];
}

/** About how many bytes a value takes; beyond `most` nobody counts on. */
export function weigh(value: unknown, most: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 8;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  let sum = 8;
  const parts: Iterable<unknown> =
    Array.isArray(value) || value instanceof Map || value instanceof Set
      ? value
      : Object.entries(value).flat();
  for (const part of parts) {
    if (sum > most) break;
    sum += weigh(part, most - sum);
  }
  return sum;
}
