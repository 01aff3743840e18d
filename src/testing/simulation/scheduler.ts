/**
 * Virtual time and one seeded scheduler for any number of simulated processes.
 *
 * Whatever a process waits for is a gate or a timer. The scheduler opens one of them, chosen by chance, lets every promise that follows
 * from it settle, and opens the next; when nothing is ready, time jumps to the next timer. So the same seed gives the same schedule, and each
 * await is a place where any other process may come in between.
 */
import type { Clock } from "../../ports/clock.ts";
import { nextTurn } from "../clock.ts";
import type { Random } from "./random.ts";

interface Waiting {
  readonly lane: Lane;
  readonly label: string;
  readonly open: () => void;
  /** Lanes that crashed and timers that were taken back leave their events behind. */
  readonly isVoid: () => boolean;
}

interface Timed {
  readonly at: number;
  readonly order: number;
  readonly waiting: Waiting;
}

/** How a lane's clock differs from true time. */
export interface LaneOptions {
  /** Added to what its clock says, in milliseconds. */
  readonly skewMs?: number;
  /** How fast its clock runs; 1 by default. */
  readonly rate?: number;
}

/** What the scheduler did. */
export interface Opened {
  readonly lane: string;
  readonly label: string;
}

/** See the file's head. */
export class Scheduler {
  readonly #random: Random;
  readonly #settle: () => Promise<void>;
  readonly #timers: Timed[] = [];
  #ready: Waiting[] = [];
  #now: number;
  #order = 0;

  /**
   * @param random decides what comes next
   * @param options.start the first instant
   * @param options.settle resolves once all promises that can settle have; by default after one turn of the event loop
   */
  constructor(
    random: Random,
    options: { readonly start?: number; readonly settle?: () => Promise<void> } = {},
  ) {
    this.#random = random;
    this.#now = options.start ?? 1_700_000_000_000;
    this.#settle = options.settle ?? nextTurn;
  }

  /** True time, in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** True time as a clock that belongs to no process: a store's. Its timers are opened like anything else. */
  readonly clock: Clock = {
    now: () => this.#now,
    after: (ms, fire) => this.#after(this.#outside, "timer", ms, fire),
  };

  readonly #outside: Lane = new Lane(this, "world", {});

  /** A process. */
  lane(name: string, options: LaneOptions = {}): Lane {
    return new Lane(this, name, options);
  }

  /** Opens one gate or timer; null when nothing at all is waiting. */
  async step(): Promise<Opened | null> {
    const next = this.#next();
    if (next === null) return null;
    next.open();
    await this.#settle();
    return { lane: next.lane.name, label: next.label };
  }

  #next(): Waiting | null {
    for (;;) {
      this.#collect();
      const count = this.#ready.length;
      if (count === 0) {
        const [first] = this.#timers;
        if (first === undefined) return null;
        this.#now = Math.max(this.#now, first.at);
        continue;
      }
      const index = count === 1 ? 0 : this.#random.below(count);
      const chosen = this.#ready[index] as Waiting;
      const last = this.#ready.pop();
      if (last !== undefined && index < this.#ready.length) this.#ready[index] = last;
      if (!chosen.isVoid()) return chosen;
    }
  }

  /** Makes ready whose time has come. */
  #collect(): void {
    for (let first = this.#timers[0]; first !== undefined; first = this.#timers[0]) {
      if (first.waiting.isVoid()) popTimer(this.#timers);
      else if (first.at > this.#now) return;
      else {
        popTimer(this.#timers);
        this.enqueue(first.waiting);
      }
    }
  }

  /** @internal */
  enqueue(waiting: Waiting): void {
    if (!waiting.lane.park(waiting)) this.#ready.push(waiting);
  }

  /** @internal Takes back what a lane that stops for a while has ready. */
  withdraw(lane: Lane): Waiting[] {
    const withdrawn = this.#ready.filter((waiting) => waiting.lane === lane);
    if (withdrawn.length > 0) this.#ready = this.#ready.filter((waiting) => waiting.lane !== lane);
    return withdrawn;
  }

  /** @internal */
  after(lane: Lane, label: string, ms: number, fire: () => void): () => void {
    return this.#after(lane, label, ms, fire);
  }

  #after(lane: Lane, label: string, ms: number, fire: () => void): () => void {
    let cancelled = false;
    const waiting: Waiting = { lane, label, open: fire, isVoid: () => cancelled || lane.crashed };
    this.#order += 1;
    pushTimer(this.#timers, { at: this.#now + Math.ceil(Math.max(0, ms)), order: this.#order, waiting });
    return () => {
      cancelled = true;
    };
  }
}

/** One simulated process: its waits, its clock, its pauses and its end. */
export class Lane {
  readonly name: string;
  /** Its own clock: off by its skew, fast or slow by its rate, and silent once it crashed. */
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #crashed = false;
  #pausedUntil = 0;
  #parked: Waiting[] = [];

  constructor(scheduler: Scheduler, name: string, { skewMs = 0, rate = 1 }: LaneOptions) {
    this.#scheduler = scheduler;
    this.name = name;
    this.clock = {
      now: () => Math.floor(scheduler.now * rate + skewMs),
      after: (ms, fire) => scheduler.after(this, "timer", ms / rate, fire),
    };
  }

  /** Whether it came to its end. */
  get crashed(): boolean {
    return this.#crashed;
  }

  /** Whether it stands still now. */
  get paused(): boolean {
    return this.#pausedUntil > this.#scheduler.now;
  }

  /** Resolves when the scheduler comes to it, at the earliest after `delayMs`; never in a process that crashed. */
  gate(label: string, delayMs = 0): Promise<void> {
    return new Promise((resolve) => {
      if (this.#crashed) return;
      if (delayMs > 0) this.#scheduler.after(this, label, delayMs, resolve);
      else this.#scheduler.enqueue({ lane: this, label, open: resolve, isVoid: () => this.#crashed });
    });
  }

  /** Lets it stand still for a while: a suspended laptop, a stopped virtual machine. What it waits for comes afterwards. */
  pause(ms: number): void {
    if (this.#crashed) return;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#scheduler.now + ms);
    this.#parked.push(...this.#scheduler.withdraw(this));
    this.#scheduler.clock.after(ms, () => this.#resume());
  }

  #resume(): void {
    if (this.paused) return;
    for (const waiting of this.#parked.splice(0)) this.#scheduler.enqueue(waiting);
  }

  /** Ends a pause early. */
  wake(): void {
    this.#pausedUntil = 0;
    this.#resume();
  }

  /** Its end: nothing that it waits for ever comes. */
  crash(): void {
    this.#crashed = true;
    this.#parked = [];
    this.#scheduler.withdraw(this);
  }

  /** @internal Keeps an event until the pause is over; false when there is none. */
  park(waiting: Waiting): boolean {
    if (!this.paused) return false;
    this.#parked.push(waiting);
    return true;
  }
}

function isBefore(one: Timed, other: Timed): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function pushTimer(heap: Timed[], timed: Timed): void {
  let index = heap.push(timed) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Timed;
    if (!isBefore(timed, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timed;
}

function popTimer(heap: Timed[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && isBefore(heap[right] as Timed, heap[left] as Timed) ? right : left;
    if (!isBefore(heap[child] as Timed, last)) break;
    heap[index] = heap[child] as Timed;
    index = child;
  }
  heap[index] = last;
}
