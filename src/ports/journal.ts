import type { Event, EventBody, JournalRecord, Run } from "../model.ts";

/** The stable id of an event. */
export function eventId(runId: string, sequence: number): string {
  return `${runId}:${sequence}`;
}

/** An event as its subscribers see it. */
export function eventOf(
  body: EventBody,
  run: Pick<Run, "id" | "workflowId">,
  sequence: number,
  at: number,
): Event {
  // Written out: spreading a body of unknown shape here was the single hottest line of a run in memory.
  return {
    type: body.type,
    payload: body.payload,
    id: eventId(run.id, sequence),
    sequence,
    timestamp: at,
    workflowRunId: run.id,
    workflowId: run.workflowId,
  } as Event;
}

/** The events of one journal record, in order. */
export function eventsOf(record: JournalRecord, workflowId: string): Event[] {
  const run = { id: record.runId, workflowId };
  return record.events.map((body, index) => eventOf(body, run, record.from + index, record.at));
}
