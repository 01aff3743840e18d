import { useEffect, useState } from "react";
import type { PageEngine } from "../engine.ts";
import { type FollowedRun, followRun } from "../run/follow.ts";
import { type FollowedRuns, followRuns } from "../runs/list.ts";

/** Follows a run as long as it is open; null while there is none, or no engine. */
export function useFollowedRun(engine: PageEngine | null, runId: string | null): FollowedRun | null {
  const [run, setRun] = useState<FollowedRun | null>(null);
  useEffect(() => {
    if (engine === null || runId === null) {
      setRun(null);
      return undefined;
    }
    const followed = followRun(engine, runId);
    setRun(followed);
    return () => followed.stop();
  }, [engine, runId]);
  // Between a change of route and the effect, the run of before is still here.
  return run !== null && run.runId === runId ? run : null;
}

/** Follows the history as long as there is an engine. */
export function useFollowedRuns(engine: PageEngine | null): FollowedRuns | null {
  const [runs, setRuns] = useState<FollowedRuns | null>(null);
  useEffect(() => {
    if (engine === null) {
      setRuns(null);
      return undefined;
    }
    const followed = followRuns(engine);
    setRuns(followed);
    return () => followed.stop();
  }, [engine]);
  return runs;
}
