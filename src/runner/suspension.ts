/** What a body that suspends asks for, checked and turned into durations. */
import type { StageResult } from "../define/stage.ts";
import { describe, InvalidSuspensionError } from "../errors.ts";
import type { StageTask } from "../ports/executor.ts";

/**
 * What is stored as a suspended stage's state: the body's own state, and the time between checks, which the port has no other place for.
 */
export interface Suspended {
  readonly state: unknown;
  /** Milliseconds; absent where the body named none. */
  readonly pollInterval?: number;
}

/** When a suspended stage is due. */
export interface Schedule {
  readonly signal: string | null;
  readonly dueIn: number | null;
  readonly maxWaitIn: number | null;
  readonly pollInterval: number | null;
}

/** Reads back what was stored as a {@link Suspended}. */
export function suspendedOf(value: unknown): Suspended {
  return typeof value === "object" && value !== null && "state" in value ? value : { state: value };
}

/**
 * @param now on the host's clock, against which the body chose `nextPollAt`
 * @param pollMs the time between checks where the body names none
 * @throws InvalidSuspensionError for what nothing could end, and for times that are none
 */
export function scheduleOf(
  result: Extract<StageResult, { suspended: true }>,
  task: StageTask,
  now: number,
  pollMs: number,
): Schedule {
  const stageId = task.stage.id;
  const { signal, pollConfig = {} } = result;
  if (typeof pollConfig !== "object" || pollConfig === null) {
    throw new InvalidSuspensionError(
      stageId,
      `with a pollConfig that is ${describe(pollConfig)}; expected an object`,
    );
  }
  if (signal !== undefined && (typeof signal !== "string" || signal.length === 0 || signal.length > 256)) {
    throw new InvalidSuspensionError(
      stageId,
      `on a signal named ${describe(signal)}; expected a string of 1 to 256 characters`,
    );
  }
  const pollInterval = duration(stageId, "pollInterval", pollConfig.pollInterval);
  const maxWaitIn = duration(stageId, "maxWaitTime", pollConfig.maxWaitTime);
  const nextPollIn = instant(stageId, pollConfig.nextPollAt, now);
  const dueIn = nextPollIn ?? pollInterval ?? (task.stage.checks ? pollMs : null);
  if (dueIn === null && signal === undefined) {
    throw new InvalidSuspensionError(
      stageId,
      "with nothing that could resume it: give a signal, a pollInterval, a nextPollAt, or define checkCompletion",
    );
  }
  return { signal: signal ?? null, dueIn, maxWaitIn, pollInterval };
}

function duration(stageId: string, name: string, value: unknown): number | null {
  if (value === undefined) return null;
  // Whole milliseconds, because a store may keep instants as integers.
  if (isDuration(value)) return Math.ceil(value);
  throw new InvalidSuspensionError(
    stageId,
    `with a ${name} of ${describe(value)}; expected a positive number of milliseconds`,
  );
}

/** Whether a value is a positive, finite number of milliseconds. */
export function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function instant(stageId: string, value: unknown, now: number): number | null {
  if (value === undefined) return null;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return Math.max(0, value.getTime() - now);
  throw new InvalidSuspensionError(
    stageId,
    `with a nextPollAt that is ${describe(value)}; expected a valid Date`,
  );
}
