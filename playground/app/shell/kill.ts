import type { FeedChange } from "sluice";
import type { PoolWorker } from "sluice/browser";
import type { PageEngine } from "../engine.ts";

type Killable = Pick<PageEngine, "workers" | "terminateWorker">;

/** The worker with most bodies under way: the one whose end teaches most. Null when there is none. */
export function busiestOf(workers: readonly PoolWorker[]): PoolWorker | null {
  return workers.reduce<PoolWorker | null>(
    (best, worker) => (best === null || worker.running.length > best.running.length ? worker : best),
    null,
  );
}

/** Terminates the busiest worker of this tab; answers which, or null if there was none. */
export async function killBusiest(engine: Killable): Promise<string | null> {
  const worker = busiestOf(await engine.workers());
  if (worker !== null) engine.terminateWorker(worker.id);
  return worker?.id ?? null;
}

/**
 * Terminates a worker as soon as a stage is seen at work: a short run is over before anybody could press a button.
 *
 * @param onKilled told of the worker that was terminated
 * @returns takes it back
 */
export function killDuringNextRun(
  engine: Killable & Pick<PageEngine, "subscribe">,
  onKilled: (workerId: string) => void,
): () => void {
  let isOver = false;
  let isLooking = false;
  const look = async (): Promise<void> => {
    isLooking = true;
    try {
      const worker = busiestOf(await engine.workers());
      if (isOver || worker === null || worker.running.length === 0) return;
      isOver = true;
      end();
      engine.terminateWorker(worker.id);
      onKilled(worker.id);
    } catch {
      // Not connected just now: the next change is another chance.
    } finally {
      isLooking = false;
    }
  };
  const end = engine.subscribe((changes: readonly FeedChange[]) => {
    if (!isOver && !isLooking && changes.some(({ kind }) => kind !== "gap")) void look();
  });
  return () => {
    isOver = true;
    end();
  };
}
