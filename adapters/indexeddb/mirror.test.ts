import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  claimOne,
  commit,
  createRun,
  entryFor,
  keyOf,
  letterOf,
  note,
  payload,
  snapshot,
  stageOf,
  stateOf,
} from "../../src/testing/conformance/rows.ts";
import { freshName, openStore, type Watch, watchPlatform } from "./platform.test-helper.ts";
import { graphs, threeStages } from "./runs.test-helper.ts";

let watch: Watch;
beforeEach(() => {
  watch = watchPlatform();
});
afterEach(() => watch.stop());

describe("what is in memory", () => {
  it("answers a leader without a transaction, for as long as it was seen to lead a moment ago", async () => {
    const store = await openStore();
    await store.lead();
    await threeStages(store, "run");
    const now = vi.spyOn(performance, "now");
    watch.reset();
    const found = await store.run("run");
    expect(found?.stages).toHaveLength(3);
    expect(watch.transactions).toEqual([]);
    now.mockReturnValue(performance.timeOrigin + 1e9);
    await store.run("run");
    expect(watch.transactions.map(({ mode }) => mode)).toEqual(["readonly"]);
    now.mockRestore();
  });

  it("holds few of the runs that are over, and reads the others when they are asked for", async () => {
    const store = await openStore();
    await store.lead();
    for (let index = 0; index < 300; index += 1) await threeStages(store, `run-${index}`);
    const [old, recent] = [await store.run("run-0"), await store.run("run-299")];
    expect(old?.stages.map(({ stageId }) => stageId)).toEqual(["a", "b", "c"]);
    watch.reset();
    await store.run("run-299");
    expect(watch.count("get settled")).toBe(0);
    await store.run("run-1");
    expect(watch.count("get settled")).toBe(1);
    expect(recent?.run.status).toBe("COMPLETED");
    expect((await store.load({ of: "run", runId: "run-2", keys: true })).runs[0]?.keys).toHaveLength(1);
  });

  it("is no run that is over and large", async () => {
    const store = await openStore();
    await store.lead();
    const run = await createRun(store);
    for (let index = 0; index < 12; index += 1)
      await commit(
        store,
        entryFor(run.id, { stages: [stageOf(run.id, `s${index}`, { output: payload("x".repeat(5000)) })] }),
      );
    await commit(store, entryFor(run.id, { state: stateOf({ status: "COMPLETED", delivered: true }) }));
    watch.reset();
    for (let index = 0; index < 2; index += 1) expect((await store.run(run.id))?.stages).toHaveLength(12);
    expect(watch.count("get settled")).toBe(2);
  });

  it("is of a live run only what was asked for since the database was opened", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const run = await createRun(store, { graph: graphs.three }, "a");
    await commit(
      store,
      entryFor(run.id, { stages: [stageOf(run.id, "x", { output: payload("y".repeat(9000)) })] }),
    );
    const before = await snapshot(store, run.id);
    await store.close();
    const again = await openStore({ database });
    watch.reset();
    const job = await claimOne(again, run, "a");
    await again.jobs.release({ leases: [job] });
    expect(await again.load({ of: "run", runId: run.id, jobs: "all", graph: true })).toMatchObject({
      runs: [{ graph: graphs.three }],
    });
    expect(watch.count("getAll deltas")).toBe(0);
    const { runs } = await again.load({ of: "run", runId: run.id, stages: ["x"], body: true });
    expect(runs[0]).toMatchObject({
      stages: [{ output: payload("y".repeat(9000)) }],
      body: { runId: run.id },
    });
    await again.run(run.id);
    expect(watch.count("getAll deltas")).toBe(1);
    const rest = (of: unknown): unknown =>
      JSON.parse(JSON.stringify(of, (key, value: unknown) => (key === "jobs" ? 0 : value)));
    expect(rest(await snapshot(again, run.id))).toEqual(rest(before));
  });

  it("tells of dead letters as soon as the database is open", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const letters = (runId: string) => [letterOf(runId, 1), letterOf(runId, 2, { replaying: true })];
    const live = await createRun(store);
    await commit(store, entryFor(live.id, { letters: letters(live.id), events: [note(1), note(2)] }));
    await threeStages(store, "over");
    await commit(store, entryFor("over", { letters: [letterOf("over", 1)] }));
    await store.close();
    const asked = await Promise.all([openStore({ database }), openStore({ database })]);
    expect((await asked[0].load({ of: "letters", limit: 9 })).runs.map(({ run }) => run.id)).toEqual([
      live.id,
      "over",
    ]);
    const outbox = { of: "outbox", subscribers: ["sink"], limit: 9, maxEvents: 9 } as const;
    expect((await asked[1].load(outbox)).runs[0]?.letters).toEqual([
      expect.objectContaining({ sequence: 2 }),
    ]);
  });

  it("is no record of an idempotency key whose run is gone", async () => {
    const store = await openStore();
    const run = await createRun(store);
    const entry = entryFor(run.id);
    await commit(store, { ...entry, key: { expect: null, put: keyOf(run.id, "k", entry.id) } });
    const keepKeys = (await store.run(run.id))?.keys ?? [];
    await commit(store, entryFor(run.id, { purge: true, keepKeys }));
    watch.reset();
    const key = { type: "test", key: "k" };
    for (let index = 0; index < 2; index += 1)
      expect((await store.load({ of: "run", runId: "none", key })).key).toEqual(keepKeys[0]);
    expect(watch.count("get keys")).toBe(2);
  });

  it("is none of the runs that may be purged, and of those only the ones that are asked for", async () => {
    const database = freshName();
    const ids = ["r0", "r1", "r2", "r3", "r4"];
    let now = 1000;
    const clock = { now: () => now };
    const store = await openStore({ database, clock });
    for (const id of ids) {
      now += 10;
      await threeStages(store, id);
    }
    await store.close();
    const again = await openStore({ database, clock });
    const purgeable = async (keep: number, limit: number) => {
      const { runs } = await again.load({ of: "purgeable", olderThanMs: 0, status: null, keep, limit });
      return runs.map(({ run: { id } }) => id);
    };
    expect(await purgeable(3, 9)).toEqual(["r0", "r1"]);
    expect(await purgeable(0, 1)).toEqual(["r0"]);
    expect(await purgeable(5, 9)).toEqual([]);
    expect(
      (await again.load({ of: "purgeable", olderThanMs: 45, status: null, keep: 0, limit: 9 })).runs,
    ).toEqual([]);
    watch.reset();
    await again.load({ of: "purgeable", olderThanMs: 1e6, status: null, keep: 0, limit: 9 });
    expect(watch.count("getAll deltas", "get settled")).toBe(0);
  });

  it("goes on from a run's head alone", async () => {
    const database = freshName();
    const store = await openStore({ database });
    const run = await createRun(store);
    for (const id of ["a", "b"])
      await commit(
        store,
        entryFor(run.id, {
          stages: [stageOf(run.id, id, { output: payload("y".repeat(3000)) })],
          events: [note(id)],
        }),
      );
    await store.close();
    const again = await openStore({ database });
    await commit(
      again,
      entryFor(run.id, { stages: [stageOf(run.id, "c")], dropStages: ["a"], events: [note("c")] }),
    );
    const found = await again.run(run.id);
    expect(found?.stages.map(({ stageId }) => stageId).sort()).toEqual(["b", "c"]);
    expect((await again.events({ run: run.id })).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});
