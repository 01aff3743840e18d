/** Rows are private to the store: neither what was put nor what was read is a way into it. */
import type { ErrorRecord, LogBatch } from "../../model.ts";
import type { Entry, LoadedRun, Store } from "../../ports/store.ts";
import { equal, present } from "./assert.ts";
import { type CaseBody, group } from "./case.ts";
import { listsOf, populate, populated } from "./populate.ts";
import {
  claim,
  commit,
  createRun,
  creation,
  cursorOf,
  entryFor,
  jobOf,
  keyOf,
  letterOf,
  note,
  payload,
  snapshot,
  stageOf,
} from "./rows.ts";

/** A value of every kind that can be changed. */
function changeable(): unknown {
  return {
    list: [1, { n: 1 }],
    map: new Map([["a", { n: 1 }]]),
    set: new Set([{ n: 1 }]),
    bytes: new Uint8Array([1]),
    date: new Date(1),
  };
}

function errorOf(message: string): ErrorRecord {
  return { name: "Error", code: "X", message, issues: [{ path: "a", message: "b" }] };
}

/** Changes everything that can be changed in a value; what refuses to be is private too. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Blob) return;
  if (value instanceof Date) value.setTime(9);
  else if (value instanceof Uint8Array) value.fill(9);
  else if (value instanceof Map) {
    for (const part of value.values()) spoil(part);
    value.set("spoiled", 1);
  } else if (value instanceof Set) {
    for (const part of value) spoil(part);
    value.add("spoiled");
  } else if (!ArrayBuffer.isView(value)) {
    for (const name of Object.keys(value)) {
      const part: unknown = Reflect.get(value, name);
      // Only what holds nothing else is replaced, so that a store that fell for it can still be compared.
      if (typeof part === "object" && part !== null) spoil(part);
      else Reflect.set(value, name, "spoiled");
    }
  }
}

function full(runId: string): Entry {
  const given = () => payload(changeable());
  const base = creation({ id: runId, graph: populated });
  const create = present(base.create, "the run to insert");
  const wake = { kind: "signal", name: "go", payload: given() } as const;
  return {
    ...base,
    create: { ...create, error: errorOf("run"), forkedFrom: { runId: "parent", stageId: "a" } },
    body: { runId, input: given(), config: given() },
    jobs: [jobOf(runId, "a", { workflowId: populated.workflowId })],
    stages: [stageOf(runId, "a", { output: given(), state: given(), wake, error: errorOf("stage") })],
    past: [{ ...stageOf(runId, "p", { output: given(), error: errorOf("past") }), startedAt: 1, endedAt: 2 }],
    signals: [{ runId, id: "s", name: "go", payload: given() }],
    letters: [letterOf(runId, 1, { error: errorOf("letter") })],
    cursors: { sink: cursorOf(0) },
    events: [note(changeable())],
    key: {
      expect: null,
      put: keyOf(runId, `key of ${runId}`, base.id, {
        result: changeable(),
        open: { stageId: "a", epoch: 1, token: 1 },
      }),
    },
  };
}

function logsOf(runId: string): LogBatch {
  const lines = [{ at: 1, level: "INFO" as const, message: "x", meta: changeable() }];
  return { runId, stageId: "a", epoch: 1, attempt: 1, from: 0, lines };
}

/** Everything that a store hands out. */
async function reads(store: Store, run: LoadedRun["run"]): Promise<unknown[]> {
  const runId = run.id;
  const key = { type: "test", key: `key of ${runId}` };
  const limit = 10;
  return [
    await store.run(runId),
    await store.runByKey(run.key),
    await store.runs({}),
    await store.events({ run: runId }),
    await store.logs({ runId }),
    await store.past(runId),
    await store.letters({ runId }),
    await store.changes({}),
    await store.blobs.list(runId),
    await store.register([]),
    await store.load({
      of: "run",
      runId,
      jobs: "all",
      stages: "all",
      graph: true,
      body: true,
      signals: true,
      keys: true,
      key,
    }),
    await store.load({ of: "pending", workflowIds: null, limit }),
    await store.load({ of: "outbox", subscribers: ["sink"], limit, maxEvents: 10 }),
    await store.load({ of: "letters", limit }),
    await store.load({ of: "stale", staleMs: 0, dead: [], limit }),
  ];
}

export const isolationCases: readonly CaseBody[] = group("isolation", [
  {
    name: "what was put may be changed afterwards",
    record: "changes",
    async body({ store }) {
      const entry = full("run");
      await commit(store, entry);
      const logs = [logsOf("run")];
      await store.appendLogs(logs);
      const names = ["sink"];
      await store.register(names);
      const blobKey = { runId: "run", epoch: 1, stageId: "a", attempt: 1, name: "b0" };
      await store.blobs.put(blobKey, new Blob(["x"]));
      const error = errorOf("late");
      const late = entryFor("run", {
        state: { status: "FAILED", epoch: 1, group: 0, error, delivered: false },
      });
      await commit(store, late);
      const before = [
        await snapshot(store, "run"),
        await listsOf(store),
        await store.changes({}),
        await store.register([]),
      ];
      // The graph is shared by the cases: it stays as it is.
      const { graph: _, ...own } = entry;
      for (const given of [own, late, logs, names, blobKey]) spoil(given);
      const after = [
        await snapshot(store, "run"),
        await listsOf(store),
        await store.changes({}),
        await store.register([]),
      ];
      equal(after, before, "the store after what was put was changed");
    },
  },
  {
    name: "what was read may be changed",
    record: "changes",
    async body({ store }) {
      await commit(store, full("run"));
      const runId = await populate(store);
      await createRun(store, { id: "pending", state: { status: "PENDING" } });
      await store.appendLogs([logsOf("run")]);
      await store.register(["sink"]);
      const everything = async () => [
        await snapshot(store, "run", runId, "pending"),
        await listsOf(store),
        await store.changes({}),
        await store.register([]),
      ];
      const before = await everything();
      const found = present(await store.run("run"), "the run");
      for (const read of [...(await reads(store, found.run)), found]) spoil(read);
      equal(await everything(), before, "the store after what was read was changed");
      const claimed = await claim(store, populated, ["a"]);
      const leased = await everything();
      spoil(claimed);
      equal(await everything(), leased, "the store after what was claimed was changed");
      const { runs } = await store.load({ of: "run", runId: "run", graph: true });
      equal(runs[0]?.graph?.groups, populated.groups, "the graph");
    },
  },
]);
