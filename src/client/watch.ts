/** Who waits for which run. One subscription to the change feed serves them all. */
import { StoppedError } from "../errors.ts";
import { isSettled } from "../model.ts";
import type { Backend, FeedChange } from "../hosts/remote/backend.ts";
import type { Clock } from "../ports/clock.ts";
import type { Change } from "../ports/store.ts";
import type { RunProgress } from "./api.ts";

/** The net under a lost change: how often waiters look by themselves, in milliseconds, and how many runs are looked at each time. */
const POLL_MS = 1000;
const POLL_RUNS = 100;

/** Somebody who waits for a run to change. */
export class Waiter {
  readonly #end: () => void;
  #isChanged = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** Resolves once the run may have changed since the last answer. @throws StoppedError when the engine was stopped */
  async changed(): Promise<void> {
    if (!this.#isChanged && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isChanged = false;
    if (this.#failure !== null) throw this.#failure;
  }

  /** It may have changed. */
  tell(): void {
    this.#isChanged = true;
    this.#wake?.();
    this.#wake = null;
  }

  fail(error: Error): void {
    this.#failure = error;
    this.tell();
  }

  /** Waits no more. */
  end(): void {
    this.#end();
  }
}

/** The change feed by run. */
export class Watch {
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  /** Waiters for any commit of a run, and for its end only: a run's way there is many commits. */
  readonly #waiters = { all: new Map<string, Set<Waiter>>(), settled: new Map<string, Set<Waiter>>() };
  readonly #listeners = new Map<string, Set<(progress: RunProgress) => void>>();
  #stopPoll: (() => void) | null = null;
  #isClosed = false;

  constructor(backend: Backend, clock: Clock) {
    this.#clock = clock;
    this.#unsubscribe = backend.subscribe((changes) => this.#hear(changes));
  }

  /** Begins to wait for a run; after {@link close} there is nothing to wait for. */
  wait(runId: string, until: "all" | "settled"): Waiter {
    const waiter: Waiter = new Waiter(() => remove(this.#waiters[until], runId, waiter));
    if (this.#isClosed) {
      waiter.fail(new StoppedError("this engine"));
      return waiter;
    }
    add(this.#waiters[until], runId, waiter);
    this.#stopPoll ??= this.#clock.after(POLL_MS, () => this.#poll());
    return waiter;
  }

  /** Listens to a run's live progress; the answer ends it. */
  progress(runId: string, listener: (progress: RunProgress) => void): () => void {
    // The same function may listen twice, and each time ends by itself.
    const own = (progress: RunProgress): void => listener(progress);
    add(this.#listeners, runId, own);
    return () => remove(this.#listeners, runId, own);
  }

  /** Tells all who wait that nothing comes any more. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#stopPoll?.();
    const error = new StoppedError("this engine");
    for (const waiters of Object.values(this.#waiters)) {
      for (const some of waiters.values()) for (const waiter of [...some]) waiter.fail(error);
      waiters.clear();
    }
    this.#listeners.clear();
  }

  #hear(changes: readonly FeedChange[]): void {
    for (const change of changes) {
      if (change.kind === "gap") {
        for (const waiters of Object.values(this.#waiters)) for (const some of waiters.values()) tell(some);
      } else if (change.kind === "commit") {
        tell(this.#waiters.all.get(change.runId));
        if (change.status === "PURGED" || isSettled(change.status))
          tell(this.#waiters.settled.get(change.runId));
      } else this.#tellProgress(change);
    }
  }

  #tellProgress({
    runId,
    stageId,
    epoch,
    attempt,
    progress,
    message,
    details,
  }: Change & { kind: "progress" }): void {
    const listeners = this.#listeners.get(runId);
    if (listeners === undefined) return;
    const report: RunProgress = {
      stageId,
      epoch,
      attempt,
      progress,
      ...(message === undefined ? {} : { message }),
      ...(details === undefined ? {} : { details }),
    };
    for (const listener of [...listeners]) listener(report);
  }

  #poll(): void {
    this.#stopPoll = null;
    for (const waiters of Object.values(this.#waiters)) {
      for (const [runId, some] of [...waiters].slice(0, POLL_RUNS)) {
        // To the end of the line, so that all get their turn.
        waiters.delete(runId);
        waiters.set(runId, some);
        tell(some);
      }
    }
    if (this.#waiters.all.size + this.#waiters.settled.size > 0) {
      this.#stopPoll = this.#clock.after(POLL_MS, () => this.#poll());
    }
  }
}

function tell(waiters: ReadonlySet<Waiter> | undefined): void {
  for (const waiter of waiters ?? []) waiter.tell();
}

function add<Item>(map: Map<string, Set<Item>>, runId: string, item: Item): void {
  const items = map.get(runId);
  if (items === undefined) map.set(runId, new Set([item]));
  else items.add(item);
}

function remove<Item>(map: Map<string, Set<Item>>, runId: string, item: Item): void {
  const items = map.get(runId);
  items?.delete(item);
  if (items?.size === 0) map.delete(runId);
}
