/** One execution of a stage's code: from its start to its one outcome, whatever its body does afterwards. */
import type { ProgressReport, StageContext } from "../define/context.ts";
import type { Stage } from "../define/stage.ts";
import {
  InvalidOptionError,
  SchemaError,
  StageAbortedError,
  StageTimeoutError,
  TooLargeError,
} from "../errors.ts";
import type { EventBody, LogLevel } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { AbortReason, Execution, StageTask, TaskObserver } from "../ports/executor.ts";
import { copyInline } from "../ports/payload.ts";
import type { Parsed } from "../ports/registry.ts";
import { Artifacts } from "./artifacts.ts";
import { type ContextOwner, createContext } from "./context.ts";
import { AttemptLogs } from "./logs.ts";
import { type Failure, final, isA, thrown } from "./outcome.ts";
import { parseQuick } from "../define/schema.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { AttemptProgress } from "./progress.ts";

/** Annotations of one attempt. They are committed with its end, in one entry. */
const MAX_ANNOTATIONS = 1000;

/** What all attempts of an executor share. */
export interface Surroundings {
  readonly clock: Clock;
  /** Milliseconds between completion checks where a body names none. */
  readonly pollMs: number;
}

/** The context of an attempt, or why there is none. */
export type Ready = { readonly ctx: StageContext; readonly prepared: Prepared } | Failure;

/**
 * An attempt under way. Timer, signal, log and progress are made when they are first needed: a trivial stage should cost some
 * microseconds here.
 */
export abstract class Attempt<Outcome> implements Execution<Outcome>, ContextOwner {
  readonly outcome: Promise<Outcome>;
  over: Promise<void> | undefined;
  readonly task: StageTask;
  protected readonly stage: Stage;
  protected readonly surroundings: Surroundings;
  readonly #observer: TaskObserver;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: unknown) => void;
  #isOver = false;
  #abortedBy: Error | undefined;
  #controller: AbortController | null = null;
  #stopTimeout: (() => void) | null = null;
  #logs: AttemptLogs | null = null;
  #progress: AttemptProgress | null = null;
  #artifacts: Artifacts | null = null;
  #annotations: { readonly n: number; readonly event: EventBody }[] | null = null;
  #notes = 0;

  constructor(task: StageTask, stage: Stage, observer: TaskObserver, surroundings: Surroundings) {
    this.task = task;
    this.stage = stage;
    this.surroundings = surroundings;
    this.#observer = observer;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Runs the code and says what came of it; whatever it rejects with is a failure of the stage's. */
  protected abstract run(): Promise<Outcome>;
  protected abstract failed(failure: Failure): Outcome;
  protected abstract aborted(reason: AbortReason): Outcome;

  /** Begins, with what may be the body's first synchronous part. */
  start(timeoutMs: number | null): this {
    if (timeoutMs !== null) {
      this.#stopTimeout = this.surroundings.clock.after(timeoutMs, () => {
        const error = new StageTimeoutError(this.stage.id, timeoutMs);
        this.#interrupt(error, this.failed(thrown(error)));
      });
    }
    this.over = this.#go();
    return this;
  }

  abort(reason: AbortReason): void {
    if (!this.#isOver) this.#interrupt(new StageAbortedError(this.stage.id, reason), this.aborted(reason));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy);
    }
    return this.#controller.signal;
  }

  get artifacts(): Artifacts {
    const over = (): unknown =>
      this.#isOver ? (this.#abortedBy ?? new StageAbortedError(this.stage.id, "it has ended")) : undefined;
    this.#artifacts ??= new Artifacts(this.task, this.#observer, over);
    return this.#artifacts;
  }

  log(level: LogLevel, message: string, meta: unknown): void {
    if (this.#isOver) return;
    this.#logs ??= new AttemptLogs(this.task, this.#observer, this.surroundings.clock);
    this.#logs.write(level, message, meta);
  }

  progress(report: ProgressReport): void {
    if (this.#isOver) return;
    this.#progress ??= new AttemptProgress(this.task, this.#observer, this.surroundings.clock);
    this.#progress.report(report, this.#notes++);
  }

  annotate(name: string, value: unknown): void {
    if (this.#isOver) return;
    if (typeof name !== "string" || name.length === 0 || name.length > 256) {
      throw new InvalidOptionError("ctx.annotate", "name", "a string of 1 to 256 characters", name);
    }
    this.#annotations ??= [];
    if (this.#annotations.length >= MAX_ANNOTATIONS) {
      throw new TooLargeError("the number of annotations of one attempt", String(MAX_ANNOTATIONS), "larger");
    }
    const copy = copyInline(value, "annotation");
    const { stage, attempt } = this.task;
    this.#annotations.push({
      n: this.#notes++,
      event: { type: "annotation:created", payload: { stageId: stage.id, attempt, name, value: copy } },
    });
  }

  /** What the attempt noted, for the journal, in the order in which it did. */
  protected events(): readonly EventBody[] {
    const annotations = this.#annotations;
    if (this.#progress === null) return annotations === null ? none : annotations.map(({ event }) => event);
    const reports = this.#progress.journaled().map(({ n, payload }) => ({
      n,
      event: { type: "stage:progress", payload } satisfies EventBody,
    }));
    return [...reports, ...(annotations ?? [])]
      .sort((one, other) => one.n - other.n)
      .map(({ event }) => event);
  }

  /** Reads and parses what the stage's code is given. */
  protected ready(): Ready | Promise<Ready> {
    const prepared = prepare(this.task, this.stage, async (key) => {
      try {
        return await this.#observer.readBlob(key);
      } catch (error) {
        throw new UnreachableError("the blob store is out of reach", { cause: error });
      }
    });
    return prepared instanceof Promise ? prepared.then((found) => this.#parse(found)) : this.#parse(prepared);
  }

  #parse(prepared: Prepared): Ready | Promise<Ready> {
    const { schemas } = this.stage;
    const input: Parsed | Promise<Parsed> =
      schemas.input === "none" ? nothing : parseQuick(schemas.input, prepared.input);
    const config =
      schemas.config === null ? noConfig(prepared.config) : parseQuick(schemas.config, prepared.config);
    if (input instanceof Promise || config instanceof Promise) {
      return Promise.all([input, config]).then((parsed) => this.#context(prepared, ...parsed));
    }
    return this.#context(prepared, input, config);
  }

  #context(prepared: Prepared, input: Parsed, config: Parsed): Ready {
    const { id } = this.stage;
    if (!input.ok) return final(new SchemaError("stage input", id, input.issues));
    if (!config.ok) return final(new SchemaError("stage config", id, config.issues));
    return { prepared, ctx: createContext(this, prepared, input.value, config.value) };
  }

  async #go(): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.run();
    } catch (error) {
      if (isA(UnreachableError, error)) return this.#giveUp(error.cause);
      outcome = this.failed(thrown(error));
    }
    this.#end(outcome);
  }

  /** The blob store is out of reach: that is not the stage's failure, and counts as none. */
  #giveUp(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimeout?.();
    this.#reject(error);
  }

  /** Ends it while its body may be running: the signal says why, and the body's own end is ignored. */
  #interrupt(error: Error, outcome: Outcome): void {
    this.#abortedBy = error;
    this.#end(outcome);
    this.#controller?.abort(error);
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimeout?.();
    this.#progress?.close();
    // The last lines are there before anybody sees how it ended.
    if (this.#logs === null) this.#resolve(outcome);
    else void this.#logs.flush().then(() => this.#resolve(outcome));
  }
}

/** A payload couldn't be read, because the blob store didn't answer. */
class UnreachableError extends Error {}

const none: readonly EventBody[] = [];
const nothing: Parsed = { ok: true, value: undefined };

/** A stage without a config schema takes none; bodies get an object all the same. */
function noConfig(given: unknown): Parsed {
  const isEmpty =
    given === undefined || (typeof given === "object" && given !== null && Object.keys(given).length === 0);
  if (isEmpty) return { ok: true, value: {} };
  return { ok: false, issues: [{ path: "", message: "this stage has no config schema, so it takes none" }] };
}
