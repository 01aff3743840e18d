import { InvalidOptionError, RunNotFoundError } from "../errors.ts";
import type { Backend } from "../hosts/remote/backend.ts";
import { type Event, isSettled } from "../model.ts";
import type { EventStream } from "./api.ts";
import type { Waiter, Watch } from "./watch.ts";

/** Events that are read at once. */
const PAGE = 500;

type Result = IteratorResult<Event, undefined>;
const done: Result = { done: true, value: undefined };

/**
 * A run's events, read from the journal alone and so without gaps and in order; a change only tells that there may be more.
 *
 * Not an async generator: its `return()` would wait for the next event before it ends.
 */
export class RunEvents implements EventStream {
  readonly #backend: Backend;
  readonly #watch: Watch;
  readonly #runId: string;
  #position: number;
  #buffer: Event[] = [];
  #waiter: Waiter | null = null;
  #isDone = false;
  #end: (result: Result) => void = () => undefined;
  /** Settles when `return` is called. */
  readonly #ended = new Promise<Result>((resolve) => {
    this.#end = resolve;
  });
  #tail: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, watch: Watch, runId: string, after: number) {
    if (!Number.isInteger(after) || after < 0) {
      throw new InvalidOptionError("RunHandle.events", "after", "a sequence: a whole number from 0", after);
    }
    this.#backend = backend;
    this.#watch = watch;
    this.#runId = runId;
    this.#position = after;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    // One after the other, so that calls that overlap get different events.
    const result = this.#tail.then(() => Promise.race([this.#take(), this.#ended]));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  return(): Promise<Result> {
    this.#close();
    this.#end(done);
    return Promise.resolve(done);
  }

  #close(): void {
    this.#isDone = true;
    this.#waiter?.end();
  }

  async #take(): Promise<Result> {
    try {
      while (!this.#isDone) {
        const event = this.#buffer.shift();
        if (event !== undefined) {
          this.#position = event.sequence;
          return { done: false, value: event };
        }
        // Before the journal is read: what is committed in between must not be missed.
        this.#waiter ??= this.#watch.wait(this.#runId, "all");
        if (!(await this.#read())) await this.#waiter.changed();
      }
      return done;
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Whether there is something to give, or nothing will ever be. */
  async #read(): Promise<boolean> {
    const run = this.#runId;
    this.#buffer = [...(await this.#backend.events({ run, after: this.#position, limit: PAGE }))];
    if (this.#buffer.length > 0) return true;
    const found = await this.#backend.find({ runId: run });
    if (found === null) throw new RunNotFoundError(run);
    if (found.run.sequence > this.#position) return this.#read();
    if (!isSettled(found.run.status)) return false;
    this.#close();
    return true;
  }
}
