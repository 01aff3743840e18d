/** The executing end of a {@link RemoteExecutor}. */
import type { Payload } from "../../../model.ts";
import {
  type AbortReason,
  type Execution,
  type Executor,
  limitOf,
  type StageTask,
  type TaskObserver,
} from "../../../ports/executor.ts";
import { blobPath } from "../../../ports/store.ts";
import type { Handlers } from "../../remote/peer.ts";
import {
  BEGUN,
  type Caller,
  type Ended,
  LIST,
  LOGS,
  type Method,
  OVER,
  PROGRESS,
  READ,
  WRITE,
} from "./wire.ts";

/** An executor that others call. */
export interface ServedExecutor {
  /** What the other side may call: give it to the peer. */
  readonly handlers: Handlers;
  /** Tells all that was asked for to stop, as when whoever asked is gone. */
  abortAll(reason: AbortReason): void;
}

/**
 * Lets another side execute here.
 *
 * @param begins posts a call at once, without queueing: code that is about to begin may block its thread
 */
export function serveExecutor(
  executor: Executor,
  caller: Caller,
  begins?: (method: string, args: readonly unknown[]) => void,
): ServedExecutor {
  const running = new Map<number, Execution<unknown>>();
  const known = remembered();
  const run = async (method: Method, id: number, task: StageTask): Promise<Ended> => {
    if (limitOf(method, task) !== null) begins?.(BEGUN, [id]);
    const execution = executor[method]({ ...task, config: known(task.config) }, observerOf(id, caller));
    running.set(id, execution);
    try {
      const outcome = await execution.outcome;
      // Told to stop, or timed out: its code may know nothing of that yet.
      const mayRun =
        outcome.kind === "aborted" || (outcome.kind === "failed" && outcome.error.code === "STAGE_TIMEOUT");
      const isOver = !mayRun || execution.over === undefined;
      if (!isOver) void execution.over?.then(() => caller.tell(OVER, [id]));
      if (outcome.kind !== "completed") return { outcome, isOver };
      // The payload says it all.
      const { value, ...completed } = outcome;
      return { outcome: completed, isOver };
    } finally {
      running.delete(id);
    }
  };
  return {
    handlers: {
      execute: (id: number, task: StageTask) => run("execute", id, task),
      check: (id: number, task: StageTask) => run("check", id, task),
      abort: (id: number, reason: AbortReason) => running.get(id)?.abort(reason),
    },
    abortAll: (reason) => {
      for (const execution of running.values()) execution.abort(reason);
    },
  };
}

function observerOf(id: number, caller: Caller): TaskObserver {
  const ask = (method: string, ...args: readonly unknown[]): Promise<never> =>
    caller.call(method, [id, ...args]) as Promise<never>;
  return {
    progress: (report) => caller.tell(PROGRESS, [id, report]),
    logs: (batch) => ask(LOGS, batch),
    readBlob: (key) => ask(READ, key),
    writeBlob: (key, data) => ask(WRITE, key, data),
    listBlobs: () => ask(LIST),
  };
}

/**
 * The same object for a large config that was met last: all stages of a run share it, and what was read of it is kept by the object. Each
 * message would bring a new one.
 */
function remembered(): (config: Payload) => Payload {
  let last: Payload | null = null;
  return (config) => {
    if (config.kind !== "blob") return config;
    if (last?.kind !== "blob" || blobPath(last.key) !== blobPath(config.key)) last = config;
    return last;
  };
}
