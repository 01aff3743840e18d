/** The history of runs, kept up to date from an engine. */
import type { Engine, FeedChange, Run } from "sluice";
import { type Cell, createCell } from "../state/cell.ts";
import { nextFrame, type Schedule } from "../state/keyed-store.ts";
import { type Problem, problemOf } from "../ui/problem.ts";
import { type DocumentLabel, documentLabel } from "./document-name.ts";

/** One row of the history. */
export interface RunRow {
  readonly run: Run;
  /** Null until it was read. */
  readonly label: DocumentLabel | null;
}

/** The runs that were read so far, newest first. */
export interface RunRows {
  readonly rows: readonly RunRow[];
  readonly hasMore: boolean;
  readonly problem: Problem | null;
}

/** A history that is followed. */
export interface FollowedRuns {
  /** Null until the first page was read. */
  readonly list: Cell<RunRows | null>;
  /** Reads a page more. */
  more(): void;
  stop(): void;
}

type RunsSource = Pick<Engine, "runs" | "inspect" | "subscribe">;

const PAGE = 30;
/** Commits come in bursts: the list is read at most so often, in milliseconds. */
const PAUSE_MS = 200;

/** Begins to follow an engine's runs. */
export function followRuns(
  source: RunsSource,
  schedule: Schedule = nextFrame,
  pauseMs = PAUSE_MS,
): FollowedRuns {
  const list = createCell<RunRows | null>(null, schedule);
  const labels = new Map<string, DocumentLabel>();
  let wanted = PAGE;
  let isStopped = false;
  let isReading = false;
  let isStale = false;
  let pause: ReturnType<typeof setTimeout> | null = null;

  const read = async (): Promise<void> => {
    const { rows, next } = await source.runs({ limit: wanted });
    const show = (): void => {
      if (isStopped) return;
      const labelled = rows.map((run) => ({ run, label: labels.get(run.id) ?? null }));
      list.set({ rows: labelled, hasMore: next !== null, problem: null });
    };
    show();
    // One after another: names are read once, and the first of them matter most.
    for (const { id, workflowId } of rows) {
      if (isStopped || labels.has(id)) continue;
      const snapshot = await source.inspect(id);
      labels.set(id, documentLabel(snapshot?.body ?? null, snapshot?.graph?.name ?? workflowId));
      show();
    }
  };
  const readWhileStale = async (): Promise<void> => {
    isReading = true;
    try {
      while (isStale && !isStopped) {
        isStale = false;
        await read();
      }
    } catch (error) {
      if (!isStopped) {
        list.set({ rows: [], hasMore: false, ...list.get(), problem: problemOf(error) });
      }
    } finally {
      isReading = false;
    }
  };
  const refresh = (): void => {
    isStale = true;
    if (pause !== null || isStopped) return;
    if (!isReading) void readWhileStale();
    pause = setTimeout(() => {
      pause = null;
      if (isStale) refresh();
    }, pauseMs);
  };
  const hear = (changes: readonly FeedChange[]): void => {
    if (changes.some(({ kind }) => kind !== "progress")) refresh();
  };
  const unsubscribe = source.subscribe(hear);
  refresh();
  return {
    list,
    more() {
      wanted += PAGE;
      refresh();
    },
    stop() {
      isStopped = true;
      unsubscribe();
      if (pause !== null) clearTimeout(pause);
    },
  };
}
