/** A browser in this process: pages that connect engines, with kernel and stage workers that can die. */
import { vi } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import type { Workflow } from "../define/index.ts";
import { FakeLocks } from "../hosts/browser/locks.test-helper.ts";
import type { Port } from "../hosts/browser/pool/comlink-link.ts";
import { FakeThread, FakeWorker } from "../hosts/browser/pool/threads.test-helper.ts";
import type { WorkerLike } from "../hosts/browser/pool/workers.ts";
import { serveKernel } from "../hosts/browser/serve-kernel.ts";
import { Life, opened } from "../hosts/browser/tabs.test-helper.ts";
import type { Store } from "../ports/store.ts";
import { systemClock } from "../runner/platform.ts";
import type { BrowserEngine, ConnectOptions } from "./connect.ts";
import { connectEngine } from "./connect.ts";

/** A kernel worker as its page has it. */
class KernelWorker implements WorkerLike {
  readonly life = new Life(systemClock());
  readonly #browser: Browser;
  readonly #owner: string;
  readonly #port: MessagePort;
  readonly #listeners: { readonly type: string; readonly listener: (event: never) => void }[] = [];

  constructor(browser: Browser, owner: string) {
    this.#browser = browser;
    this.#owner = owner;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const gated: Port = {
      postMessage: (message) => this.life.run(() => port2.postMessage(message)),
      addEventListener: (type, listener) =>
        port2.addEventListener(type, (event) => this.life.run(() => listener(event as never))),
      removeEventListener: () => undefined,
      start: () => port2.start(),
      close: () => port2.close(),
    };
    const platform = {
      locks: browser.locks.of(owner),
      clock: this.life.clock,
      channel: (name: string, hear?: (data: unknown) => void) =>
        this.life.channel(`${browser.origin}${name}`, hear),
    };
    serveKernel(
      gated,
      async ({ database }) => {
        const error = browser.refuses();
        if (error !== null) throw error;
        return opened(browser.database(database), this.life, () => browser.databases.delete(database));
      },
      platform,
    );
  }

  postMessage(message: unknown, transfer: never[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.push({ type, listener });
    if (type === "message") this.#port.addEventListener("message", listener as never);
    this.#port.start();
  }

  emit(type: string, event: object): void {
    for (const one of this.#listeners) if (one.type === type) one.listener(event as never);
  }

  terminate(): void {
    this.life.kill();
    this.#browser.locks.kill(this.#owner);
    this.#port.close();
  }
}

/** One origin. */
export class Browser {
  readonly origin = `origin${Math.random()}`;
  readonly locks = new FakeLocks();
  readonly databases = new Map<string, { readonly store: Store; epoch: number }>();
  readonly kernels: KernelWorker[] = [];
  readonly threads: FakeThread[] = [];
  readonly engines: BrowserEngine[] = [];
  readonly errors: { readonly error: unknown; readonly during: string }[] = [];
  /** Why a database can't be opened. */
  refuses: () => Error | null = () => null;
  readonly #events = new Map<string, Set<(event: object) => void>>();
  readonly #notes = new Map<string, string>();

  constructor() {
    const notes = this.#notes;
    vi.stubGlobal("navigator", { locks: this.locks.of("page"), hardwareConcurrency: 2 });
    vi.stubGlobal("localStorage", {
      get length() {
        return notes.size;
      },
      key: (index: number) => [...notes.keys()][index] ?? null,
      setItem: (key: string, value: string) => notes.set(key, value),
      removeItem: (key: string) => notes.delete(key),
    });
    vi.stubGlobal("addEventListener", (type: string, listener: (event: object) => void) => {
      this.#events.set(type, (this.#events.get(type) ?? new Set()).add(listener));
    });
    vi.stubGlobal("removeEventListener", (type: string, listener: (event: object) => void) =>
      this.#events.get(type)?.delete(listener),
    );
  }

  get notes(): string[] {
    return [...this.#notes.keys()];
  }

  database(name: string): { readonly store: Store; epoch: number } {
    const found = this.databases.get(name) ?? { store: memoryStore(), epoch: 0 };
    this.databases.set(name, found);
    return found;
  }

  /** What the platform tells the page. */
  fire(type: "pagehide" | "pageshow", event: object = {}): void {
    for (const listener of this.#events.get(type) ?? []) listener(event);
  }

  get listeners(): number {
    return [...this.#events.values()].reduce((sum, some) => sum + some.size, 0);
  }

  options(workflows: readonly Workflow[], more: Partial<ConnectOptions> = {}): ConnectOptions {
    return {
      database: "db",
      kernel: () => {
        const worker = new KernelWorker(this, `kernel-${this.kernels.length}`);
        this.kernels.push(worker);
        return worker;
      },
      stages: () => {
        const thread = new FakeThread(`stage-${this.threads.length}`, this.locks);
        this.threads.push(thread);
        const worker = new FakeWorker(thread);
        queueMicrotask(() => thread.serve(workflows));
        return worker;
      },
      onError: (error, during) => this.errors.push({ error, during }),
      ...more,
    };
  }

  async connect(workflows: readonly Workflow[], more: Partial<ConnectOptions> = {}): Promise<BrowserEngine> {
    const owner = `page-${this.engines.length}`;
    vi.stubGlobal("navigator", { locks: this.locks.of(owner), hardwareConcurrency: 2 });
    const engine = await connectEngine(this.options(workflows, more));
    this.engines.push(engine);
    return engine;
  }

  /** All that a page has is gone from one moment to the next, where it is the only one. */
  crash(): void {
    for (const index of this.engines.keys()) this.locks.kill(`page-${index}`);
    for (const worker of this.kernels) worker.terminate();
    for (const thread of this.threads) thread.die();
  }

  async close(): Promise<void> {
    this.crash();
    vi.unstubAllGlobals();
  }
}
