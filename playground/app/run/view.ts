/** A run as the page shows it: made from its graph and its events alone, so that a reload shows what was seen before it. */
import type { ErrorRecord, RunStatus } from "sluice";

/**
 * Where a stage stands, in the words of the page. Finer than a stage record's status: between two attempts a record tells nothing,
 * and who watches wants to know whether a stage is queued, backs off, or lost its worker.
 */
export type StageState =
  /** Its group has not begun. */
  | "waiting"
  | "queued"
  | "running"
  /** Failed, and due again later. */
  | "backoff"
  | "suspended"
  | "succeeded"
  | "failed"
  /** Its worker died or fell silent; queued again. */
  | "lease-expired"
  | "cancelled"
  | "skipped"
  /** The run ended before its group began. */
  | "not-run";

/** How an attempt ended. */
export type AttemptEnd =
  | "succeeded"
  | "failed"
  | "will-retry"
  | "suspended"
  | "worker-died"
  | "lease-expired"
  | "given-back"
  | "skipped"
  | "cancelled";

/** One execution of a stage's body. */
export interface AttemptView {
  readonly epoch: number;
  readonly attempt: number;
  readonly worker: string | null;
  /** Whether it went on from a suspension. */
  readonly resumed: boolean;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Null while it is under way. */
  readonly end: AttemptEnd | null;
  readonly error: ErrorRecord | null;
}

/** One stage of a run. */
export interface StageView {
  readonly id: string;
  readonly state: StageState;
  /** The present or last attempt's number in this epoch; 0 before the first. */
  readonly attempt: number;
  /** From 0 to 1. */
  readonly progress: number;
  /** What the present or last attempt said last. */
  readonly message: string;
  /** When it is tried again, in back-off. */
  readonly dueAt: number | null;
  /** When the first attempt of this epoch began. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Why it failed, backs off or was skipped. */
  readonly error: ErrorRecord | null;
  readonly reason: string | null;
  /** All attempts, those of earlier epochs included, oldest first. */
  readonly attempts: readonly AttemptView[];
}

/** The run as a whole. */
export interface RunView {
  readonly id: string;
  readonly workflowId: string;
  readonly status: RunStatus;
  /** Grows with each rerun, from 1. */
  readonly epoch: number;
  readonly createdAt: number | null;
  /** When it was last set going; a rerun starts anew. */
  readonly startedAt: number | null;
  readonly settledAt: number | null;
  readonly error: ErrorRecord | null;
  readonly reason: string | null;
}
