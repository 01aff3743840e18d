/** The log of one attempt: batched, bounded, and apart from the run's transactions, so that a crashed attempt's lines survive. */
import { InvalidOptionError } from "../errors.ts";
import type { LogLevel, LogLine } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { StageTask, TaskObserver } from "../ports/executor.ts";
import { loggable, textOf } from "./loggable.ts";

/** Lines of an attempt that are kept. */
export const MAX_LINES = 10_000;

/** A batch leaves when it has so many lines, or so many milliseconds after its first one. */
const BATCH_LINES = 100;
const BATCH_MS = 200;

/** How long an outcome waits for its last lines, in milliseconds. They arrive later then, or not at all. */
const PATIENCE_MS = 1000;

const levels: ReadonlySet<unknown> = new Set<LogLevel>(["DEBUG", "INFO", "WARN", "ERROR"]);

/** Collects lines and appends them in batches, one after the other. */
export class AttemptLogs {
  readonly #task: StageTask;
  readonly #observer: TaskObserver;
  readonly #clock: Clock;
  #lines: LogLine[] = [];
  /** Number of the first line that isn't appended yet. */
  #from = 0;
  #written = 0;
  #stopTimer: (() => void) | null = null;
  #tail: Promise<void> = Promise.resolve();
  /** Whether a batch will leave with what is here, as soon as the one before it has arrived. */
  #leaving = false;

  constructor(task: StageTask, observer: TaskObserver, clock: Clock) {
    this.#task = task;
    this.#observer = observer;
    this.#clock = clock;
  }

  /** Takes a line. @throws InvalidOptionError for a level that there isn't */
  write(level: LogLevel, message: string, meta: unknown): void {
    if (!levels.has(level)) throw new InvalidOptionError("ctx.log", "level", [...levels].join(", "), level);
    if (this.#written > MAX_LINES) return;
    const at = this.#clock.now();
    this.#written += 1;
    if (this.#written > MAX_LINES) {
      const message = `more than ${MAX_LINES} lines: further lines of this attempt are dropped`;
      this.#lines.push({ at, level: "WARN", message });
    } else {
      const line = { at, level, message: textOf(message) };
      this.#lines.push(meta === undefined ? line : { ...line, meta: loggable(meta) });
    }
    if (this.#lines.length >= BATCH_LINES) void this.#leave();
    else this.#stopTimer ??= this.#clock.after(BATCH_MS, () => void this.#leave());
  }

  /** Appends what is left; waits for it, but not for ever. Never rejects. */
  flush(): Promise<void> {
    const arrived = this.#leave();
    return new Promise((resolve) => {
      const stop = this.#clock.after(PATIENCE_MS, resolve);
      void arrived.then(() => {
        stop();
        resolve();
      });
    });
  }

  #leave(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = null;
    if (!this.#leaving) {
      this.#leaving = true;
      this.#tail = this.#tail.then(() => this.#append());
    }
    return this.#tail;
  }

  async #append(): Promise<void> {
    this.#leaving = false;
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    const { runId, stage, epoch, attempt } = this.#task;
    try {
      await this.#observer.logs({ runId, stageId: stage.id, epoch, attempt, from: this.#from, lines });
      this.#from += lines.length;
    } catch {
      // A log must not fail its stage. The lines go with the next batch, under the same numbers.
      this.#lines = lines.concat(this.#lines);
    }
  }
}
