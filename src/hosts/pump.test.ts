import { describe, expect, it } from "vitest";
import { createKernel } from "../runner/create-kernel.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { createPump } from "./pump.ts";
import { flow, rig, stage, transactions } from "./pump.test-helper.ts";

const order = (names: string[], name: string) =>
  stage(name, () => {
    names.push(name);
  });

describe("a pump", () => {
  it("executes a run from its start to its end without letting time pass", async () => {
    const names: string[] = [];
    const { create, status, clock } = rig({
      workflows: [flow("w", order(names, "a"), [order(names, "b"), order(names, "c")], order(names, "d"))],
    });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
    expect([...names].sort()).toEqual(["a", "b", "c", "d"]);
    expect([names[0], names[3]]).toEqual(["a", "d"]);
  });

  it("starts a run in the commit that creates it, and chains: one commit a stage", async () => {
    const { create, store, clock } = rig({ workflows: [flow("w", stage("a"), stage("b"), stage("c"))] });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    expect(await transactions(store, runId)).toEqual([
      ["run.create"],
      ["job.execute"],
      ["job.execute"],
      ["job.execute"],
    ]);
  });

  it("leases a whole parallel group with the finish before it, where it has the slots", async () => {
    const { create, store, clock } = rig({
      workflows: [flow("w", stage("a"), [stage("b"), stage("c"), stage("d")])],
    });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    const commands = (await transactions(store, runId)).flat();
    expect(commands).not.toContain("job.claim");
    // The siblings' finishes are one entry, which can't know that it is the last: so the run moves on in one of its own.
    expect(commands).toEqual(["run.create", "job.execute", "job.execute", "run.transition"]);
  });

  it("never has more bodies under way than slots", async () => {
    let now = 0;
    let most = 0;
    const body = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    };
    const wide = flow(
      "wide",
      stage("a", body),
      Array.from({ length: 7 }, (_, n) => stage(`b${n}`, body)),
      stage("c", body),
    );
    const { create, status, clock } = rig({ workflows: [wide], pump: { concurrency: 3 } });
    await clock.settle();
    const runIds = await Promise.all(Array.from({ length: 5 }, () => create("wide")));
    for (let turn = 0; turn < 300; turn += 1) await clock.settle();
    expect(await Promise.all(runIds.map(status))).toEqual(runIds.map(() => "COMPLETED"));
    expect(most).toBe(3);
  });

  it("gives back what a finish leased into slots that others have taken meanwhile", async () => {
    const [fanned, held] = [deferred(), deferred()];
    let now = 0;
    let most = 0;
    const counted = (id: string, gate?: Promise<void>) =>
      stage(id, async () => {
        now += 1;
        most = Math.max(most, now);
        await gate;
        now -= 1;
      });
    const { create, clock, status, store } = rig({
      workflows: [
        flow("fan", counted("a", fanned.promise), [counted("b", held.promise), counted("c")]),
        flow("hold", counted("d", held.promise)),
      ],
      pump: { concurrency: 2 },
    });
    await clock.settle();
    const fan = await create("fan");
    const hold = await create("hold");
    await clock.settle();
    fanned.resolve();
    await clock.settle();
    expect(now).toBe(2);
    const jobs = (await store.run(fan))?.jobs.map(({ stageId, worker, crashes }) => [
      stageId,
      worker !== null,
      crashes,
    ]);
    expect(jobs).toEqual([
      ["b", true, 0],
      ["c", false, 0],
    ]);
    held.resolve();
    await clock.settle();
    expect([await status(fan), await status(hold), most]).toEqual(["COMPLETED", "COMPLETED", 2]);
  });

  it("lets nobody pass who waits: then a new run is pending too, and the higher priority goes first", async () => {
    const gate = deferred();
    const names: string[] = [];
    const wait = flow(
      "wait",
      stage("wait", () => gate.promise),
    );
    const note = flow(
      "note",
      stage("note", ({ runId }) => void names.push(runId)),
    );
    const { create, clock, status } = rig({ workflows: [wait, note], pump: { concurrency: 1 } });
    await clock.settle();
    await create("wait");
    const low = await create("note", { priority: -5 });
    const high = await create("note", { priority: 5 });
    const usual = await create("note");
    await clock.settle();
    expect(await Promise.all([low, high, usual].map(status))).toEqual(["PENDING", "PENDING", "PENDING"]);
    gate.resolve();
    await clock.settle();
    expect(names).toEqual([high, usual, low]);
  });

  it("takes up what another kernel created, by the change feed alone", async () => {
    const workflows = [flow("w", stage("a"), stage("b"))];
    const { store, clock, status } = rig({ workflows });
    await clock.settle();
    const other = createKernel({ store, workflows, clock });
    const { workflowRunId } = await other.dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await clock.settle();
    expect(await status(workflowRunId)).toBe("COMPLETED");
  });

  it("takes up what was left by others before it started", async () => {
    const workflows = [flow("w", stage("a"))];
    const { store, clock, pump } = rig({ workflows });
    await pump.stop();
    const kernel = createKernel({ store, workflows, clock });
    const ids: string[] = [];
    for (const key of ["one", "two"]) {
      ids.push(
        (await kernel.dispatch({ type: "run.create", workflowId: "w", input: 1, idempotencyKey: key }))
          .workflowRunId,
      );
    }
    await kernel.dispatch({ type: "run.claimPending", workerId: "gone", maxClaims: 1 });
    createPump({ kernel, workerId: "next", concurrency: 1 }).start();
    await clock.settle();
    expect((await store.runs({ status: ["COMPLETED"] })).rows.map(({ id }) => id).sort()).toEqual(
      [...ids].sort(),
    );
  });

  it("leaves what it has no code for, and goes on with the rest", async () => {
    const old = flow("w", stage("a"), stage("gone"));
    const { store, clock, create } = rig({ workflows: [flow("w", stage("a")), flow("other", stage("b"))] });
    const before = createKernel({ store, workflows: [old], clock });
    const { workflowRunId } = await before.dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await clock.settle();
    const other = await create("other");
    await clock.settle();
    const waiting = await store.run(workflowRunId);
    expect([waiting?.run.status, waiting?.jobs.map(({ stageId }) => stageId)]).toEqual(["RUNNING", ["gone"]]);
    expect((await store.run(other))?.run.status).toBe("COMPLETED");
  });

  it("lets the platform have a turn between bodies that never wait", async () => {
    let now = 1_000_000;
    const stages = Array.from({ length: 60 }, (_, n) => stage(`s${n}`, () => void (now += 1)));
    const workflow = flow("long", ...stages);
    const clock = {
      now: () => now,
      after: (ms: number, fire: () => void) => {
        const timer = ms <= 0 ? setImmediate(fire) : null;
        return () => (timer === null ? undefined : clearImmediate(timer));
      },
    };
    const { create, status } = rig({ workflows: [workflow], clock: clock as never });
    await new Promise((resolve) => setImmediate(resolve));
    const runId = await create("long");
    let turns = 0;
    while ((await status(runId)) !== "COMPLETED") {
      turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it("refuses options that can't be", () => {
    const { kernel } = rig({ workflows: [] });
    const pump = (more: object) => () => createPump({ kernel, workerId: "w", concurrency: 1, ...more });
    for (const wrong of [
      { workerId: "" },
      { concurrency: 0 },
      { concurrency: 1.5 },
      { maintenanceMs: 0 },
      { staleThresholdMs: -1 },
    ]) {
      expect(pump(wrong)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    }
  });

  it("tells what it does", async () => {
    const gate = deferred();
    const { create, clock, pump } = rig({
      workflows: [
        flow(
          "w",
          stage("a"),
          stage("b", () => gate.promise),
        ),
      ],
    });
    await clock.settle();
    await create("w");
    await clock.settle();
    expect(pump.stats()).toEqual({
      workerId: pump.workerId,
      concurrency: 8,
      running: 1,
      executed: 1,
      errors: 0,
      isUp: true,
    });
    gate.resolve();
    await clock.settle();
    expect(pump.stats()).toMatchObject({ running: 0, executed: 2 });
  });
});

describe("a pump's wake-ups", () => {
  const quick = { maxAttempts: 3, backoff: { initialMs: 400, factor: 1, jitter: 0 } };

  it("come for a retry at the moment it is due", async () => {
    const at: number[] = [];
    const { create, clock, status } = rig({
      workflows: [
        flow(
          "w",
          stage(
            "a",
            () => {
              at.push(clock.now());
              if (at.length < 3) throw new Error("not yet");
            },
            { retry: quick },
          ),
        ),
      ],
    });
    await clock.settle();
    const from = clock.now();
    const runId = await create("w");
    await clock.advance(799);
    expect(await status(runId)).toBe("RUNNING");
    await clock.advance(1);
    expect(await status(runId)).toBe("COMPLETED");
    expect(at.map((time) => time - from)).toEqual([0, 400, 800]);
  });

  it("come for its own retries where the feed is silent", async () => {
    let calls = 0;
    const body = () => {
      calls += 1;
      if (calls === 1) throw new Error("not yet");
    };
    const { create, clock, status } = rig({
      workflows: [flow("w", stage("a", body, { retry: quick }))],
      isDeaf: true,
    });
    await clock.settle();
    const runId = await create("w");
    await clock.advance(400);
    expect(await status(runId)).toBe("COMPLETED");
  });

  it("come for another kernel's retry, when that kernel is gone", async () => {
    let calls = 0;
    const workflows = [
      flow(
        "w",
        stage(
          "a",
          () => {
            calls += 1;
            if (calls === 1) throw new Error("not yet");
          },
          { retry: quick },
        ),
      ),
    ];
    const first = rig({ workflows });
    await first.clock.settle();
    const runId = await first.create("w");
    await first.clock.settle();
    await first.pump.stop();
    const second = rig({ workflows, store: first.store, clock: first.clock });
    await first.clock.advance(399);
    expect(await second.status(runId)).toBe("RUNNING");
    await first.clock.advance(1);
    expect(await second.status(runId)).toBe("COMPLETED");
  });

  it("come for a timer, a check and a deadline when they are due", async () => {
    const checked: number[] = [];
    const sleeping = stage("sleeping", (ctx) =>
      ctx.resumedBy === undefined
        ? { suspended: true, state: 1, pollConfig: { pollInterval: 700 } }
        : { output: ctx.resumedBy.kind },
    );
    const checking = stage(
      "checking",
      () => ({ suspended: true, state: 1, pollConfig: { pollInterval: 300 } }),
      {
        checkCompletion: () => {
          checked.push(clock.now());
          return checked.length < 3 ? { ready: false } : { ready: true, output: "checked" };
        },
      },
    );
    const forgotten = stage("forgotten", () => ({
      suspended: true,
      state: 1,
      signal: "never",
      pollConfig: { maxWaitTime: 500 },
    }));
    const { create, clock, status, store } = rig({
      workflows: [flow("both", [sleeping, checking]), flow("forgotten", forgotten)],
    });
    await clock.settle();
    const from = clock.now();
    const both = await create("both");
    const lost = await create("forgotten");
    await clock.settle();
    expect([await status(both), await status(lost)]).toEqual(["SUSPENDED", "SUSPENDED"]);
    await clock.advance(499);
    expect(await status(lost)).toBe("SUSPENDED");
    await clock.advance(1);
    expect((await store.run(lost))?.run).toMatchObject({ status: "FAILED", error: { code: "WAIT_TIMEOUT" } });
    await clock.advance(399);
    expect(await status(both)).not.toBe("COMPLETED");
    await clock.advance(1);
    expect(await status(both)).toBe("COMPLETED");
    expect(checked.map((time) => time - from)).toEqual([300, 600, 900]);
  });

  it("come for a signal at once", async () => {
    const waits = stage("waits", (ctx) =>
      ctx.resumedBy?.kind === "signal"
        ? { output: ctx.resumedBy.payload }
        : { suspended: true, state: 1, signal: "go" },
    );
    const { create, clock, status, kernel } = rig({ workflows: [flow("w", waits)] });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    expect(await status(runId)).toBe("SUSPENDED");
    await kernel.dispatch({ type: "run.signal", workflowRunId: runId, name: "go", payload: 1 });
    await clock.settle();
    expect(await status(runId)).toBe("COMPLETED");
  });

  it("come for a rerun at once", async () => {
    let calls = 0;
    const { create, clock, status, kernel } = rig({
      workflows: [
        flow(
          "w",
          stage("a"),
          stage("b", () => void (calls += 1)),
        ),
      ],
    });
    await clock.settle();
    const runId = await create("w");
    await clock.settle();
    await kernel.dispatch({ type: "run.rerunFrom", workflowRunId: runId, fromStageId: "b" });
    await clock.settle();
    expect([await status(runId), calls]).toEqual(["COMPLETED", 2]);
  });

  it("are asked for again when the feed lost them: at the next tick", async () => {
    const workflows = [flow("w", stage("a"))];
    const { store, clock, status } = rig({ workflows, isDeaf: true, pump: { maintenanceMs: 1000 } });
    await clock.settle();
    const other = createKernel({ store, workflows, clock });
    const { workflowRunId } = await other.dispatch({
      type: "run.create",
      workflowId: "w",
      input: 1,
      idempotencyKey: "k",
    });
    await clock.settle();
    expect(await status(workflowRunId)).toBe("PENDING");
    await clock.advance(1250);
    expect(await status(workflowRunId)).toBe("COMPLETED");
  });
});
