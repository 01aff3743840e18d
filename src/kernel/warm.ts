/**
 * What the kernel remembers of runs that it executes, so that it commits without reading first. A cache, never a right to write: every
 * entry is guarded, and a stale verdict drops what was remembered.
 */
import { type Graph, isSettled, type Payload, type Run, type RunBody } from "../model.ts";
import { stampCursor } from "../ports/stamp.ts";
import type { Committed, Entry } from "../ports/store.ts";

/** One remembered run. */
export interface WarmRun {
  run: Run;
  readonly graph: Graph;
  body: RunBody | null;
  /** Outputs of settled stages of the current epoch, as far as they passed through here; null for a skipped one. */
  readonly outputs: Map<string, Payload | null>;
}

/** The remembered runs, the longest unused forgotten first. */
export class Warm {
  readonly #runs = new Map<string, WarmRun>();
  readonly #limit: number;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  get(runId: string): WarmRun | undefined {
    return this.#runs.get(runId);
  }

  /** Remembers a run as it was read, unless something newer is remembered. */
  set(run: Run, graph: Graph, body: RunBody | null = null): WarmRun {
    const known = this.#runs.get(run.id);
    if (known !== undefined && known.run.epoch === run.epoch) {
      if (run.version >= known.run.version && run.sequence >= known.run.sequence) known.run = run;
      known.body ??= body;
      return known;
    }
    if (known !== undefined && known.run.epoch > run.epoch) return known;
    const warm: WarmRun = { run, graph, body, outputs: new Map() };
    if (!isSettled(run.status)) {
      this.#runs.set(run.id, warm);
      if (this.#runs.size > this.#limit) {
        for (const oldest of this.#runs.keys()) {
          this.#runs.delete(oldest);
          break;
        }
      }
    }
    return warm;
  }

  drop(runId: string): void {
    this.#runs.delete(runId);
  }

  /** Follows a commit; answers the head that it left, where one is remembered. */
  apply(entry: Entry, committed: Committed): Run | null {
    if (entry.create !== undefined && entry.graph !== undefined) {
      const created = createdRun(entry, entry.create, committed);
      this.set(created, entry.graph, entry.body ?? null);
      return created;
    }
    const warm = this.#runs.get(entry.runId);
    if (warm === undefined) return null;
    // A sibling's entry is in whatever the run's version: if another kernel moved the run meanwhile, its state isn't known here, and the new
    // version would vouch for the old state.
    if (entry.state === undefined && committed.version !== warm.run.version) {
      this.#runs.delete(entry.runId);
      return null;
    }
    const run = runAfter(warm.run, entry, committed);
    if (isSettled(run.status) || run.epoch !== warm.run.epoch || entry.purge) {
      this.#runs.delete(entry.runId);
      return run;
    }
    warm.run = run;
    for (const stage of entry.stages ?? []) {
      if (stage.status === "COMPLETED") warm.outputs.set(stage.stageId, stage.output);
      else if (stage.status === "SKIPPED") warm.outputs.set(stage.stageId, null);
    }
    return run;
  }
}

/** A run's head after one of its entries was committed. */
export function runAfter(run: Run, entry: Entry, committed: Committed): Run {
  const state = entry.state ?? run;
  let cursors = run.cursors;
  if (entry.cursors !== undefined) {
    const moved: Record<string, Run["cursors"][string]> = { ...cursors };
    for (const [name, cursor] of Object.entries(entry.cursors))
      moved[name] = stampCursor(cursor, committed.at);
    cursors = moved;
  }
  return {
    id: run.id,
    workflowId: run.workflowId,
    graph: run.graph,
    priority: run.priority,
    key: run.key,
    forkedFrom: run.forkedFrom,
    createdAt: run.createdAt,
    status: state.status,
    epoch: state.epoch,
    group: state.group,
    error: state.error,
    delivered: state.delivered,
    version: committed.version,
    sequence: committed.sequence,
    remaining: committed.remaining,
    active: committed.active,
    cursors,
    entry: entry.id,
    updatedAt: committed.at,
    settledAt: isSettled(state.status) ? (run.settledAt ?? committed.at) : null,
  };
}

/** A new run's head after its entry was committed. */
export function createdRun(entry: Entry, create: NonNullable<Entry["create"]>, committed: Committed): Run {
  const { at } = committed;
  const fresh = { version: 0, sequence: 0, remaining: 0, active: 0, cursors: {}, entry: entry.id };
  return runAfter({ ...create, ...fresh, createdAt: at, updatedAt: at, settledAt: null }, entry, committed);
}
