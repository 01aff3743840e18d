/** An executor that is elsewhere: in a stage worker, or in another tab. */
import { PayloadError, StoppedError, toRecord } from "../../../errors.ts";
import type { BlobKey, LogBatch } from "../../../model.ts";
import type { Clock } from "../../../ports/clock.ts";
import {
  type AbortReason,
  type CheckOutcome,
  type Execution,
  type Executor,
  limitOf,
  type StageOutcome,
  type StageTask,
  type TaskObserver,
} from "../../../ports/executor.ts";
import { isInline } from "../../../ports/payload.ts";
import type { Handlers } from "../../remote/peer.ts";
import {
  BEGUN,
  type Caller,
  type Ended,
  LIST,
  LOGS,
  type Method,
  NOTHING,
  type Offer,
  OFFER,
  OVER,
  PROGRESS,
  READ,
  WRITE,
} from "./wire.ts";

type Outcome = StageOutcome | CheckOutcome;

const NONE = { events: [], blobs: [] } as const;

/** What becomes of what is under way when the other side is gone. */
export type Loss = "crashed" | AbortReason;

/** Its outcome. */
export function lostBy(loss: Loss): Outcome {
  return loss === "crashed" ? { kind: loss, ...NONE } : { kind: "aborted", reason: loss, ...NONE };
}

/** A failure that is told by this side. */
export function failedBy(error: Error, retryable: boolean): Outcome {
  return { kind: "failed", error: toRecord(error), retryable, ...NONE };
}

/** One execution elsewhere. It stays known until its code is over there, which may be after its outcome. */
export class RemoteExecution implements Execution<never> {
  readonly outcome: Promise<never>;
  readonly method: Method;
  readonly task: StageTask;
  readonly observer: TaskObserver;
  readonly limitMs: number | null;
  /** Whether the other thread has taken it. */
  isDelivered = false;
  /** When its code began, of one with a limit. */
  begunAt: number | null = null;
  /** Whether its outcome is known here; and whether the other side has said one. */
  isSettled = false;
  isAnswered = false;
  /** For whoever watches it. */
  strikes = 0;
  readonly #tellAbort: (reason: AbortReason) => void;
  #resolve!: (outcome: never) => void;
  #reject!: (error: unknown) => void;
  #over: Promise<void> | null = null;
  #end: (() => void) | null = null;
  #isOver = false;

  constructor(
    method: Method,
    task: StageTask,
    observer: TaskObserver,
    tellAbort: (reason: AbortReason) => void,
  ) {
    this.method = method;
    this.task = task;
    this.observer = observer;
    this.limitMs = limitOf(method, task);
    this.#tellAbort = tellAbort;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get over(): Promise<void> {
    this.#over ??= this.#isOver ? Promise.resolve() : new Promise((resolve) => (this.#end = resolve));
    return this.#over;
  }

  abort(reason: AbortReason): void {
    if (this.isSettled) return;
    this.settle(lostBy(reason));
    this.#tellAbort(reason);
  }

  /** Gives its outcome; the first one counts. */
  settle(outcome: Outcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.strikes = 0;
    this.#resolve(outcome as never);
  }

  /** It can't be told how it ended. */
  fail(error: unknown): void {
    if (error instanceof PayloadError) this.settle(failedBy(error, false));
    if (this.isSettled) return;
    this.isSettled = true;
    this.#reject(error);
  }

  end(): void {
    this.#isOver = true;
    this.#end?.();
  }
}

/** What {@link RemoteExecutor} is made of. */
export interface RemoteExecutorOptions {
  readonly clock: Clock;
  /** Told when the other side offers something else. */
  readonly onOffer?: () => void;
}

/**
 * Asks another side to execute, and answers what the code asks for meanwhile. The other end is {@link serveExecutor}. Its peer goes with its link:
 * calls that are sent again over another would execute twice.
 */
export class RemoteExecutor implements Executor {
  /** What is under way there, by number. */
  readonly executions = new Map<number, RemoteExecution>();
  /** What the other side may call: give it to the peer. */
  readonly answers: Handlers;
  offer: Offer = NOTHING;
  handlers: ReadonlySet<string> = new Set();
  readonly #caller: Caller;
  #count = 0;

  constructor(caller: Caller, { clock, onOffer = () => undefined }: RemoteExecutorOptions) {
    this.#caller = caller;
    const observer = (id: number): TaskObserver => {
      const execution = this.executions.get(id);
      if (execution === undefined) throw new StoppedError("this execution");
      return execution.observer;
    };
    this.answers = {
      [BEGUN]: (id: number) => {
        const execution = this.executions.get(id);
        if (execution !== undefined) execution.begunAt = clock.now();
      },
      [PROGRESS]: (id: number, report: Parameters<TaskObserver["progress"]>[0]) =>
        this.executions.get(id)?.observer.progress(report),
      [LOGS]: (id: number, batch: LogBatch) => observer(id).logs(batch),
      [READ]: (id: number, key: BlobKey) => observer(id).readBlob(key),
      [WRITE]: (id: number, key: BlobKey, data: Blob) => observer(id).writeBlob(key, data),
      [LIST]: (id: number) => observer(id).listBlobs(),
      [OVER]: (id: number) => this.#forget(id),
      [OFFER]: (offer: Offer) => {
        this.offer = offer;
        this.handlers = new Set(offer.handlers);
        onOffer();
      },
    };
  }

  execute(task: StageTask, observer: TaskObserver): Execution<StageOutcome> {
    return this.begin("execute", task, observer);
  }

  check(task: StageTask, observer: TaskObserver): Execution<CheckOutcome> {
    return this.begin("check", task, observer);
  }

  begin(method: Method, task: StageTask, observer: TaskObserver): RemoteExecution {
    this.#count += 1;
    const id = this.#count;
    const execution = new RemoteExecution(method, task, observer, (reason) =>
      this.#caller.tell("abort", [id, reason]),
    );
    this.executions.set(id, execution);
    this.#caller.call(method, [id, sent(task)]).then(
      (answer) => {
        const { outcome, isOver } = answer as Ended;
        execution.isAnswered = true;
        execution.settle(outcome);
        if (isOver) this.#forget(id);
      },
      (error: unknown) => {
        execution.fail(error);
        this.#forget(id);
      },
    );
    return execution;
  }

  /** The other side is gone: what is under way there ends so, at once. */
  end(loss: Loss): void {
    for (const [id, execution] of this.executions) {
      execution.settle(lostBy(loss));
      this.#forget(id);
    }
  }

  #forget(id: number): void {
    this.executions.get(id)?.end();
    this.executions.delete(id);
  }
}

/** Only the stage's own part of the config: the config of a wide run, sent with each of its stages, would cost the square of its width. */
function sent(task: StageTask): StageTask {
  const { config, stage } = task;
  if (!isInline(config) || typeof config.value !== "object" || config.value === null) return task;
  const own = (config.value as Readonly<Record<string, unknown>>)[stage.id];
  return { ...task, config: { kind: "value", value: own === undefined ? {} : { [stage.id]: own } } };
}
