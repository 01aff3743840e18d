/** Who leads a database writes it; who led before doesn't any more. */
import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import {
  claim,
  commit,
  createRun,
  creation,
  entryFor,
  graphOf,
  note,
  snapshot,
} from "../../src/testing/conformance/rows.ts";
import { dump, freshName, openStore } from "./platform.test-helper.ts";

const graph = graphOf("w", [["a"]]);
const STALE = { status: "stale", guard: "epoch" };

describe("lead", () => {
  it("raises the epoch with each leader", async () => {
    const database = freshName();
    const [one, two] = [await openStore({ database }), await openStore({ database })];
    expect([await one.lead(), await two.lead(), await one.lead()]).toEqual([1, 2, 3]);
    await createRun(one);
    expect(await two.commit([creation()])).toEqual([STALE]);
  });

  it("keeps whoever led before from writing anything", async () => {
    const database = freshName();
    const old = await openStore({ database });
    await old.lead();
    const run = await createRun(old, { graph }, "a");
    const { claimed } = await claim(old, graph, ["a"]);
    const lost = vi.fn();
    old.onLost(lost);
    const next = await openStore({ database });
    await next.lead();
    const before = [await snapshot(next, run.id), await dump(database)];
    const refused = { code: "LEADER_LOST" };
    expect(await old.commit([entryFor(run.id, { events: [note(1)] }), creation()])).toEqual([STALE, STALE]);
    expect(await old.commit([entryFor(run.id, { events: [note(1)] })], 1)).toEqual([STALE]);
    await expect(claim(old, graph, ["a"])).rejects.toMatchObject(refused);
    const leases = claimed.map(({ job }) => job);
    await expect(old.jobs.heartbeat({ leases, leaseFor: 1 })).rejects.toMatchObject(refused);
    await expect(old.jobs.release({ leases })).rejects.toMatchObject(refused);
    await expect(old.register(["sink"])).rejects.toMatchObject(refused);
    expect(lost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(refused));
    expect([await snapshot(next, run.id), await dump(database)]).toEqual(before);
  });

  it("keeps whoever slept from answering from an old memory", async () => {
    const database = freshName();
    const old = await openStore({ database });
    await old.lead();
    const run = await createRun(old);
    const next = await openStore({ database });
    await next.lead();
    await commit(next, entryFor(run.id, { events: [note(1)] }));
    const now = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    await expect(old.run(run.id)).rejects.toMatchObject({ code: "LEADER_LOST" });
    now.mockRestore();
  });

  it("finds everything that the leader before left", async () => {
    const database = freshName();
    const old = await openStore({ database });
    await old.lead();
    const run = await createRun(old, { graph }, "a");
    await claim(old, graph, ["a"], { workerId: "tab-1" });
    const before = await snapshot(old, run.id);
    const next = await openStore({ database });
    await next.lead();
    expect(await snapshot(next, run.id)).toEqual(before);
    expect(await next.jobs.holders()).toEqual(["tab-1"]);
    const { runs } = await next.load({ of: "stale", staleMs: null, dead: ["tab-1"], limit: 10 });
    expect(runs.map(({ jobs }) => jobs.length)).toEqual([1]);
  });

  it("notices a database that was deleted and made anew behind its back", async () => {
    const database = freshName();
    const store = await openStore({ database });
    await store.lead();
    const lost = vi.fn();
    store.onLost(lost);
    const other = await openStore({ database });
    await other.lead();
    await other.lead();
    // As if the two epochs above had been another database's.
    const behind = await openStore({ database });
    await behind.close();
    expect(await store.commit([creation()])).toEqual([STALE]);
    expect(lost).toHaveBeenCalledOnce();
  });
});
