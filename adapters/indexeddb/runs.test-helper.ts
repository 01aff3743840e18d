import type { Store } from "../../src/ports/store.ts";
import {
  commit,
  creation,
  cursorOf,
  entryFor,
  graphOf,
  jobOf,
  keyOf,
  note,
  stageOf,
  stateOf,
} from "../../src/testing/conformance/rows.ts";

/** A three-stage run as the kernel commits it when one host executes it: four commits, and one for the delivery. */
export async function threeStages(store: Store, id: string): Promise<void> {
  const graph = graphs.three;
  const born = creation({ id, graph });
  const job = (stageId: string) =>
    jobOf(id, stageId, { workflowId: "three", worker: "w", token: 1, started: true });
  await commit(store, {
    ...born,
    jobs: [job("a")],
    key: { expect: null, put: keyOf(id, `key of ${id}`, born.id) },
    events: [note(1), note(2), note(3)],
  });
  const finish = (stageId: string, next: string | null) =>
    entryFor(id, {
      guards: { epoch: 1, jobs: [{ stageId, token: 1 }] },
      dropJobs: [stageId],
      jobs: next === null ? [] : [job(next)],
      stages: [stageOf(id, stageId)],
      state: stateOf(next === null ? { status: "COMPLETED" } : {}),
      events: [note(1), note(2)],
    });
  await commit(store, finish("a", "b"));
  await commit(store, finish("b", "c"));
  await commit(store, finish("c", null));
  await commit(
    store,
    entryFor(id, {
      state: stateOf({ status: "COMPLETED", delivered: true }),
      cursors: { sink: cursorOf(9) },
    }),
  );
}
/** The graphs of these runs. */
export const graphs = { three: graphOf("three", [["a"], ["b"], ["c"]]) };
