/** Stage workers in this process: ports that really clone, and threads that can be blocked and die. */
import type { Workflow } from "../../../define/workflow.ts";
import type { FakeLocks } from "../locks.test-helper.ts";
import type { Port } from "./comlink-link.ts";
import { isOf, type Join, type Serves } from "./handshake.ts";
import { type ServeStagesOptions, serveStagesIn, type StageScope } from "./serve-stages.ts";
import type { WorkerLike } from "./workers.ts";

type Listener = (event: never) => void;

/** A port whose thread can be blocked: then nothing comes in, and nothing goes out. */
class ThreadPort implements Port {
  readonly #port: MessagePort;
  readonly #thread: FakeThread;
  readonly #listeners = new Map<Listener, Listener>();

  constructor(port: MessagePort, thread: FakeThread) {
    this.#port = port;
    this.#thread = thread;
  }

  postMessage(message: unknown): void {
    // Cloned now, as a port does it; sent when the thread runs.
    const copy: unknown = structuredClone(message);
    this.#thread.run(() => this.#port.postMessage(copy, []));
  }

  addEventListener(type: string, listener: Listener): void {
    const gated = (event: never): void => this.#thread.run(() => listener(event));
    this.#listeners.set(listener, gated);
    this.#port.addEventListener(type, gated as never);
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#port.removeEventListener(type, (this.#listeners.get(listener) ?? listener) as never);
  }

  start(): void {
    this.#port.start();
  }

  close(): void {
    this.#port.close();
  }
}

/** The thread of a stage worker. */
export class FakeThread {
  readonly owner: string;
  readonly locks: FakeLocks;
  readonly scope: StageScope;
  /** Hears what the thread posts to its page. */
  onPost: (message: Serves) => void = () => undefined;
  readonly #heard: ((event: { readonly data: unknown }) => void)[] = [];
  readonly #ports: MessagePort[] = [];
  #waiting: (() => void)[] | null = null;
  #isAlive = true;

  constructor(owner: string, locks: FakeLocks) {
    this.owner = owner;
    this.locks = locks;
    this.scope = {
      postMessage: (message) => this.onPost(message),
      addEventListener: (_, listener) => this.#heard.push(listener),
      close: () => this.die(),
    };
  }

  serve(workflows: readonly Workflow[], options?: ServeStagesOptions): void {
    serveStagesIn(this.scope, this.locks.of(this.owner), workflows, options);
  }

  /** What the page posts to it. */
  hear(data: unknown): void {
    if (!isOf<Join>("join", data)) {
      for (const listener of this.#heard) listener({ data });
      return;
    }
    const port = data.port as unknown as MessagePort;
    this.#ports.push(port);
    for (const listener of this.#heard) listener({ data: { ...data, port: new ThreadPort(port, this) } });
  }

  run(act: () => void): void {
    if (this.#waiting === null) act();
    else this.#waiting.push(act);
  }

  /** From here on it is as if its code never came back. */
  block(): void {
    this.#waiting ??= [];
  }

  unblock(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const act of waiting) this.run(act);
  }

  /** Its end. The platform frees the lock of a blocked one only later. */
  die(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const port of this.#ports) port.close();
    if (this.#waiting === null) this.locks.kill(this.owner);
    this.#waiting = [];
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }
}

/** A Worker around a thread, as a page has it. */
export class FakeWorker implements WorkerLike {
  readonly thread: FakeThread;
  readonly #listeners: { readonly type: string; readonly listener: Listener }[] = [];

  constructor(thread: FakeThread) {
    this.thread = thread;
    thread.onPost = (message) => this.emit("message", { data: structuredClone(message) });
  }

  postMessage(message: unknown): void {
    this.thread.hear(message);
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  terminate(): void {
    this.thread.die();
  }

  emit(type: string, event: object): void {
    for (const one of this.#listeners)
      if (one.type === type) one.listener({ preventDefault: () => undefined, ...event } as never);
  }
}
