/** The workers of a page: its kernel worker, and the stage workers that are handed to it. Brought back from the dead, a page starts others. */
import { StoppedError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Subscriber } from "../../ports/event-sink.ts";
import type { Ids } from "../../ports/ids.ts";
import { type Link, Peer } from "../remote/peer.ts";
import { portLink, PROTOCOL } from "./channels.ts";
import type { KernelCalls, KernelConfig, PageCalls, StorageOptions } from "./control.ts";
import { namesOf, scopeOf } from "./platform.ts";
import type { Port } from "./pool/comlink-link.ts";
import { type Locks, whenFree } from "./pool/locks.ts";
import { StageWorkers, type WorkerLike } from "./pool/workers.ts";

/** What {@link Threads} are made of. */
export interface ThreadsOptions extends StorageOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly locks: Locks;
  readonly kernel: () => WorkerLike;
  readonly stages: () => WorkerLike;
  readonly workers: number;
  readonly slots: number;
  readonly subscribers: readonly Subscriber[];
  readonly onError: (error: unknown, during: string) => void;
}

/** Without a sign of life for so long a leader is replaced, and a call fails, in milliseconds. */
const LEADER_MS = 5000;
export const CALL_MS = 30_000;

/** See the file's head. */
export class Threads {
  readonly tabId: string;
  readonly stages: StageWorkers;
  /** The way of the engine's calls. */
  readonly engine: Link;
  readonly control: Peer;
  readonly #options: ThreadsOptions;
  readonly #scope: string;
  readonly #worker: WorkerLike;
  readonly #port: Port;
  #unwatch: (() => void) | null = null;

  /**
   * @param answers what the kernel worker may ask
   * @param onFailed told when the kernel worker throws, as one does whose module can't be loaded
   * @throws what starting a kernel worker throws
   */
  constructor(options: ThreadsOptions, answers: PageCalls, onFailed: (message: string | undefined) => void) {
    const { clock, ids, stages, database, storage, durability, record, slots, onError } = options;
    this.#options = options;
    const tabId = `tab-${ids.runId().slice(-12)}`;
    this.tabId = tabId;
    this.#scope = scopeOf(database, storage, tabId);
    const worker = options.kernel();
    this.#worker = worker;
    worker.addEventListener("error", ({ message }: { readonly message?: string }) => onFailed(message));
    this.control = new Peer({
      clock,
      name: "the kernel worker",
      patienceMs: CALL_MS,
      handlers: { ...answers },
    });
    this.control.attach(portLink(worker as unknown as Port));
    const { port1, port2 } = new MessageChannel() as unknown as { port1: Port; port2: Port };
    this.#port = port1;
    this.engine = portLink(port1);
    const subscribers = options.subscribers.map(({ name, types }) => ({
      name,
      ...(types === undefined ? {} : { types: [...types] }),
    }));
    const patienceMs = LEADER_MS;
    const config = { database, storage, durability, record, tabId, slots, subscribers, patienceMs };
    this.#post("init", [config satisfies KernelConfig, port2], port2);
    let count = 0;
    this.stages = new StageWorkers({
      clock,
      database: this.#scope,
      factory: stages,
      newId: () => `${tabId}-${(count += 1)}`,
      attach: (workerId, stage) => this.#post("attach", [workerId, stage], stage),
      lost: (workerId) => this.control.tell("detach", [workerId, "crashed"]),
      onError: (error) => onError(error, "starting a stage worker"),
    });
  }

  /** Calls back when the kernel worker has died. It holds its tab's lock by now: who gets that next has outlived it. */
  watch(onDeath: () => void): void {
    const name = namesOf(this.#scope).tab(this.tabId, PROTOCOL);
    this.#unwatch ??= whenFree(this.#options.locks, name, onDeath);
  }

  /** A death is no surprise from now on. */
  unwatch(): void {
    this.#unwatch?.();
    this.#unwatch = () => undefined;
  }

  /** Ends them all. */
  end(): void {
    this.unwatch();
    this.stages.stop();
    this.control.close(new StoppedError("the kernel worker"));
    this.#worker.terminate();
    this.#port.close();
  }

  /** A port is transferred, which a call can't do. */
  #post<Method extends keyof KernelCalls>(
    method: Method,
    args: Parameters<KernelCalls[Method]>,
    port: Port,
  ): void {
    this.#worker.postMessage([{ method, args }], [port as never]);
  }
}
