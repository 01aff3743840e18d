/** An engine in a page: stages in workers, state in IndexedDB, shared by all tabs. */
import { type Plugin, toSubscriber } from "../define/plugin.ts";
import { definePlugin } from "../define/plugin.ts";
import { DuplicateSubscriberError, InvalidOptionError, UnsupportedError } from "../errors.ts";
import { Page, type PageOptions } from "../hosts/browser/page.ts";
import type { TabLocks } from "../hosts/browser/platform.ts";
import type { PoolWorker } from "../hosts/browser/pool/pool.ts";
import type { StageWorkerInfo, WorkerLike } from "../hosts/browser/pool/workers.ts";
import type { Role } from "../hosts/browser/tab.ts";
import type { Graph } from "../model.ts";
import { checkKnown, checkList, checkName, checkObject, checkWhole } from "../runner/options.ts";
import { randomIds, systemClock } from "../runner/platform.ts";
import type { Engine } from "./api.ts";
import { EngineClient, type StopOptions } from "./client.ts";

/** What {@link connectEngine} takes. */
export interface ConnectOptions {
  /** Starts a stage worker: a module that calls `serveStages`. */
  readonly stages: () => WorkerLike;
  /** Names the database. Pages of one origin that give the same name share it; a database for each user keeps them apart. */
  readonly database: string;
  /** Stage workers of this page; by default one for each processor but one, up to four. */
  readonly workers?: number;
  /** Bodies at once in each stage worker, at most; 32 by default. */
  readonly slots?: number;
  /** `indexeddb` by default; `memory` is this page's own, and gone with it. */
  readonly storage?: "indexeddb" | "memory";
  /** Whether every commit survives a power loss (`strict`), or only what was told to subscribers (`relaxed`, the default). */
  readonly durability?: "relaxed" | "strict";
  /** Keeps each commit's row changes, for `engine.changeLog`. */
  readonly record?: "changes";
  /** Each is subscribed under its name; its handlers run in one page of those that have it. */
  readonly plugins?: readonly Plugin[];
  /** Starts the kernel worker (`sluice/kernel-worker`), where a bundler doesn't find it by itself. */
  readonly kernel?: () => WorkerLike;
  /** Told of what went wrong and is tried again; `console.error` by default. */
  readonly onError?: (error: unknown, during: string) => void;
}

/** How a page's engine stands. */
export interface BrowserStatus {
  /** Whether this tab leads, or follows one that does. */
  readonly role: Role;
  readonly tabId: string;
  /** Grows with each leader; 0 while there is none. */
  readonly epoch: number;
  /** This page's stage workers. */
  readonly workers: readonly StageWorkerInfo[];
  readonly storage: "indexeddb" | "memory";
  /** Why there is no leader, or why this engine has stopped by itself; null where all is well. */
  readonly error: Error | null;
}

/** An engine in a page. */
export interface BrowserEngine extends Engine {
  status(): BrowserStatus;
  /** Calls back when the status has changed; the answer ends that. */
  onStatus(listener: (status: BrowserStatus) => void): () => void;
  /** What this page's stage workers execute now. */
  workers(): Promise<readonly PoolWorker[]>;
  /** Ends a stage worker under whatever it executes, as a crash would; another takes its place. */
  terminateWorker(workerId: string): void;
  /**
   * Stops this page's part; with `erase`, at a log-out, all tabs are stopped and the database is deleted.
   */
  destroy(options?: StopOptions & { readonly erase?: boolean }): Promise<void>;
}

const WHERE = "connectEngine";

/**
 * Connects a page to the engine of its database, and takes part in it: one tab leads, all of them execute. Runs that were under way go on.
 *
 * @example
 * const engine = await connectEngine({
 *   stages: () => new Worker(new URL("./stages.ts", import.meta.url), { type: "module" }),
 *   database: "my-app",
 * });
 * const run = await engine.start(pipeline, { file }, { idempotencyKey: file.name });
 *
 * @throws InvalidOptionError; UnsupportedError where the page has no Web Locks; NotConnectedError when nobody answers; what opening the database throws,
 * such as OutdatedError for one of a newer build
 */
export async function connectEngine(options: ConnectOptions): Promise<BrowserEngine> {
  const page = checked(options);
  const { locks, hardwareConcurrency = 1 } = navigatorOf();
  if (locks === undefined)
    throw new UnsupportedError(WHERE, "Web Locks, which browsers give to pages from https and localhost");
  const { workers = Math.min(4, Math.max(1, hardwareConcurrency - 1)), slots = 32 } = options;
  const engine = new PageEngine({ ...page, locks, workers, slots: Math.max(1, workers) * slots });
  await engine.connect();
  return engine;
}

class PageEngine extends EngineClient implements BrowserEngine {
  readonly #page: Page;
  readonly #storage: BrowserStatus["storage"];
  readonly #listeners: Set<(status: BrowserStatus) => void>;

  constructor(options: Omit<PageOptions, "clock" | "ids" | "onChange">) {
    const clock = systemClock();
    const ids = randomIds(clock);
    const listeners = new Set<(status: BrowserStatus) => void>();
    const onChange = (): void => {
      for (const listener of [...listeners]) listener(this.status());
    };
    const page = new Page({ ...options, clock, ids, onChange });
    const onStop = ({ graceMs = 30_000 }: StopOptions): Promise<void> => page.stop(graceMs);
    super({ backend: page.backend, clock, ids, workflows: [], isRemote: true, onStop });
    this.#page = page;
    this.#storage = options.storage;
    this.#listeners = listeners;
  }

  async connect(): Promise<void> {
    try {
      await this.#page.start();
    } catch (error) {
      this.#page.dispose(error as Error);
      throw error;
    }
  }

  status(): BrowserStatus {
    const { role, epoch, error } = this.#page.state;
    return {
      role,
      epoch,
      error,
      tabId: this.#page.tabId,
      workers: this.#page.stageWorkers(),
      storage: this.#storage,
    };
  }

  onStatus(listener: (status: BrowserStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  workers(): Promise<readonly PoolWorker[]> {
    return this.#page.running();
  }

  override async workflows(): Promise<readonly Graph[]> {
    return (await this.#page.offer()).graphs;
  }

  terminateWorker(workerId: string): void {
    checkName("engine.terminateWorker", "workerId", workerId);
    this.#page.terminate(workerId);
  }

  override async destroy(options: StopOptions & { readonly erase?: boolean } = {}): Promise<void> {
    checkObject("engine.destroy", "options", options);
    const { erase = false, ...rest } = options;
    if (erase) await this.#page.erase();
    await this.stop(rest);
  }
}

/** The options by name. The compiler checks that none is missing. */
const known: ReadonlySet<string> = new Set(
  Object.keys({
    stages: true,
    database: true,
    workers: true,
    slots: true,
    storage: true,
    durability: true,
    record: true,
    plugins: true,
    kernel: true,
    onError: true,
  } satisfies Record<keyof ConnectOptions, true>),
);

function checked(
  options: ConnectOptions,
): Omit<PageOptions, "clock" | "ids" | "onChange" | "locks" | "workers" | "slots"> {
  checkObject(WHERE, "options", options, "an object with stages and a database");
  checkKnown(WHERE, options, known);
  const {
    stages,
    database,
    workers = 1,
    slots = 1,
    storage = "indexeddb",
    durability,
    record,
    plugins = [],
  } = options;
  const { kernel = kernelWorker, onError = report } = options;
  for (const [name, value] of Object.entries({ stages, kernel, onError }))
    if (typeof value !== "function") throw new InvalidOptionError(WHERE, name, "a function", value);
  checkName(WHERE, "database", database);
  checkWhole(WHERE, "workers", workers, 0, 64);
  checkWhole(WHERE, "slots", slots, 1, 10_000);
  checkOne("storage", storage, ["indexeddb", "memory"]);
  checkOne("durability", durability, ["relaxed", "strict"]);
  checkOne("record", record, ["changes"]);
  checkList(WHERE, "plugins", plugins, "a list of plugins made by definePlugin");
  const subscribers = plugins.map((plugin) => toSubscriber(definePlugin(plugin)));
  for (const [index, { name }] of subscribers.entries())
    if (subscribers.findIndex((one) => one.name === name) < index) throw new DuplicateSubscriberError(name);
  return { stages, kernel, onError, database, storage, durability, record, subscribers };
}

function checkOne(option: string, value: unknown, values: readonly string[]): void {
  if (value === undefined || values.includes(value as string)) return;
  throw new InvalidOptionError(WHERE, option, values.join(" or "), value);
}

function report(error: unknown, during: string): void {
  console.error(`sluice, ${during}:`, error);
}

/** Bundlers look for exactly this: a `Worker` made of a `URL` made of `import.meta.url`. */
declare const Worker: new (url: URL, options: { readonly type: "module" }) => WorkerLike;

function kernelWorker(): WorkerLike {
  return new Worker(new URL("../hosts/browser/kernel-worker.js", import.meta.url), { type: "module" });
}

function navigatorOf(): { readonly locks?: TabLocks; readonly hardwareConcurrency?: number } {
  return (globalThis as { readonly navigator?: { readonly locks?: TabLocks } }).navigator ?? {};
}
