import type { Event, JournalRecord } from "../model.ts";

/** The stable id of an event. */
export function eventId(runId: string, sequence: number): string {
  return `${runId}:${sequence}`;
}

/** The events of one journal record, in order. */
export function eventsOf(record: JournalRecord, workflowId: string): Event[] {
  return record.events.map((body, index) => ({
    ...body,
    id: eventId(record.runId, record.from + index),
    sequence: record.from + index,
    timestamp: record.at,
    workflowRunId: record.runId,
    workflowId,
  }));
}
