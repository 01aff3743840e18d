import type { Event } from "sluice";
import { describe, expect, it } from "vitest";
import { createTracker } from "./track.ts";

const STAGES = [
  { id: "a", name: "A" },
  { id: "b", name: "B" },
];

let sequence = 0;

function event(body: Pick<Event, "type" | "payload">, timestamp = 0): Event {
  sequence += 1;
  return { id: `r:${sequence}`, sequence, timestamp, workflowRunId: "r", workflowId: "w", ...body } as Event;
}

const at = { stageId: "a", epoch: 1, attempt: 1 };
const error = { name: "Error", code: "STAGE_ERROR", message: "no kettle" };

describe("createTracker", () => {
  it("follows a stage from start to end", () => {
    const tracker = createTracker(STAGES);
    tracker.accept(event({ type: "stage:started", payload: { ...at, worker: "w1" } }, 1000));
    expect(tracker.report({ ...at, progress: 0.5, message: "half" })).toMatchObject({
      id: "a",
      status: "running",
      progress: 0.5,
      message: "half",
      elapsedMs: null,
    });
    tracker.accept(event({ type: "stage:completed", payload: at }, 1300));
    expect(tracker.stages[0]).toMatchObject({
      status: "completed",
      progress: 1,
      attempts: 1,
      elapsedMs: 300,
    });
    expect(tracker.stages[1]).toMatchObject({ status: "waiting", progress: 0, attempts: 0 });
  });

  it("counts time from the first attempt, and shows why there was a second", () => {
    const tracker = createTracker(STAGES);
    tracker.accept(event({ type: "stage:started", payload: { ...at, worker: null } }, 1000));
    tracker.report({ ...at, progress: 0.9 });
    expect(
      tracker.accept(event({ type: "stage:retrying", payload: { ...at, error, delayMs: 5 } }, 1010)),
    ).toMatchObject({ status: "retrying", message: "no kettle", elapsedMs: null });
    expect(
      tracker.accept(event({ type: "stage:started", payload: { ...at, attempt: 2, worker: null } }, 1020)),
    ).toMatchObject({ status: "running", progress: 0, attempts: 2 });
    tracker.accept(event({ type: "stage:failed", payload: { ...at, attempt: 2, error } }, 1050));
    expect(tracker.stages[0]).toMatchObject({
      status: "failed",
      attempts: 2,
      message: "no kettle",
      elapsedMs: 50,
    });
  });

  it("takes live progress before the event of the start, and none after the end or of an earlier attempt", () => {
    const tracker = createTracker(STAGES);
    expect(tracker.report({ ...at, attempt: 2, progress: 0.3 })).toMatchObject({
      status: "running",
      attempts: 2,
    });
    expect(
      tracker.accept(event({ type: "stage:started", payload: { ...at, attempt: 2, worker: null } })),
    ).toBeUndefined();
    expect(tracker.stages[0]?.progress).toBe(0.3);
    expect(tracker.report({ ...at, attempt: 1, progress: 0.9 })).toBeUndefined();
    tracker.accept(event({ type: "stage:completed", payload: { ...at, attempt: 2 } }));
    expect(tracker.report({ ...at, attempt: 2, progress: 0.9 })).toBeUndefined();
    expect(tracker.stages[0]).toMatchObject({ status: "completed", progress: 1 });
  });

  it("marks what a cancel left open", () => {
    const tracker = createTracker(STAGES);
    tracker.accept(event({ type: "stage:started", payload: { ...at, worker: null } }));
    tracker.accept(event({ type: "stage:completed", payload: at }));
    tracker.cancel();
    expect(tracker.stages.map(({ status }) => status)).toEqual(["completed", "cancelled"]);
  });

  it("has no use for events of the run, of the journal's progress, or of stages that it doesn't show", () => {
    const tracker = createTracker(STAGES);
    const useless = [
      event({ type: "workflow:completed", payload: { epoch: 1 } }),
      event({ type: "stage:completed", payload: { ...at, stageId: "z" } }),
      event({ type: "stage:progress", payload: { ...at, progress: 0.5, at: 0 } }),
      event({ type: "lease:reaped", payload: { ...at, worker: null, cause: "dead" } }),
      event({ type: "annotation:created", payload: { name: "n", value: 1 } }),
    ];
    expect(useless.map((one) => tracker.accept(one))).toEqual(useless.map(() => undefined));
    expect(tracker.stages.map(({ status }) => status)).toEqual(["waiting", "waiting"]);
  });
});
