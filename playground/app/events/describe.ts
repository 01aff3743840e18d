import type { Event } from "sluice";
import type { StageState } from "../run/view.ts";
import { duration, percent, shortId } from "../ui/format.ts";

/** An event in words. */
export interface EventLine {
  readonly sequence: number;
  readonly at: number;
  readonly type: Event["type"];
  /** The status that it led to, for its colour, and its icon unless that is of something going on. */
  readonly state: StageState;
  readonly sign: StageState | "begin" | "note";
  readonly stageId: string | null;
  readonly text: string;
}

/** Says what an event tells. */
export function describeEvent(event: Event): EventLine {
  const stageId = "stageId" in event.payload ? (event.payload.stageId ?? null) : null;
  const [state, text] = wordsOf(event);
  // What began then may have ended since: only the canvas says that something is running.
  const sign = event.type === "annotation:created" ? "note" : state === "running" ? "begin" : state;
  return { sequence: event.sequence, at: event.timestamp, type: event.type, state, sign, stageId, text };
}

function wordsOf(event: Event): readonly [StageState, string] {
  switch (event.type) {
    case "workflow:created": {
      const { forkedFrom } = event.payload;
      return ["queued", forkedFrom === undefined ? "Run created" : `Run forked from ${forkedFrom}`];
    }
    case "workflow:started":
      return [
        "running",
        event.payload.epoch === 1 ? "Run started" : `Rerun started (epoch ${event.payload.epoch})`,
      ];
    case "workflow:suspended":
      return ["suspended", "Run suspended: every open stage waits"];
    case "workflow:completed":
      return ["succeeded", "Run completed"];
    case "workflow:failed":
      return ["failed", `Run failed: ${event.payload.error.message}`];
    case "workflow:cancelled":
      return ["cancelled", withReason("Run cancelled", event.payload.reason)];
    case "stage:started": {
      const { attempt, resumed, worker } = event.payload;
      const how = resumed === true ? `Resumed, attempt ${attempt}` : `Attempt ${attempt} started`;
      return ["running", worker === null ? how : `${how} on ${shortId(worker)}`];
    }
    case "stage:progress":
      return ["running", withReason(percent(event.payload.progress), event.payload.message)];
    case "stage:suspended":
      return ["suspended", `Suspended${waitsFor(event.payload)}`];
    case "stage:completed":
      return ["succeeded", `Completed by attempt ${event.payload.attempt}`];
    case "stage:failed":
      return ["failed", `Failed for good: ${event.payload.error.message}`];
    case "stage:retrying":
      return [
        "backoff",
        `Attempt ${event.payload.attempt} failed: ${event.payload.error.message}. Tried again in ${duration(event.payload.delayMs)}`,
      ];
    case "stage:skipped":
      return ["skipped", withReason("Skipped", event.payload.reason)];
    case "lease:reaped": {
      const { worker, cause, attempt } = event.payload;
      const where = worker === null ? "" : ` on ${shortId(worker)}`;
      const how = cause === "dead" ? "died under" : "fell silent in";
      return ["lease-expired", `Lease taken back: the worker${where} ${how} attempt ${attempt}`];
    }
    case "annotation:created":
      return ["waiting", `Note: ${event.payload.name}`];
  }
}

function waitsFor({ signal, checkIn }: { readonly signal?: string; readonly checkIn?: number }): string {
  if (signal !== undefined) return `: waits for the signal ${JSON.stringify(signal)}`;
  return checkIn === undefined ? "" : `: looks again in ${duration(checkIn)}`;
}

function withReason(text: string, reason: string | undefined): string {
  return reason === undefined || reason === "" ? text : `${text}: ${reason}`;
}
