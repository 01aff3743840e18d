/** Turns what an entry says about time into instants: for stores whose transactions run in JavaScript. */
import type { Cursor, DeadLetter, Job, KeyRecord, StageRecord } from "../model.ts";
import type { CursorWrite, Instant, JobWrite, KeyWrite, LetterWrite, StageWrite } from "./store.ts";

/** An instant at commit time. */
export function instant(value: Instant, now: number): number | null {
  return value === null || typeof value === "number" ? value : now + value.in;
}

/** Like {@link instant}, where null stands for "before any time". */
function orZero(value: Instant, now: number): number {
  return instant(value, now) ?? 0;
}

/** A job row as it is kept. */
export function stampJob(job: JobWrite, now: number): Job {
  return {
    ...job,
    leaseUntil: orZero(job.leaseUntil, now),
    renewedAt: orZero(job.renewedAt, now),
    dueAt: instant(job.dueAt, now),
    enqueuedAt: orZero(job.enqueuedAt, now),
    startedAt: instant(job.startedAt, now),
    deadlineAt: instant(job.deadlineAt, now),
  };
}

/** A stage record as it is kept. */
export function stampStage(stage: StageWrite, now: number): StageRecord {
  return { ...stage, startedAt: instant(stage.startedAt, now), endedAt: instant(stage.endedAt, now) };
}

/** A cursor as it is kept. */
export function stampCursor(cursor: CursorWrite, now: number): Cursor {
  return { ...cursor, heldUntil: orZero(cursor.heldUntil, now), dueAt: orZero(cursor.dueAt, now) };
}

/** A dead letter as it is kept. */
export function stampLetter(letter: LetterWrite, now: number): DeadLetter {
  return { ...letter, at: orZero(letter.at, now) };
}

/** An idempotency record as it is kept. */
export function stampKey(key: KeyWrite, now: number): KeyRecord {
  return { ...key, createdAt: orZero(key.createdAt, now), expiresAt: instant(key.expiresAt, now) };
}
