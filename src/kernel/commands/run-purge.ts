/** `run.purge`: removes settled runs with all that hangs on them. What a subscriber is still owed keeps its run. */
import { isSettled, type KeyRecord, type Payload } from "../../model.ts";
import type { Entry, Loaded, Scope } from "../../ports/store.ts";
import type { Results, RunPurge } from "../api.ts";
import type { Decisions, Given } from "../decision.ts";

/** Runs purged in one round; the kernel goes on until a round is not full. */
export const PURGE_ROUND = 200;

/** Settled and delivered runs, the oldest first. */
export function scopePurge(command: RunPurge, limit = PURGE_ROUND): Scope {
  return {
    of: "purgeable",
    olderThanMs: command.olderThanMs ?? 0,
    status: command.status ?? null,
    keep: command.keep ?? 0,
    limit,
  };
}

/** Whether the result of an execution under a key stands, or holds Blobs, in the blob store. */
function pointsToBlobs({ type, result }: KeyRecord): boolean {
  if (type !== "job.execute" || result === null) return false;
  const { output } = result as { readonly output: Payload | null };
  return output !== null && (output.kind === "blob" || output.blobs !== undefined);
}

/** Idempotency records outlive the run until their retention ends; younger ones get their expiry now. */
export function decidePurge(loaded: Loaded, given: Given): Decisions<Results["run.purge"]> {
  const { keyRetentionMs } = given.policy;
  const entries: Entry[] = [];
  const names = new Set(given.registry.subscribers.map(({ name }) => name));
  for (const [index, { run, keys, letters }] of loaded.runs.entries()) {
    // A dead letter that was put back is owed again, as long as there is anybody to give it to.
    const owed = letters.some(({ replaying, subscriber }) => replaying && names.has(subscriber));
    if (!isSettled(run.status) || !run.delivered || owed) continue;
    const young = keys.filter((key) => key.createdAt + keyRetentionMs > loaded.now);
    const old = keys.filter((key) => key.createdAt + keyRetentionMs <= loaded.now);
    // Such a result could not be given again without the run's blobs: the run stays for as long as the key is kept.
    if (young.some(pointsToBlobs)) continue;
    entries.push({
      id: `${given.entry}.${index}`,
      runId: run.id,
      command: "run.purge",
      guards: { version: run.version },
      purge: true,
      dropKeys: old.map(({ type, key }) => ({ type, key })),
      keepKeys: young.map((key) => ({ ...key, expiresAt: key.createdAt + keyRetentionMs })),
      events: [],
    });
  }
  const runs = entries.length;
  const byRun = new Map<string, { type: string; key: string }[]>();
  for (const { runId, type, key } of loaded.orphans) {
    const list = byRun.get(runId) ?? [];
    list.push({ type, key });
    byRun.set(runId, list);
  }
  for (const [runId, dropKeys] of byRun) {
    entries.push({
      id: `${given.entry}.k${entries.length}`,
      runId,
      command: "run.purge",
      guards: { gone: true },
      dropKeys,
      events: [],
    });
  }
  return {
    entries,
    result: (verdicts) => ({
      purged: verdicts.slice(0, runs).filter((verdict) => verdict.status === "committed").length,
    }),
  };
}
