/** How far an attempt is: live to observers, coalesced for the journal. */
import type { ProgressReport } from "../define/context.ts";
import { InvalidOptionError } from "../errors.ts";
import type { EventPayloads } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { StageTask, TaskObserver } from "../ports/executor.ts";
import { loggable, textOf } from "./loggable.ts";

/** Progress events of one attempt that enter the journal. */
export const MAX_JOURNALED = 100;

/** Least time between two live reports of one attempt: about twenty a second. */
const LIVE_MS = 50;

/**
 * Keeps at most `limit` of a sequence of unknown length: every item at first; each time it is full, every other one is dropped, and from then on
 * every second, fourth, eighth is kept. So what is kept lies evenly over the whole, the first item included. The last is added at the end.
 */
export class Spread<Item> {
  readonly #limit: number;
  #kept: Item[] = [];
  #stride = 1;
  #seen = 0;
  #last: Item | undefined;

  /** @param limit 2 or more */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: Item): void {
    this.#last = item;
    if (this.#seen % this.#stride === 0) {
      // One place stays free for the last item.
      if (this.#kept.length === this.#limit - 1) {
        this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
        this.#stride *= 2;
      }
      if (this.#seen % this.#stride === 0) this.#kept.push(item);
    }
    this.#seen += 1;
  }

  /** What is kept, in order. */
  items(): readonly Item[] {
    const last = this.#last;
    return last === undefined || this.#kept.at(-1) === last ? this.#kept : [...this.#kept, last];
  }
}

/** One report as the journal keeps it, with its place among what else the attempt noted. */
export interface Reported {
  readonly n: number;
  readonly payload: EventPayloads["stage:progress"];
}

type Live = Parameters<TaskObserver["progress"]>[0];

/** The reports of one attempt. */
export class AttemptProgress {
  readonly #task: StageTask;
  readonly #observer: TaskObserver;
  readonly #clock: Clock;
  readonly #spread = new Spread<Reported>(MAX_JOURNALED);
  #sentAt = Number.NEGATIVE_INFINITY;
  #waiting: Live | null = null;
  #stopTimer: (() => void) | null = null;

  constructor(task: StageTask, observer: TaskObserver, clock: Clock) {
    this.#task = task;
    this.#observer = observer;
    this.#clock = clock;
  }

  /** Takes a report. @throws InvalidOptionError unless its progress is a number from 0 to 1 */
  report(report: ProgressReport, n: number): void {
    const live = checked(report);
    const at = this.#clock.now();
    const { stage, epoch, attempt } = this.#task;
    this.#spread.add({ n, payload: { stageId: stage.id, epoch, attempt, ...live, at } });
    const wait = this.#sentAt + LIVE_MS - at;
    if (wait <= 0) this.#send(live, at);
    else {
      this.#waiting = live;
      this.#stopTimer ??= this.#clock.after(wait, () => this.#sendWaiting());
    }
  }

  /** The attempt is over: what waits is told now. */
  close(): void {
    this.#sendWaiting();
  }

  /** What the journal is given. */
  journaled(): readonly Reported[] {
    return this.#spread.items();
  }

  #sendWaiting(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    if (this.#waiting !== null) this.#send(this.#waiting, this.#clock.now());
  }

  #send(live: Live, at: number): void {
    this.#waiting = null;
    this.#sentAt = at;
    try {
      this.#observer.progress(live);
    } catch {
      // Observers are told as far as they can be: that must not fail a body.
    }
  }
}

function checked(report: ProgressReport): Live {
  const given: unknown = report;
  if (typeof given !== "object" || given === null) {
    throw new InvalidOptionError("ctx.onProgress", "report", "an object with a progress", given);
  }
  const { progress, message, details } = report;
  if (typeof progress !== "number" || !(progress >= 0 && progress <= 1)) {
    throw new InvalidOptionError("ctx.onProgress", "progress", "a number from 0 to 1", progress);
  }
  return {
    progress,
    ...(message === undefined ? {} : { message: textOf(message) }),
    ...(details === undefined ? {} : { details: loggable(details) }),
  };
}
