import type { EventBody, Graph } from "sluice";
import { describe, expect, it } from "vitest";
import { createTracker, type Tracker } from "./track.ts";
import type { AttemptView } from "./view.ts";

const policy = {
  maxAttempts: 3,
  maxCrashes: 5,
  timeoutMs: null,
  backoff: { initialMs: 1, factor: 2, maxMs: 10, jitter: 0 },
} as const;

/** `a -> (b | c) -> d` */
const graph: Graph = {
  hash: "h",
  workflowId: "w",
  name: "W",
  groups: [["a"], ["b", "c"], ["d"]],
  kinds: ["pipe", "parallel", "pipe"],
  stages: [
    ["a", 0],
    ["b", 1],
    ["c", 1],
    ["d", 2],
  ].map(([id, group]) => ({
    id: String(id),
    name: String(id),
    group: Number(group),
    input: "previous",
    dependencies: null,
    checks: false,
    policy,
  })),
};

/** A tracker fed by event bodies, ten milliseconds apart. */
function tracked() {
  const tracker = createTracker(graph, "run-1");
  let sequence = 0;
  const feed = (...bodies: EventBody[]): ReadonlySet<string> => {
    let changed: ReadonlySet<string> = new Set();
    for (const body of bodies) {
      sequence += 1;
      changed = tracker.accept({
        ...body,
        id: `run-1:${sequence}`,
        sequence,
        timestamp: sequence * 10,
        workflowRunId: "run-1",
        workflowId: "w",
      });
    }
    return changed;
  };
  return { tracker, feed };
}

const created: EventBody = { type: "workflow:created", payload: { graph: "h", priority: 0 } };
const begun = (epoch = 1, group = 0): EventBody => ({
  type: "workflow:started",
  payload: { epoch, group },
});
const started = (stageId: string, attempt = 1, epoch = 1): EventBody => ({
  type: "stage:started",
  payload: { stageId, epoch, attempt, worker: "tab-1" },
});
const completed = (stageId: string, attempt = 1, epoch = 1): EventBody => ({
  type: "stage:completed",
  payload: { stageId, epoch, attempt },
});
const error = { name: "Error", code: "STAGE_ERROR", message: "no" };

function states(tracker: Tracker): string {
  return graph.stages.map(({ id }) => `${id}:${tracker.stage(id)?.state}`).join(" ");
}

function ends(tracker: Tracker, stageId: string): (AttemptView["end"] | undefined)[] {
  return (tracker.stage(stageId)?.attempts ?? []).map(({ end }) => end);
}

describe("createTracker", () => {
  it("follows a run from its creation to its end, and queues each group with the end of the one before", () => {
    const { tracker, feed } = tracked();
    expect(states(tracker)).toBe("a:waiting b:waiting c:waiting d:waiting");
    feed(created, begun());
    expect(tracker.run).toMatchObject({ status: "RUNNING", createdAt: 10, startedAt: 20 });
    expect(states(tracker)).toBe("a:queued b:waiting c:waiting d:waiting");
    feed(started("a"), completed("a"));
    expect(states(tracker)).toBe("a:succeeded b:queued c:queued d:waiting");
    feed(started("c"), completed("c"));
    expect(states(tracker)).toBe("a:succeeded b:queued c:succeeded d:waiting");
    feed(started("b"), completed("b"), started("d"), completed("d"));
    feed({ type: "workflow:completed", payload: { epoch: 1 } });
    expect(states(tracker)).toBe("a:succeeded b:succeeded c:succeeded d:succeeded");
    expect(tracker.run).toMatchObject({ status: "COMPLETED", settledAt: 110 });
    expect(tracker.stage("a")).toMatchObject({ startedAt: 30, endedAt: 40, progress: 1, attempt: 1 });
  });

  it("answers which stages an event changed", () => {
    const { feed } = tracked();
    feed(created, begun());
    expect([...feed(started("a"))]).toEqual(["a"]);
    expect([...feed(completed("a"))].toSorted()).toEqual(["a", "b", "c"]);
    expect([...feed({ type: "annotation:created", payload: { name: "n", value: 1 } })]).toEqual([]);
  });

  it("takes live progress of the attempt under way only", () => {
    const { tracker, feed } = tracked();
    feed(created, begun());
    const report = { stageId: "a", epoch: 1, attempt: 1, progress: 0.5, message: "half" };
    expect(tracker.report(report).size).toBe(0);
    feed(started("a"));
    expect([...tracker.report(report)]).toEqual(["a"]);
    expect(tracker.stage("a")).toMatchObject({ progress: 0.5, message: "half" });
    expect(tracker.report({ ...report, attempt: 2 }).size).toBe(0);
    expect(tracker.report({ ...report, epoch: 2 }).size).toBe(0);
    feed(completed("a"));
    expect(tracker.report({ ...report, progress: 0.6 }).size).toBe(0);
    expect(tracker.stage("a")).toMatchObject({ progress: 1, message: "half" });
  });

  it("reads journaled progress without going back behind what was seen live", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    tracker.report({ stageId: "a", epoch: 1, attempt: 1, progress: 0.9, message: "most" });
    const told = (progress: number, message: string): EventBody => ({
      type: "stage:progress",
      payload: { stageId: "a", epoch: 1, attempt: 1, progress, message, at: 0 },
    });
    feed(told(0.1, "little"));
    expect(tracker.stage("a")).toMatchObject({ progress: 0.9, message: "most" });
    feed(told(1, "all"));
    expect(tracker.stage("a")).toMatchObject({ progress: 1, message: "all" });
  });

  it("shows a back-off with its error until the next attempt, and keeps both attempts", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    feed({ type: "stage:retrying", payload: { stageId: "a", epoch: 1, attempt: 1, error, delayMs: 500 } });
    expect(tracker.stage("a")).toMatchObject({ state: "backoff", dueAt: 540, error });
    feed(started("a", 2));
    expect(tracker.stage("a")).toMatchObject({ state: "running", attempt: 2, dueAt: null, error: null });
    expect(ends(tracker, "a")).toEqual(["will-retry", null]);
  });

  it("shows the loss of a worker, and the attempt that follows", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    const reaped = (cause: "dead" | "expired"): EventBody => ({
      type: "lease:reaped",
      payload: { stageId: "a", epoch: 1, attempt: 1, worker: "tab-1", cause },
    });
    feed(reaped("dead"));
    expect(tracker.stage("a")?.state).toBe("lease-expired");
    feed(started("a", 2), reaped("expired"), started("a", 3));
    expect(ends(tracker, "a")).toEqual(["worker-died", "lease-expired", null]);
  });

  it("closes an attempt whose lease was given back when the next one begins", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"), started("a", 2), completed("a", 2));
    expect(ends(tracker, "a")).toEqual(["given-back", "succeeded"]);
  });

  it("ends what was open when the run fails, and says of later groups that they did not run", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"), completed("a"), started("b"));
    feed({ type: "stage:failed", payload: { stageId: "b", epoch: 1, attempt: 1, error } });
    expect(tracker.run.status).toBe("RUNNING");
    feed({ type: "workflow:failed", payload: { epoch: 1, error: { ...error, stageId: "b" } } });
    expect(states(tracker)).toBe("a:succeeded b:failed c:cancelled d:not-run");
    expect(tracker.run).toMatchObject({ status: "FAILED", error: { stageId: "b" } });
  });

  it("cancels a running stage with its run", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    feed({ type: "workflow:cancelled", payload: { epoch: 1, reason: "enough" } });
    expect(states(tracker)).toBe("a:cancelled b:not-run c:not-run d:not-run");
    expect(tracker.run).toMatchObject({ status: "CANCELLED", reason: "enough" });
    expect(ends(tracker, "a")).toEqual(["cancelled"]);
  });

  it("begins anew from a rerun's group, and keeps the attempts of the epoch before", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"), completed("a"), started("b"), completed("b"));
    feed(started("c"), completed("c"), started("d"), completed("d"));
    feed({ type: "workflow:completed", payload: { epoch: 1 } });
    tracker.observe({ status: "PENDING", epoch: 2 });
    expect(tracker.run).toMatchObject({ status: "PENDING", epoch: 2, settledAt: null });
    feed(begun(2, 1));
    expect(states(tracker)).toBe("a:succeeded b:queued c:queued d:waiting");
    feed(started("b", 1, 2));
    expect(tracker.stage("b")?.attempts.map(({ epoch, end }) => [epoch, end])).toEqual([
      [1, "succeeded"],
      [2, null],
    ]);
  });

  it("keeps to its epoch when an older head is seen late", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(2, 0));
    tracker.observe({ status: "PENDING", epoch: 1 });
    expect(tracker.run).toMatchObject({ status: "RUNNING", epoch: 2 });
  });

  it("takes the stages before a fork's first group for done", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(1, 2));
    expect(states(tracker)).toBe("a:succeeded b:succeeded c:succeeded d:queued");
  });

  it("suspends and resumes", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    feed({ type: "stage:suspended", payload: { stageId: "a", epoch: 1, attempt: 1, signal: "go" } });
    feed({ type: "workflow:suspended", payload: { epoch: 1 } });
    expect(tracker.stage("a")?.state).toBe("suspended");
    expect(tracker.run.status).toBe("SUSPENDED");
    feed(started("a", 2));
    expect(tracker.run.status).toBe("RUNNING");
    expect(ends(tracker, "a")).toEqual(["suspended", null]);
  });

  it("skips, and lets the next group begin", () => {
    const { tracker, feed } = tracked();
    feed(created, begun(), started("a"));
    feed({ type: "stage:skipped", payload: { stageId: "a", epoch: 1, attempt: 1, reason: "not needed" } });
    expect(tracker.stage("a")).toMatchObject({ state: "skipped", reason: "not needed" });
    expect(tracker.stage("b")?.state).toBe("queued");
  });
});
