import { describe, expect, it } from "vitest";
import { advance } from "../advance.ts";
import { givenOf, loadedOf, runOf } from "../decide.test-helper.ts";
import {
  begin,
  create,
  execute,
  gate,
  graphOf,
  headOf,
  kernelOf,
  settle,
  suspends,
  typesOf,
} from "../kernel.test-helper.ts";
import { deepFreeze, expectRefused, snapshot } from "../watch.test-helper.ts";
import { decideTransition } from "./run-transition.ts";

const graph = graphOf([["a", "b"], "c"]);
const command = { type: "run.transition", workflowRunId: "run" } as const;
const error = { name: "Error", code: "X", message: "no" };

describe("advance", () => {
  it.each<[string, Parameters<typeof runOf>[0], ReturnType<typeof advance>]>([
    ["waits while a stage is active", { remaining: 2, active: 1 }, null],
    [
      "has nothing to do for a run that sleeps already",
      { status: "SUSPENDED", remaining: 1, active: 0 },
      null,
    ],
    ["has nothing to do for a run that waits to begin", { status: "PENDING", remaining: 0, active: 0 }, null],
    ["has nothing to do for a run that is over", { status: "COMPLETED", remaining: 0, active: 0 }, null],
  ])("%s", (_, change, expected) => {
    const run = runOf(change);
    expect(advance(run, graph, run, givenOf())).toEqual(expected);
  });

  it("goes on from group to group, and completes the run after the last", () => {
    const first = runOf({ remaining: 0, active: 0 });
    expect(advance(first, graph, first, givenOf())).toMatchObject({
      action: "advanced",
      nextGroup: 1,
      state: { status: "RUNNING", group: 1 },
      counters: { set: { remaining: 1, active: 1 } },
    });
    const last = runOf({ remaining: 0, active: 0, group: 1 });
    expect(advance(last, graph, last, givenOf())).toMatchObject({
      action: "completed",
      state: { status: "COMPLETED" },
      jobs: [],
      registry: 0,
    });
  });

  it("fails a run with an error once its group is done, and wakes one that slept", () => {
    const failing = runOf({ remaining: 0, active: 0, error });
    expect(advance(failing, graph, failing, givenOf())).toMatchObject({
      action: "failed",
      state: { status: "FAILED", error },
    });
    const asleep = runOf({ status: "SUSPENDED", remaining: 0, active: 0 });
    expect(advance(asleep, graph, asleep, givenOf())?.state).toMatchObject({ status: "RUNNING", group: 1 });
  });
});

describe("decideTransition", () => {
  it("is a function of its arguments alone, guarded by the version and the counter", () => {
    const loaded = deepFreeze(loadedOf({ run: runOf({ remaining: 0, active: 0 }), graph }));
    const decide = () => decideTransition(command, loaded, givenOf()).entry;
    expect(decide()).toEqual(decide());
    expect(decide()?.guards).toEqual({ version: 3, remaining: 0 });
  });

  it("leaves the list of subscribers out of the guards where it isn't relied on", () => {
    const last = runOf({ remaining: 0, active: 0, group: 1 });
    const { entry } = decideTransition(command, loadedOf({ run: last, graph }), givenOf());
    expect(entry?.guards).toEqual({ version: 3, remaining: 0, registry: 0 });
  });
});

describe("run.transition", () => {
  const transition = (workflowRunId: string) => ({ type: "run.transition", workflowRunId }) as const;

  it("is refused for a run that doesn't exist", async () => {
    const bench = kernelOf([graph]);
    await expectRefused(bench.store, "RUN_NOT_FOUND", () => bench.kernel.dispatch(transition("nobody")));
  });

  it("is a noop, and writes nothing, where there is nothing to do", async () => {
    const bench = kernelOf([graph]);
    const pending = await create(bench);
    const before = await snapshot(bench.store);
    const commits = bench.watch.commits.length;
    expect(await bench.kernel.dispatch(transition(pending))).toEqual({ action: "noop" });
    const runId = await begin(bench);
    const running = await snapshot(bench.store);
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "noop" });
    expect(await snapshot(bench.store)).toEqual(running);
    expect(before).not.toEqual(running);
    expect(bench.watch.commits.length - commits).toBe(2);
  });

  it("says what it did: advanced, completed", async () => {
    const bench = kernelOf([graph]);
    const runId = await begin(bench);
    for (const stageId of ["a", "b"]) await execute(bench, runId, stageId, { advance: false });
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "advanced", nextGroup: 1 });
    await execute(bench, runId, "c", { advance: false });
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "completed" });
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "noop" });
  });

  it("makes a run SUSPENDED whose last active stage was completed by hand", async () => {
    const bench = kernelOf([graph]);
    bench.executor.bodies.set("a", () => suspends({ signal: "go" }));
    const runId = await begin(bench);
    await execute(bench, runId, "a", { advance: false });
    await execute(bench, runId, "b", { advance: false });
    expect((await headOf(bench, runId)).status).toBe("RUNNING");
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "suspended" });
    expect((await headOf(bench, runId)).status).toBe("SUSPENDED");
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "noop" });
  });

  it("puts no run to sleep whose suspended stage is resumed at the same moment", async () => {
    const bench = kernelOf([graph]);
    const other = kernelOf([graph], { store: bench.store, clock: bench.clock });
    const slow = gate();
    bench.executor.bodies.set("a", () => suspends({ dueIn: 1000 }));
    other.executor.bodies.set("a", slow.body);
    const runId = await begin(bench);
    for (const stageId of ["a", "b"]) await execute(bench, runId, stageId, { advance: false });
    await bench.clock.advance(1000);
    let resumed: Promise<unknown> = Promise.resolve();
    bench.watch.afterLoad = async () => {
      bench.watch.afterLoad = null;
      resumed = execute(other, runId, "a");
      await settle();
    };
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "noop" });
    expect(await headOf(bench, runId)).toMatchObject({ status: "RUNNING", remaining: 1, active: 1 });
    slow.open("done");
    await resumed;
  });

  it("advances once, however many ask at the same time", async () => {
    const bench = kernelOf([graph]);
    const other = kernelOf([graph], { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    for (const stageId of ["a", "b"]) await execute(bench, runId, stageId, { advance: false });
    const results = await Promise.all(
      [bench, other, bench, other].map(({ kernel }) => kernel.dispatch(transition(runId))),
    );
    expect(results.filter(({ action }) => action === "advanced")).toHaveLength(1);
    expect(results.filter(({ action }) => action === "noop")).toHaveLength(3);
    expect((await bench.store.run(runId))?.jobs).toHaveLength(1);
  });

  it("gives up against writers that always come first, and says which guard fell", async () => {
    const bench = kernelOf([graph]);
    const other = kernelOf([graph], { store: bench.store, clock: bench.clock });
    const runId = await begin(bench);
    for (const stageId of ["a", "b"]) await execute(bench, runId, stageId, { advance: false });
    let races = 0;
    const comeFirst = async (): Promise<void> => {
      // The other kernel's own loads pass through here too.
      bench.watch.afterLoad = null;
      races += 1;
      await other.kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "x", payload: races });
      bench.watch.afterLoad = comeFirst;
    };
    bench.watch.afterLoad = comeFirst;
    await expect(bench.kernel.dispatch(transition(runId))).rejects.toMatchObject({
      code: "STALE_VERSION",
      guard: "version",
    });
    expect(races).toBe(25);
    bench.watch.afterLoad = null;
    expect(await headOf(bench, runId)).toMatchObject({ group: 0, status: "RUNNING" });
    expect(await bench.kernel.dispatch(transition(runId))).toEqual({ action: "advanced", nextGroup: 1 });
  });

  it("follows the finish by itself where two siblings end a group without knowing of each other", async () => {
    const one = kernelOf([graph]);
    const two = kernelOf([graph], { store: one.store, clock: one.clock });
    const runId = await begin(one);
    await execute(one, runId, "a", { advance: false });
    await two.kernel.dispatch(transition(runId));
    // `two` remembers nothing of `a`'s end, and `one` nothing of `b`'s: neither knows that the counter is at one.
    await Promise.all([execute(two, runId, "b"), settle()]);
    expect(await headOf(one, runId)).toMatchObject({ group: 1, status: "RUNNING" });
    expect((await typesOf(one, runId)).filter((type) => type === "stage:completed")).toHaveLength(2);
  });
});
