import type { EventBody } from "sluice";
import { describe, expect, it } from "vitest";
import { describeEvent } from "./describe.ts";

const error = { name: "Error", code: "STAGE_ERROR", message: "no lamp" };
const stage = { stageId: "s", epoch: 1, attempt: 2 };

function lineOf(body: EventBody) {
  return describeEvent({
    ...body,
    id: "r:3",
    sequence: 3,
    timestamp: 30,
    workflowRunId: "r",
    workflowId: "w",
  });
}

describe("describeEvent", () => {
  it.each<[EventBody, string, string]>([
    [{ type: "workflow:created", payload: { graph: "h", priority: 0 } }, "queued", "Run created"],
    [
      { type: "workflow:created", payload: { graph: "h", priority: 0, forkedFrom: "r0" } },
      "queued",
      "Run forked from r0",
    ],
    [{ type: "workflow:started", payload: { epoch: 1, group: 0 } }, "running", "Run started"],
    [{ type: "workflow:started", payload: { epoch: 3, group: 1 } }, "running", "Rerun started (epoch 3)"],
    [
      { type: "workflow:suspended", payload: { epoch: 1 } },
      "suspended",
      "Run suspended: every open stage waits",
    ],
    [{ type: "workflow:completed", payload: { epoch: 1 } }, "succeeded", "Run completed"],
    [{ type: "workflow:failed", payload: { epoch: 1, error } }, "failed", "Run failed: no lamp"],
    [
      { type: "workflow:cancelled", payload: { epoch: 1, reason: "enough" } },
      "cancelled",
      "Run cancelled: enough",
    ],
    [{ type: "workflow:cancelled", payload: { epoch: 1 } }, "cancelled", "Run cancelled"],
    [
      { type: "stage:started", payload: { ...stage, worker: "tab-1" } },
      "running",
      "Attempt 2 started on tab-1",
    ],
    [
      { type: "stage:started", payload: { ...stage, worker: null, resumed: true } },
      "running",
      "Resumed, attempt 2",
    ],
    [
      { type: "stage:progress", payload: { ...stage, progress: 0.5, message: "half", at: 1 } },
      "running",
      "50 %: half",
    ],
    [
      { type: "stage:suspended", payload: { ...stage, signal: "go" } },
      "suspended",
      'Suspended: waits for the signal "go"',
    ],
    [
      { type: "stage:suspended", payload: { ...stage, checkIn: 5000 } },
      "suspended",
      "Suspended: looks again in 5.0 s",
    ],
    [{ type: "stage:suspended", payload: stage }, "suspended", "Suspended"],
    [{ type: "stage:completed", payload: stage }, "succeeded", "Completed by attempt 2"],
    [{ type: "stage:failed", payload: { ...stage, error } }, "failed", "Failed for good: no lamp"],
    [
      { type: "stage:retrying", payload: { ...stage, error, delayMs: 500 } },
      "backoff",
      "Attempt 2 failed: no lamp. Tried again in 500 ms",
    ],
    [{ type: "stage:skipped", payload: { ...stage, reason: "off" } }, "skipped", "Skipped: off"],
    [
      { type: "lease:reaped", payload: { ...stage, worker: "tab-1", cause: "dead" } },
      "lease-expired",
      "Lease taken back: the worker on tab-1 died under attempt 2",
    ],
    [
      { type: "lease:reaped", payload: { ...stage, worker: null, cause: "expired" } },
      "lease-expired",
      "Lease taken back: the worker fell silent in attempt 2",
    ],
    [{ type: "annotation:created", payload: { name: "who", value: 1 } }, "waiting", "Note: who"],
  ])("says %j as %s: %s", (body, state, text) => {
    expect(lineOf(body)).toMatchObject({ state, text, sequence: 3, at: 30 });
  });

  it("shows as a sign what the event led to, and never something that goes on", () => {
    const signOf = (body: EventBody) => lineOf(body).sign;
    expect(signOf({ type: "stage:started", payload: { ...stage, worker: null } })).toBe("begin");
    expect(signOf({ type: "stage:completed", payload: stage })).toBe("succeeded");
    expect(signOf({ type: "annotation:created", payload: { name: "n", value: 1 } })).toBe("note");
  });

  it("names the stage of stage events and of a stage's annotations only", () => {
    expect(lineOf({ type: "stage:completed", payload: stage }).stageId).toBe("s");
    expect(lineOf({ type: "annotation:created", payload: { name: "n", value: 1 } }).stageId).toBeNull();
    expect(lineOf({ type: "workflow:completed", payload: { epoch: 1 } }).stageId).toBeNull();
  });
});
