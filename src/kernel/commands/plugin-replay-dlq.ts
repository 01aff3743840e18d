/** `plugin.replayDLQ`: puts dead letters back; the next flush delivers them late, marked as replayed, with the same event id. */
import { isSettled } from "../../model.ts";
import type { Entry, Loaded, Scope } from "../../ports/store.ts";
import type { PluginReplayDlq, Results } from "../api.ts";
import { type Decisions, type Given, stateOf } from "../decision.ts";

/** Dead letters that wait for somebody to act. */
export function scopeReplay(command: PluginReplayDlq): Scope {
  return {
    of: "letters",
    limit: command.maxEvents ?? 100,
    ...(command.workflowRunId === undefined ? {} : { runId: command.workflowRunId }),
    ...(command.subscriber === undefined ? {} : { subscriber: command.subscriber }),
    ...(command.eventType === undefined ? {} : { type: command.eventType }),
  };
}

/** One entry a run. Marking one twice is harmless: what was delivered meanwhile is gone, and its mark falls to the version of nothing. */
export function decideReplay(loaded: Loaded, given: Given): Decisions<Results["plugin.replayDLQ"]> {
  const counts: number[] = [];
  const entries = loaded.runs.map(({ run, letters }, index): Entry => {
    counts.push(letters.length);
    const settled = isSettled(run.status);
    const subscribers = [...new Set(letters.map(({ subscriber }) => subscriber))];
    return {
      id: `${given.entry}.${index}`,
      runId: run.id,
      command: "plugin.replayDLQ",
      // The cursor's token moves with every flush, so a letter that a flush has just dealt with isn't put back by an old read.
      guards: {
        cursors: subscribers.map((subscriber) => ({
          subscriber,
          token: run.cursors[subscriber]?.token ?? 0,
        })),
        ...(settled ? { version: run.version } : {}),
      },
      // On a settled run it grows the version, so that a purge that was decided before it falls.
      ...(settled ? { state: stateOf(run) } : {}),
      letters: letters.map((letter) => ({ ...letter, replaying: true })),
      events: [],
    };
  });
  return {
    entries,
    result: (verdicts) => ({
      replayed: counts.reduce(
        (sum, count, index) => sum + (verdicts[index]?.status === "committed" ? count : 0),
        0,
      ),
    }),
  };
}
