/** The stage workers of one page: it alone can start them, by the embedder's factory, and end them. */
import { describe, StageModuleError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import { Backoff } from "../../flight.ts";
import type { Port } from "./comlink-link.ts";
import { isOf, type Join, type Serves, STAGE_PROTOCOL } from "./handshake.ts";
import { stageLock } from "./locks.ts";

/** What a worker's page is told of an error: nothing more than that, where its module can't be fetched. */
export interface WorkerFailure {
  readonly message?: string;
  preventDefault(): void;
}

/** The part of a Worker that is needed here. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "error", listener: (event: WorkerFailure) => void): void;
  terminate(): void;
}

/** What {@link StageWorkers} is made of. */
export interface StageWorkersOptions {
  readonly clock: Clock;
  readonly database: string;
  /** The embedder's: `() => new Worker(new URL("./stages.ts", import.meta.url), { type: "module" })`. */
  readonly factory: () => WorkerLike;
  /** Makes ids that no other worker of the database has. */
  readonly newId: () => string;
  /** Hands a worker's port to the kernel worker. */
  readonly attach: (workerId: string, port: Port) => void;
  /** A worker is gone: to be told to the kernel worker at once. */
  readonly lost: (workerId: string) => void;
  /** Told of a module that doesn't serve. Its workers are started again, less and less often. */
  readonly onError: (error: StageModuleError) => void;
}

/** One of a page's stage workers. */
export interface StageWorkerInfo {
  /** Of its present or last thread: each start has an id of its own. */
  readonly id: string;
  /** `waiting`: it is started again after a while. */
  readonly state: "starting" | "ready" | "waiting";
  /** Why it doesn't serve. */
  readonly error: StageModuleError | null;
}

/** How long a module may take to serve, in milliseconds. */
const START_MS = 30_000;

/** A worker that served for so long failed for another reason than its start. */
const STEADY_MS = 1000;

interface Slot {
  id: string;
  state: StageWorkerInfo["state"];
  error: StageModuleError | null;
  worker: WorkerLike | null;
  readyAt: number;
  readonly backoff: Backoff;
  stopTimer: () => void;
}

/** Starts, watches, ends and starts again. */
export class StageWorkers {
  readonly #options: StageWorkersOptions;
  #slots: Slot[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(options: StageWorkersOptions) {
    this.#options = options;
  }

  /** Starts so many workers. */
  start(count: number): void {
    for (let n = 0; n < count; n += 1) {
      const slot: Slot = {
        id: "",
        state: "starting",
        error: null,
        worker: null,
        readyAt: 0,
        backoff: new Backoff(),
        stopTimer: () => undefined,
      };
      this.#slots.push(slot);
      this.#begin(slot);
    }
    this.#tell();
  }

  /** Ends a worker, whatever it is doing, and starts another in its place. What it executed counts as crashed, unless its pool has let it go. */
  terminate(workerId: string): void {
    const slot = this.#slots.find(({ id, worker }) => id === workerId && worker !== null);
    if (slot === undefined) return;
    const wasSteady = slot.state === "ready" && this.#options.clock.now() - slot.readyAt >= STEADY_MS;
    this.#end(slot);
    if (wasSteady) slot.backoff.succeeded();
    this.#again(slot, wasSteady ? 0 : slot.backoff.failed());
  }

  list(): readonly StageWorkerInfo[] {
    return this.#slots.map(({ id, state, error }) => ({ id, state, error }));
  }

  /** Calls back when the list has changed; the answer ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends them all. */
  stop(): void {
    for (const slot of this.#slots) this.#end(slot);
    this.#slots = [];
    this.#tell();
  }

  #begin(slot: Slot): void {
    const { clock, database, factory, newId, attach } = this.#options;
    slot.id = newId();
    slot.state = "starting";
    const { id } = slot;
    const isOld = (): boolean => slot.id !== id || slot.worker === null;
    slot.stopTimer = clock.after(START_MS, () =>
      this.#fail(slot, new StageModuleError(`didn't call serveStages within ${START_MS} ms`)),
    );
    try {
      slot.worker = factory();
    } catch (cause) {
      this.#fail(slot, new StageModuleError(`could not be started: ${messageOf(cause)}`, { cause }));
      return;
    }
    const { worker } = slot;
    worker.addEventListener("error", (event) => {
      // One that serves goes on after an error that its own code didn't catch: that is the embedder's to see.
      if (isOld() || slot.state !== "starting") return;
      event.preventDefault();
      const why = event.message ? `threw while it was loaded: ${event.message}` : "could not be fetched";
      this.#fail(slot, new StageModuleError(why));
    });
    worker.addEventListener("message", ({ data }) => {
      if (isOld() || slot.state !== "starting" || !isOf<Serves>("serves", data)) return;
      if (data.protocol !== STAGE_PROTOCOL) {
        const why = `is of another version than the page (${data.protocol}, not ${STAGE_PROTOCOL}); reload it`;
        this.#fail(slot, new StageModuleError(why));
        return;
      }
      slot.stopTimer();
      slot.state = "ready";
      slot.error = null;
      slot.readyAt = clock.now();
      const { port1, port2 } = new MessageChannel();
      const join = {
        sluice: "join",
        lock: stageLock(database, id),
        port: port2 as unknown as Port,
      } satisfies Join;
      worker.postMessage(join, [port2 as never]);
      attach(id, port1 as unknown as Port);
      this.#tell();
    });
  }

  #fail(slot: Slot, error: StageModuleError): void {
    this.#end(slot);
    slot.error = error;
    this.#again(slot, slot.backoff.failed());
    this.#options.onError(error);
  }

  #end(slot: Slot): void {
    slot.stopTimer();
    slot.worker?.terminate();
    slot.worker = null;
    if (slot.state === "ready") this.#options.lost(slot.id);
    slot.state = "waiting";
  }

  #again(slot: Slot, waitMs: number): void {
    if (waitMs === 0) this.#begin(slot);
    else
      slot.stopTimer = this.#options.clock.after(waitMs, () => {
        this.#begin(slot);
        this.#tell();
      });
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : describe(cause);
}
