import { describe, expect, it } from "vitest";
import type { Event } from "../model.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { flow, stage } from "../hosts/pump.test-helper.ts";
import type { RunHandle } from "./api.ts";
import { engineRig } from "./client.test-helper.ts";

async function all(events: AsyncIterable<Event>): Promise<Event[]> {
  const got: Event[] = [];
  for await (const event of events) got.push(event);
  return got;
}

describe("a run's events", () => {
  it("come live, in order, without gaps and each once, until the run is settled", async () => {
    const gates = [deferred(), deferred()];
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", () => gates[0]?.promise),
          [stage("b", () => gates[1]?.promise), stage("c")],
        ),
      ],
    });
    const run = await engine.start("w", 1);
    const live: Event[] = [];
    const reading = (async () => {
      for await (const event of run.events()) live.push(event);
    })();
    await clock.settle();
    expect(live.map(({ type }) => type)).toEqual(["workflow:created", "workflow:started", "stage:started"]);
    gates[0]?.resolve();
    await clock.settle();
    const seen = live.length;
    expect(seen).toBeGreaterThan(3);
    gates[1]?.resolve();
    await reading;
    expect(live.map(({ sequence }) => sequence)).toEqual(live.map((_, index) => index + 1));
    expect(live.at(-1)?.type).toBe("workflow:completed");
    expect(await all(run.events())).toEqual(live);
    expect(await all(run.events({ after: seen }))).toEqual(live.slice(seen));
    expect(await all(run.events({ after: 1000 }))).toEqual([]);
  });

  it("are many", async () => {
    const { engine } = await engineRig({
      workflows: [
        flow(
          "w",
          Array.from({ length: 700 }, (_, n) => stage(`s${n}`)),
        ),
      ],
    });
    const run = await engine.start("w", 1);
    await run.result();
    const sequences = (await all(run.events())).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 1403 }, (_, index) => index + 1));
  });

  it("end when the reader has had enough, even while it waits", async () => {
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", () => new Promise<void>(() => undefined)),
        ),
      ],
    });
    const run = await engine.start("w", 1);
    await clock.settle();
    for await (const event of run.events()) {
      expect(event.sequence).toBe(1);
      break;
    }
    const events = run.events({ after: 3 });
    const waiting = [events.next(), events.next()];
    await clock.settle();
    expect(await events.return()).toEqual({ done: true, value: undefined });
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it("are given to overlapping calls one each", async () => {
    const { engine } = await engineRig({ workflows: [flow("w", stage("a"))] });
    const run = await engine.start("w", 1);
    await run.result();
    const events = run.events();
    const got = await Promise.all([events.next(), events.next(), events.next()]);
    expect(got.map(({ value }) => value?.sequence)).toEqual([1, 2, 3]);
  });

  it.each([-1, 1.5, Number.NaN])("can't be read after %d", async (after) => {
    const { engine } = await engineRig({ workflows: [flow("w", stage("a"))] });
    const run = await engine.start("w", 1);
    expect(() => run.events({ after })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });
});

describe("a run's progress", () => {
  it("is told live, until it is told no more", async () => {
    const gate = deferred();
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", async (ctx) => {
            ctx.onProgress({ progress: 0.25, message: "begun", details: { n: 1 } });
            await gate.promise;
            ctx.onProgress({ progress: 1 });
          }),
        ),
      ],
      concurrency: 1,
    });
    const got: unknown[] = [];
    const listener = (progress: unknown): void => void got.push(progress);
    const first = await engine.start("w", 1);
    const second = await engine.start("w", 1);
    const ends = [second.progress(listener), second.progress(listener)];
    gate.resolve();
    await first.result();
    await second.result();
    await clock.settle();
    const own = { stageId: "a", epoch: 1, attempt: 1 };
    expect(got).toEqual([
      { ...own, progress: 0.25, message: "begun", details: { n: 1 } },
      { ...own, progress: 0.25, message: "begun", details: { n: 1 } },
      { ...own, progress: 1 },
      { ...own, progress: 1 },
    ]);
    ends[0]?.();
    ends[0]?.();
    got.length = 0;
    await second.rerunFrom("a");
    await second.result();
    await clock.settle();
    expect(got).toHaveLength(2);
    ends[1]?.();
    await second.rerunFrom("a");
    await second.result();
    await clock.settle();
    expect(got).toHaveLength(2);
  });
});

describe("a run", () => {
  it("is run again from a stage on, with what came before kept", async () => {
    const calls = { a: 0, b: 0 };
    const a = stage("a", () => ({ output: (calls.a += 1) }));
    const b = stage("b", (ctx) => ({ output: [ctx.require("a"), (calls.b += 1)] }));
    const { engine } = await engineRig({ workflows: [flow("w", a, b)] });
    const run = await engine.start("w", 1);
    expect(await run.result()).toEqual([1, 1]);
    expect(await run.rerunFrom(b, { idempotencyKey: "again" })).toEqual({
      workflowRunId: run.id,
      fromStageId: "b",
      deletedStages: ["b"],
    });
    expect(await run.result()).toEqual([1, 2]);
    await run.rerunFrom("b", { idempotencyKey: "again" });
    expect(await run.result(), "the same key runs nothing again").toEqual([1, 2]);
    await expect(run.rerunFrom("c")).rejects.toMatchObject({ code: "UNKNOWN_STAGE" });
  });

  it("is rerun by force while it is live: the result is the later one's", async () => {
    const gate = deferred();
    let calls = 0;
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", async () => {
            calls += 1;
            const own = calls;
            if (own === 1) await gate.promise;
            return { output: own };
          }),
        ),
      ],
    });
    const run = await engine.start("w", 1);
    const result = run.result();
    await clock.settle();
    await expect(run.rerunFrom("a")).rejects.toMatchObject({ code: "RUN_NOT_SETTLED" });
    await run.rerunFrom("a", { force: true });
    expect(await result).toBe(2);
    gate.resolve();
    await clock.settle();
    expect(await run.result()).toBe(2);
  });

  it("is forked: a run of its own with the earlier outputs", async () => {
    let calls = 0;
    const a = stage("a", () => ({ output: (calls += 1) }));
    const b = stage("b", (ctx) => ({ output: [ctx.runId, ctx.require("a")] }));
    const { engine } = await engineRig({ workflows: [flow("w", a, b)] });
    const run = await engine.start("w", 1);
    await run.result();
    const forks = await Promise.all([
      run.fork("b", { idempotencyKey: "f" }),
      run.fork(b, { idempotencyKey: "f" }),
    ]);
    expect(forks[0].id).toBe(forks[1].id);
    expect(forks[0].id).not.toBe(run.id);
    expect(await forks[0].result()).toEqual([forks[0].id, 1]);
    expect(await run.result()).toEqual([run.id, 1]);
    expect(calls).toBe(1);
  });

  it("suspends until a signal, a time, or its check", async () => {
    const waits = stage("waits", (ctx) =>
      ctx.resumedBy?.kind === "signal"
        ? { output: [ctx.resumeState, ctx.resumedBy.payload] }
        : { suspended: true, state: "kept", signal: "go" },
    );
    const sleeps = stage("sleeps", (ctx) =>
      ctx.resumedBy
        ? { output: "awake" }
        : { suspended: true, state: null, pollConfig: { nextPollAt: new Date(clock.now() + 3_600_000) } },
    );
    let isReady = false;
    const asks = stage("asks", () => ({ suspended: true, state: 1 }), {
      checkCompletion: async () => (isReady ? { ready: true, output: "asked" } : { ready: false }),
    });
    const { engine, clock } = await engineRig({
      workflows: [flow("waits", waits), flow("sleeps", sleeps), flow("asks", asks)],
    });
    const runs = await Promise.all(["waits", "sleeps", "asks"].map((id) => engine.start(id, 1)));
    const [signalled, asleep, asked] = runs;
    await clock.settle();
    expect(await Promise.all(runs.map((run) => run.status()))).toEqual([
      "SUSPENDED",
      "SUSPENDED",
      "SUSPENDED",
    ]);
    expect(await signalled?.signal("go", { n: 1 }, { idempotencyKey: "once" })).toBe(true);
    expect(await signalled?.signal("go", { n: 1 }, { idempotencyKey: "once" })).toBe(true);
    expect(await signalled?.result()).toEqual(["kept", { n: 1 }]);
    await clock.advance(5000);
    expect(await asked?.status()).toBe("SUSPENDED");
    isReady = true;
    await clock.advance(5000);
    expect(await asked?.result()).toBe("asked");
    await clock.advance(3_600_000);
    expect(await asleep?.result()).toBe("awake");
  });

  it("keeps a signal that comes early", async () => {
    const gate = deferred();
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", () => gate.promise),
          stage("b", (ctx) =>
            ctx.resumedBy ? { output: "heard" } : { suspended: true, state: 1, signal: "go" },
          ),
        ),
      ],
    });
    const run = await engine.start("w", 1);
    expect(await run.signal("go")).toBe(false);
    gate.resolve();
    await clock.settle();
    expect(await run.result()).toBe("heard");
  });
});

describe("a handle's methods", () => {
  it("act on their own run, whatever their options say", async () => {
    const { engine } = await engineRig({ workflows: [flow("w", stage("a"), stage("b"))] });
    const [run, other] = [await engine.start("w", 1), await engine.start("w", 2)];
    await Promise.all([run.result(), other.result()]);
    const wrong = { workflowRunId: other.id, fromStageId: "b", type: "run.cancel", force: true } as never;
    expect(await run.rerunFrom("a", wrong)).toMatchObject({ workflowRunId: run.id, fromStageId: "a" });
    await run.result();
    const target = { workflowRunId: other.id, fromStageId: "b", type: "run.cancel" } as never;
    const fork = await run.fork("a", target);
    await fork.result();
    expect((await all(fork.events()))[0]).toMatchObject({ payload: { forkedFrom: run.id } });
    const elsewhere = { workflowRunId: other.id, name: "t", payload: 2 } as never;
    await expect(run.signal("s", 1, elsewhere), "the run is settled").rejects.toThrow(run.id);
  });

  it.each<[string, (run: RunHandle) => unknown]>([
    ["no stage to rerun from", (run) => run.rerunFrom(undefined as never)],
    ["null to rerun from", (run) => run.rerunFrom(null as never)],
    ["a stage without an id", (run) => run.fork({} as never)],
    ["null as options of a rerun", (run) => run.rerunFrom("a", null as never)],
    ["null as options of a fork", (run) => run.fork("a", null as never)],
    ["null as options of a signal", (run) => run.signal("s", 1, null as never)],
    ["null as options of its events", async (run) => run.events(null as never)],
  ])("refuse %s", async (_, act) => {
    const { engine } = await engineRig({ workflows: [flow("w", stage("a"))] });
    const run = await engine.start("w", 1);
    await run.result();
    await expect(act(run)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
