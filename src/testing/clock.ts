/** Time that passes only when told: for tests, the simulator, and lessons in slow motion. */
import { InvalidOptionError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";

/** A clock whose time is in the hands of who made it. Made by {@link virtualClock}. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass: fires what falls due, in order, and after each lets promises settle. */
  advance(ms: number): Promise<void>;
  /** Lets time pass from timer to timer until the promise settles; gives what it gives. */
  until<T>(promise: Promise<T>, options?: { readonly withinMs?: number }): Promise<T>;
  /** Lets promises settle without letting time pass. */
  settle(): Promise<void>;
  /** When the next timer fires; null if none waits. */
  next(): number | null;
  /** Timers that wait. */
  readonly pending: number;
}

interface Timer {
  readonly at: number;
  fire: (() => void) | null;
}

/**
 * Makes a clock that stands still until it is told to go on.
 *
 * @param options.now its first instant, in milliseconds since 1970; 1,000,000 by default
 * @param options.turns how many turns of the platform's event loop promises are given to settle in; 1 by default, which is enough
 * for everything that only waits for promises, such as the memory store; what does real I/O wants more
 * @example
 * const clock = virtualClock();
 * const waited = sleep(clock, 60_000);
 * await clock.advance(60_000);
 * await waited;
 */
export function virtualClock(options: { readonly now?: number; readonly turns?: number } = {}): VirtualClock {
  const { turns = 1 } = options;
  let now = options.now ?? 1_000_000;
  /** By instant, then by age. */
  const timers: Timer[] = [];

  const peek = (): Timer | undefined => {
    while (timers[0]?.fire === null) timers.shift();
    return timers[0];
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
  };
  const advanceTo = async (end: number): Promise<void> => {
    await settle();
    for (let timer = peek(); timer !== undefined && timer.at <= end; timer = peek()) {
      timers.shift();
      now = Math.max(now, timer.at);
      const { fire } = timer;
      timer.fire = null;
      fire?.();
      await settle();
    }
    now = Math.max(now, end);
  };

  return {
    now: () => now,
    after(ms, fire) {
      const timer: Timer = { at: now + Math.max(0, ms), fire };
      let at = timers.length;
      while (at > 0 && (timers[at - 1]?.at ?? 0) > timer.at) at -= 1;
      timers.splice(at, 0, timer);
      return () => {
        timer.fire = null;
      };
    },
    async advance(ms) {
      if (!(ms >= 0))
        throw new InvalidOptionError("VirtualClock.advance", "ms", "zero or more milliseconds", ms);
      await advanceTo(now + ms);
    },
    async until(promise, { withinMs = 3_600_000 } = {}) {
      const end = now + withinMs;
      let isSettled = false;
      const note = (): void => {
        isSettled = true;
      };
      promise.then(note, note);
      await settle();
      while (!isSettled) {
        const timer = peek();
        if (timer === undefined || timer.at > end) {
          const why = timer === undefined ? "no timer waits" : `${withinMs} ms passed`;
          throw new InvalidOptionError("VirtualClock.until", "promise", `settled by then (${why})`, promise);
        }
        await advanceTo(timer.at);
      }
      return promise;
    },
    settle,
    next: () => peek()?.at ?? null,
    get pending() {
      return timers.filter(({ fire }) => fire !== null).length;
    },
  };
}

/** Resolves when all promises that could settle have: in the platform's next turn, which is no matter of milliseconds. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
