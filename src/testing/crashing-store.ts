/** A store whose calls fail on purpose: before, in the middle of, or after what they do, with or without their caller's process. */
import { StorageFullError } from "../errors.ts";
import type { BlobKey } from "../model.ts";
import type { Change, Entry, JobTransport, LeaseRef, Scope, Store, Verdict } from "../ports/store.ts";

/**
 * What befalls one call.
 *
 * - `crash-before`, `crash-during`, `crash-after`: the process ends; the caller never gets an answer. During: in the middle of the transaction,
 *   which is rolled back.
 * - `down`: rejected, and nothing was done. `torn`: the same, after the transaction had begun. `full`: rejected for want of room.
 * - `lost-before`, `lost-after`: the connection dies and nobody knows whether it was done; a commit's verdicts are `unknown`.
 */
export type StoreFault =
  | { readonly kind: "crash-before" | "crash-after" | "down" | "full" | "lost-before" | "lost-after" }
  /** `write` counts the transaction's rows from 0; beyond the last one nothing is interrupted. */
  | { readonly kind: "crash-during" | "torn"; readonly write: number };

/** A call as it is about to be made. */
export type StoreCall =
  | { readonly method: "commit"; readonly entries: readonly Entry[] }
  | { readonly method: "load"; readonly scope: Scope }
  | { readonly method: "claim"; readonly request: Parameters<JobTransport["claim"]>[0] }
  | { readonly method: "heartbeat" | "release"; readonly leases: readonly LeaseRef[] }
  | { readonly method: "blob.put" | "blob.get"; readonly key: BlobKey }
  | { readonly method: "blob.list" | "blob.remove"; readonly runId: string }
  | { readonly method: "holders" | "appendLogs" | "register" | "unregister" | "query" };

/** How to fail. */
export interface CrashingStoreOptions {
  /** Asked, and awaited, before each call reaches the store. */
  readonly before: (call: StoreCall) => StoreFault | null | Promise<StoreFault | null>;
  /** Told what the store did, whatever the caller will be told. Not called where it did nothing. */
  readonly done?: (call: StoreCall, result: unknown) => void;
  /** Awaited before the answer reaches the caller. */
  readonly after?: (call: StoreCall) => void | Promise<void>;
  /** Ends the process: what its code waits for must never come. */
  readonly crash: () => void;
  /** What the store was made with, so that its transactions can be interrupted; without it `crash-during` and `torn` strike before. */
  readonly writes?: WriteFaults;
  /** Passes a change on, late or not at all; at once by default. */
  readonly feed?: (changes: readonly Change[], pass: () => void) => void;
}

/** Interrupts a transaction at one of its writes. Given to a store that can be interrupted, such as `memoryStore({ faults })`. */
export class WriteFaults {
  #left: number | null = null;
  #struck = false;

  /** Called by the store before each write. */
  write(): void {
    if (this.#left === null) return;
    if (this.#left === 0) {
      this.#left = null;
      this.#struck = true;
      throw new InterruptedError();
    }
    this.#left -= 1;
  }

  /** Interrupts the next call at this write; answers afterwards whether it came to that. */
  async during(write: number, act: () => Promise<unknown>): Promise<boolean> {
    this.#left = write;
    this.#struck = false;
    try {
      await act();
    } catch (error) {
      if (!this.#struck) throw error;
    } finally {
      this.#left = null;
    }
    return this.#struck;
  }
}

/** What an interrupted transaction, or a connection that broke, rejects with. */
export class InterruptedError extends Error {
  readonly code = "INTERRUPTED";
  constructor() {
    super("the connection to the store broke");
    this.name = "InterruptedError";
  }
}

/**
 * Wraps a store.
 *
 * @example
 * const writes = new WriteFaults();
 * let commits = 0;
 * const store = crashingStore(memoryStore({ faults: writes }), {
 *   writes,
 *   before: ({ method }) => (method === "commit" && ++commits === 3 ? { kind: "crash-during", write: 1 } : null),
 *   crash: () => host.forget(),
 * });
 */
export function crashingStore(store: Store, options: CrashingStoreOptions): Store {
  const call = caller(options, store.kind);
  const query = <Result>(act: () => Promise<Result>): Promise<Result> => call({ method: "query" }, act);
  const { blobs, jobs } = store;
  return {
    kind: store.kind,
    blobs: {
      put: (key, data) => call({ method: "blob.put", key }, () => blobs.put(key, data)),
      get: (key) => call({ method: "blob.get", key }, () => blobs.get(key)),
      list: (runId) => call({ method: "blob.list", runId }, () => blobs.list(runId)),
      remove: (runId, attempt) => call({ method: "blob.remove", runId }, () => blobs.remove(runId, attempt)),
    },
    jobs: {
      claim: (request) => call({ method: "claim", request }, () => jobs.claim(request)),
      heartbeat: (request) =>
        call({ method: "heartbeat", leases: request.leases }, () => jobs.heartbeat(request)),
      release: (request) => call({ method: "release", leases: request.leases }, () => jobs.release(request)),
      holders: () => call({ method: "holders" }, () => jobs.holders()),
    },
    load: (scope) => call({ method: "load", scope }, () => store.load(scope)),
    commit: (entries, epoch) =>
      call<readonly Verdict[]>(
        { method: "commit", entries },
        () => store.commit(entries, epoch),
        (error) => entries.map(() => ({ status: "unknown", error })),
      ),
    ...(store.harden === undefined ? {} : { harden: () => query(async () => store.harden?.()) }),
    appendLogs: (batches) => call({ method: "appendLogs" }, () => store.appendLogs(batches)),
    register: (names) => call({ method: "register" }, () => store.register(names)),
    unregister: (name) => call({ method: "unregister" }, () => store.unregister(name)),
    run: (runId) => query(() => store.run(runId)),
    runByKey: (key) => query(() => store.runByKey(key)),
    runs: (filter) => query(() => store.runs(filter)),
    events: (wanted) => query(() => store.events(wanted)),
    logs: (wanted) => query(() => store.logs(wanted)),
    past: (runId) => query(() => store.past(runId)),
    letters: (wanted) => query(() => store.letters(wanted)),
    changes: (wanted) => query(() => store.changes(wanted)),
    subscribe: (listener) =>
      store.subscribe((changes) => {
        if (options.feed === undefined) listener(changes);
        else options.feed(changes, () => listener(changes));
      }),
    announce: (change) => store.announce(change),
    storage: () => query(() => store.storage()),
    close: () => store.close(),
  };
}

type Caller = <Result>(
  call: StoreCall,
  act: () => Promise<Result>,
  /** The answer of a call whose answer was lost; a rejection by default. */
  lost?: (error: Error) => Result,
) => Promise<Result>;

function caller(options: CrashingStoreOptions, kind: string): Caller {
  const { before, done, after, crash, writes } = options;
  return async (call, act, lost) => {
    const perform = async (): ReturnType<typeof act> => {
      const result = await act();
      done?.(call, result);
      return result;
    };
    const lose = (): Awaited<ReturnType<typeof act>> => {
      const error = new InterruptedError();
      if (lost === undefined) throw error;
      return lost(error) as Awaited<ReturnType<typeof act>>;
    };
    const fault = await before(call);
    try {
      switch (fault?.kind) {
        case undefined:
          return await perform();
        case "crash-before":
          return await end(crash);
        case "crash-after":
          await perform();
          return await end(crash);
        case "crash-during":
          if (writes !== undefined) await writes.during(fault.write, perform);
          return await end(crash);
        case "torn":
          if (writes === undefined || (await writes.during(fault.write, perform)))
            throw new InterruptedError();
          return lose();
        case "down":
          throw new InterruptedError();
        case "full":
          throw new StorageFullError(kind);
        case "lost-before":
          return lose();
        case "lost-after":
          await perform();
          return lose();
      }
    } finally {
      await after?.(call);
    }
  };
}

/** The process is gone: nobody is there to be answered. */
function end(crash: () => void): Promise<never> {
  crash();
  return new Promise<never>(() => undefined);
}
