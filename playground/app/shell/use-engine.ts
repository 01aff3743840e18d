import { useEffect, useState } from "react";
import type { BrowserStatus, PoolWorker } from "sluice/browser";
import type { PageEngine } from "../engine.ts";

/** What the workers do is asked for at most so often, in milliseconds. */
const PAUSE_MS = 200;

/** The engine's own state, followed. */
export function useEngineStatus(engine: PageEngine | null): BrowserStatus | null {
  const [status, setStatus] = useState<BrowserStatus | null>(null);
  useEffect(() => {
    if (engine === null) {
      setStatus(null);
      return undefined;
    }
    setStatus(engine.status());
    return engine.onStatus(setStatus);
  }, [engine]);
  return status;
}

/** What this tab's workers execute, followed by the engine's changes. */
export function usePoolWorkers(engine: PageEngine | null): readonly PoolWorker[] {
  const [workers, setWorkers] = useState<readonly PoolWorker[]>([]);
  useEffect(() => {
    setWorkers([]);
    if (engine === null) return undefined;
    let isCurrent = true;
    let pause: ReturnType<typeof setTimeout> | null = null;
    const look = (): void => {
      if (pause !== null) return;
      pause = setTimeout(() => {
        pause = null;
        engine.workers().then(
          (found) => isCurrent && setWorkers(found),
          // Not connected just now: the next change asks again.
          () => isCurrent && setWorkers([]),
        );
      }, PAUSE_MS);
    };
    look();
    const ends = [engine.subscribe(look), engine.onStatus(look)];
    return () => {
      isCurrent = false;
      for (const end of ends) end();
      if (pause !== null) clearTimeout(pause);
    };
  }, [engine]);
  return workers;
}
