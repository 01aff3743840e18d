/** A page's own end: what becomes of its workers when it is hidden, closed or brought back, and the backend that outlives them. */
import { NotConnectedError, StoppedError } from "../../errors.ts";
import type { RunCreate } from "../../kernel/api.ts";
import type { Event } from "../../model.ts";
import { decodeError, type EncodedError } from "../remote/error-codec.ts";
import { type RemoteBackend, remoteBackend } from "../remote/remote-backend.ts";
import type { SentWorkflow } from "../remote/serve.ts";
import { Conditions } from "./conditions.ts";
import { DELIVER } from "./connection.ts";
import type { KernelCalls, PageCalls } from "./control.ts";
import { PageMarks, pageStorage } from "./marks.ts";
import { namesOf, scopeOf } from "./platform.ts";
import type { PoolWorker } from "./pool/pool.ts";
import { NOTHING, type Offer } from "./pool/wire.ts";
import type { StageWorkerInfo } from "./pool/workers.ts";
import type { Role, TabState } from "./tab.ts";
import { CALL_MS, Threads, type ThreadsOptions } from "./threads.ts";

/** What {@link Page} is made of. */
export interface PageOptions extends ThreadsOptions {
  /** Something about the tab or its workers has changed. */
  readonly onChange: () => void;
}

const CONNECTING: TabState = { role: "connecting", epoch: 0, error: null };

/** See the file's head. */
export class Page {
  readonly backend: RemoteBackend;
  readonly #options: PageOptions;
  readonly #marks: PageMarks;
  readonly #listeners: (() => void)[] = [];
  readonly #conditions: Conditions;
  #threads: Threads | null = null;
  #state = CONNECTING;
  #offer: Offer = NOTHING;

  constructor(options: PageOptions) {
    this.#options = options;
    const { clock, database } = options;
    this.#conditions = new Conditions(clock);
    this.#marks = new PageMarks(namesOf(scopeOf(database)), pageStorage());
    this.backend = remoteBackend({
      clock,
      name: "the engine",
      patienceMs: CALL_MS,
      handlers: { [DELIVER]: (name: string, event: Event) => this.#deliver(name, event) },
      parse: (command) => this.#parse(command),
    });
  }

  get state(): TabState {
    return this.#state;
  }

  get tabId(): string {
    return this.#threads?.tabId ?? "";
  }

  stageWorkers(): readonly StageWorkerInfo[] {
    return this.#threads?.stages.list() ?? [];
  }

  /** Starts everything. Resolves when somebody leads. @throws why nobody can */
  async start(): Promise<void> {
    this.#on("pagehide", () => this.#closing());
    this.#on("pageshow", (event) => event.persisted && this.#restart());
    if (this.#options.storage === "indexeddb") askToPersist();
    this.#begin();
    const isConnected = (): boolean => {
      if (this.#state.error !== null) throw this.#state.error;
      return this.#state.role !== "connecting";
    };
    const late = new NotConnectedError("connectEngine", "no tab leads, and none answered");
    await this.#conditions.until(isConnected, CALL_MS, late);
  }

  /** What this page's stage workers have code for. @throws StageModuleError when their module doesn't serve */
  async offer(): Promise<Offer> {
    const isReady = (): boolean => {
      const workers = this.stageWorkers();
      const failed = workers.find(({ error }) => error !== null);
      if (this.#offer === NOTHING && failed?.error && workers.every(({ error }) => error !== null))
        throw failed.error;
      return this.#offer !== NOTHING;
    };
    const late = new NotConnectedError("the stage workers", "none has called serveStages");
    await this.#conditions.until(isReady, CALL_MS, late);
    return this.#offer;
  }

  /** What the stage workers execute now. */
  async running(): Promise<readonly PoolWorker[]> {
    return (await this.#call("workers")) as readonly PoolWorker[];
  }

  terminate(workerId: string): void {
    this.#threads?.stages.terminate(workerId);
  }

  /** Lets bodies come to their end, and ends everything. */
  async stop(graceMs: number): Promise<void> {
    // Where nobody leads there is nobody to take leave of.
    if (this.#state.role === "leader" || this.#state.role === "follower")
      await this.backend.peer.call("leave", [graceMs]).catch(() => undefined);
    await this.#call("stop").catch(() => undefined);
    this.dispose(new StoppedError("this engine"));
  }

  /** Deletes the database, for all tabs, and ends everything. */
  async erase(): Promise<void> {
    try {
      await this.backend.peer.call("erase", []);
    } catch (error) {
      // Another tab was faster.
      if (!(error instanceof StoppedError)) throw error;
    }
    this.dispose(new StoppedError("this engine"));
  }

  /** Ends everything as it is. */
  dispose(error: Error): void {
    for (const off of this.#listeners.splice(0)) off();
    this.#end();
    this.backend.peer.close(error);
    this.#setState({ role: "stopped", epoch: 0, error: null });
  }

  #begin(): void {
    const fail = (why: string): void => {
      const error = new NotConnectedError("connectEngine", `the kernel worker ${why}`);
      this.#setState({ role: "stopped", epoch: 0, error });
    };
    try {
      const threads: Threads = new Threads(this.#options, this.#answers(), (message) => {
        if (this.#threads !== threads || this.#state.role !== "connecting") return;
        fail(message ? `threw while it was loaded: ${message}` : "could not be loaded; pass `kernel`");
      });
      this.#threads = threads;
      threads.stages.onChange(() => this.#changed());
      this.backend.peer.attach(threads.engine);
      threads.stages.start(this.#options.workers);
    } catch (error) {
      fail(`could not be started: ${String(error)}`);
    }
  }

  #end(): void {
    const threads = this.#threads;
    this.#threads = null;
    this.#offer = NOTHING;
    threads?.end();
  }

  /** All anew: what came back from the back/forward cache, or lost its kernel worker, has lost its locks and its place among the tabs. */
  #restart(): void {
    this.#end();
    this.#setState(CONNECTING);
    this.#begin();
  }

  #closing(): void {
    if (this.#threads === null) return;
    this.#marks.write(this.#threads.tabId);
    this.#threads.control.tell("closing", []);
  }

  #answers(): PageCalls {
    return {
      state: (role, epoch, error) => this.#hear(role, epoch, error),
      offer: (offer) => {
        this.#offer = offer;
        this.#changed();
      },
      terminate: (workerId) => this.terminate(workerId),
      marks: () => this.#marks.read(),
      clearMarks: (tabIds) => this.#marks.clear(tabIds),
      error: (error, during) => this.#options.onError(decodeError(error), during),
    };
  }

  #hear(role: Role, epoch: number, encoded: EncodedError | null): void {
    const threads = this.#threads;
    const error = encoded === null ? null : decodeError(encoded);
    if (role === "stopped") {
      threads?.unwatch();
      this.backend.peer.close(error ?? new StoppedError("this engine"));
    } else {
      threads?.watch(() => {
        if (this.#threads === threads) this.#restart();
      });
    }
    this.#setState({ role, epoch, error });
  }

  #setState(state: TabState): void {
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    this.#conditions.look();
    this.#options.onChange();
  }

  async #call(method: keyof KernelCalls, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#threads === null) throw new StoppedError("this engine");
    return this.#threads.control.call(method, args);
  }

  async #parse({ workflowId, input, config }: RunCreate): Promise<SentWorkflow> {
    await this.offer();
    return (await this.#call("parse", workflowId, input, config)) as SentWorkflow;
  }

  async #deliver(name: string, event: Event): Promise<void> {
    await this.#options.subscribers.find((subscriber) => subscriber.name === name)?.handle(event);
  }

  #on(type: string, listener: (event: { readonly persisted?: boolean }) => void): void {
    const target = globalThis as unknown as Record<
      "addEventListener" | "removeEventListener",
      (type: string, listener: unknown) => void
    >;
    if (typeof target.addEventListener !== "function") return;
    target.addEventListener(type, listener);
    this.#listeners.push(() => target.removeEventListener(type, listener));
  }
}

/** Asks the browser not to evict the data. Only a page can; some browsers ask their user, and what they answer is told by `engine.storage()`. */
function askToPersist(): void {
  const { storage } =
    (globalThis as { readonly navigator?: { readonly storage?: { persist?(): Promise<boolean> } } })
      .navigator ?? {};
  storage?.persist?.().catch(() => undefined);
}
