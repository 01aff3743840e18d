/** A run with a row in every table, and what is known of all runs together. */
import type { Store } from "../../ports/store.ts";
import {
  claimOne,
  commit,
  createRun,
  cursorOf,
  entryFor,
  graphOf,
  keyOf,
  letterOf,
  note,
  payload,
  stageOf,
  unique,
} from "./rows.ts";

/** The graph of populated runs. */
export const populated = graphOf("w", [["a"], ["b"]]);

/** A run in the middle of its life, with a row in every table. */
export async function populate(store: Store): Promise<string> {
  const run = await createRun(store, { graph: populated, key: unique("created by") }, "a", "b");
  const job = await claimOne(store, run, "a", { only: { runId: run.id, stageId: "a" } });
  const entry = entryFor(run.id, {
    guards: { epoch: 1, jobs: [{ stageId: "a", token: job.token }] },
    stages: [stageOf(run.id, "x")],
    past: [{ ...stageOf(run.id, "p"), startedAt: 1, endedAt: 2 }],
    signals: [{ runId: run.id, id: "s", name: "go", payload: payload(1) }],
    letters: [letterOf(run.id, 1)],
    cursors: { sink: cursorOf(1) },
    events: [note(1), note(2)],
  });
  await commit(store, { ...entry, key: { expect: null, put: keyOf(run.id, `key of ${run.id}`, entry.id) } });
  await store.appendLogs([
    {
      runId: run.id,
      stageId: "a",
      epoch: 1,
      attempt: 1,
      from: 0,
      lines: [{ at: 1, level: "INFO", message: "x" }],
    },
  ]);
  await store.blobs.put({ runId: run.id, epoch: 1, stageId: "a", attempt: 1, name: "b0" }, new Blob(["x"]));
  return run.id;
}

/** What queue, outbox and lists know, read without changing it. */
export async function listsOf(store: Store): Promise<unknown> {
  const load = async (scope: Parameters<Store["load"]>[0]) =>
    (await store.load(scope)).runs.map(({ run }) => run.id).toSorted();
  return {
    pending: await load({ of: "pending", workflowIds: null, limit: 100 }),
    leased: await load({ of: "stale", staleMs: 0, dead: [], limit: 100 }),
    outbox: await load({ of: "outbox", subscribers: ["sink"], limit: 100, maxEvents: 10 }),
    letters: await load({ of: "letters", limit: 100 }),
    purgeable: await load({ of: "purgeable", olderThanMs: 0, status: null, keep: 0, limit: 100 }),
    stuck: await load({ of: "stuck", idleMs: 0, limit: 100 }),
    holders: await store.jobs.holders(),
    runs: (await store.runs({})).rows.map(({ id }) => id).toSorted(),
  };
}
