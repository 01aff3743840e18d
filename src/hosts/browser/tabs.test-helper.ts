/** Several tabs in one process, on one store: each with a platform of its own that can be frozen and killed. */
import { memoryStore } from "../../../adapters/memory/index.ts";
import { EngineClient } from "../../client/client.ts";
import type { Plugin, Workflow } from "../../define/index.ts";
import { toSubscriber } from "../../define/plugin.ts";
import { StoppedError, StoreClosedError } from "../../errors.ts";
import type { Event } from "../../model.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import { inProcessExecutor } from "../../runner/executor.ts";
import { randomIds, systemClock } from "../../runner/platform.ts";
import { type RemoteBackend, remoteBackend } from "../remote/remote-backend.ts";
import { portLink } from "./channels.ts";
import { DELIVER } from "./connection.ts";
import type { Opened } from "./leader.ts";
import { FakeLocks } from "./locks.test-helper.ts";
import type { Channel, Platform } from "./platform.ts";
import type { Port } from "./pool/comlink-link.ts";
import { NOTHING } from "./pool/wire.ts";
import { Tab, type TabState } from "./tab.ts";

/** What a test's tab is made of. */
export interface TestTabOptions {
  readonly workflows: readonly Workflow[];
  readonly protocol?: number;
  readonly plugins?: readonly Plugin[];
  readonly database?: string;
  /** Fails the opening of the database for as long as it gives an error. */
  readonly refuses?: () => Error | null;
  readonly patienceMs?: number;
  /** Its stage workers have said nothing yet: they do at `serve()`. */
  readonly servesLater?: boolean;
  /** Timers of so many milliseconds and more never go off: what comes then is not thanks to a net under it. */
  readonly longestTimer?: number;
}

/** One origin: its locks, its storage, its databases. */
export class World {
  readonly locks = new FakeLocks();
  readonly clock: Clock = systemClock();
  readonly marks = new Set<string>();
  /** Told of what a store was asked, when it has done it and its answer is on its way. */
  onDone: (call: string, args: readonly unknown[]) => void = () => undefined;
  readonly databases = new Map<string, { readonly store: Store; epoch: number }>();
  readonly #tabs: TestTab[] = [];
  readonly #prefix = `test${Math.random()}`;

  store(database = "db"): { readonly store: Store; epoch: number } {
    const found = this.databases.get(database) ?? {
      store: memoryStore({ clock: this.clock, record: "changes" }),
      epoch: 0,
    };
    this.databases.set(database, found);
    return found;
  }

  /** Opens a tab. Nothing is awaited: it connects by itself. */
  tab(options: TestTabOptions): TestTab {
    const tab = new TestTab(this, `tab-${this.#tabs.length + 1}`, this.#prefix, options);
    this.#tabs.push(tab);
    return tab;
  }

  /** Posts something to a channel of the database `db`, by the last part of its name. */
  post(channel: string, message: unknown): void {
    const sender = new BroadcastChannel(`${this.#prefix}sluice:db:${channel}`);
    (sender as unknown as Port).postMessage(message, []);
    sender.close();
  }

  /** Ends what is left. */
  close(): void {
    for (const tab of this.#tabs) tab.kill();
  }
}

/** A tab: its kernel worker's side, with bodies in process, and its page's side. */
export class TestTab {
  readonly id: string;
  readonly tab: Tab;
  readonly engine: EngineClient;
  readonly backend: RemoteBackend;
  readonly states: TabState[] = [];
  readonly errors: unknown[] = [];
  readonly delivered: Event[] = [];
  /** Its stage workers say what they have code for. */
  readonly serve: () => void;
  readonly #world: World;
  readonly #life: Life;
  readonly #ports: { close(): void }[];

  constructor(world: World, id: string, prefix: string, options: TestTabOptions) {
    const {
      workflows,
      protocol,
      plugins = [],
      database = "db",
      refuses = () => null,
      patienceMs = 500,
      servesLater = false,
      longestTimer,
    } = options;
    this.id = id;
    this.#world = world;
    const life = new Life(world.clock, longestTimer);
    this.#life = life;
    const platform: Platform = {
      locks: world.locks.of(id),
      clock: life.clock,
      channel: (name, hear) => life.channel(`${prefix}${name}`, hear),
    };
    const executor = inProcessExecutor({ workflows, clock: life.clock });
    const served = {
      handlers: executor.handlers,
      offer: { build: id, graphs: workflows.map(({ graph }) => graph), handlers: [...executor.handlers] },
    };
    const pool = {
      execute: executor.execute.bind(executor),
      check: executor.check.bind(executor),
      ...(servesLater ? { handlers: new Set<string>(), offer: NOTHING } : served),
    };
    this.serve = () => {
      Object.assign(pool, served);
      this.tab.offer();
    };
    const { port1, port2 } = new MessageChannel();
    this.#ports = [port1, port2];
    const subscribers = plugins.map(toSubscriber);
    this.tab = new Tab({
      platform,
      database,
      tabId: id,
      ...(protocol === undefined ? {} : { protocol }),
      hello: { slots: 4, subscribers: subscribers.map(({ name }) => ({ name })) },
      pool,
      page: portLink(port2 as unknown as Port),
      marks: {
        read: async () => [...world.marks],
        clear: (tabIds) => {
          for (const one of tabIds) world.marks.delete(one);
        },
      },
      patienceMs,
      open: async () => {
        const error = refuses();
        if (error !== null) throw error;
        const done = (call: string, args: readonly unknown[]): void => world.onDone(call, args);
        return opened(world.store(database), life, () => world.databases.delete(database), done);
      },
      onState: (state) => this.states.push(state),
      onError: (error) => this.errors.push(error),
    });
    this.backend = remoteBackend({
      clock: world.clock,
      name: "the engine",
      handlers: {
        [DELIVER]: async (name: string, event: Event) => {
          this.delivered.push(event);
          await subscribers.find((one) => one.name === name)?.handle(event);
        },
      },
    });
    this.backend.peer.attach(portLink(port1 as unknown as Port));
    const onStop = async ({ graceMs = 0 }: { readonly graceMs?: number }): Promise<void> => {
      await this.backend.peer.call("leave", [graceMs]);
      await this.tab.stop();
      this.backend.peer.close(new StoppedError("this engine"));
      this.kill();
    };
    const ids = randomIds(world.clock);
    this.engine = new EngineClient({
      backend: this.backend,
      clock: world.clock,
      ids,
      workflows: [],
      isRemote: true,
      onStop,
    });
    void this.tab.start();
  }

  get state(): TabState | undefined {
    return this.states.at(-1);
  }

  /** Its kernel worker is gone from one moment to the next. */
  kill(): void {
    this.#life.kill();
    this.#world.locks.kill(this.id);
    for (const port of this.#ports) port.close();
  }

  /** It makes no progress, but keeps its locks. */
  freeze(): void {
    this.#life.freeze();
  }

  thaw(): void {
    this.#life.thaw();
  }
}

/** Whether a thread runs: its timers, what it hears, and its store's answers come only while it does. */
export class Life {
  readonly clock: Clock;
  readonly #channels: { close(): void }[] = [];
  #isDead = false;
  #frozen: (() => void)[] | null = null;

  constructor(clock: Clock, longestTimer = Number.POSITIVE_INFINITY) {
    this.clock = {
      now: () => clock.now(),
      after: (ms, fire) => (ms >= longestTimer ? () => undefined : clock.after(ms, () => this.run(fire))),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  run(act: () => void): void {
    if (this.#isDead) return;
    if (this.#frozen === null) act();
    else this.#frozen.push(act);
  }

  channel(name: string, hear?: (data: unknown) => void): Channel {
    const real = new BroadcastChannel(name);
    this.#channels.push(real);
    real.addEventListener("message", (event) => this.run(() => hear?.(event.data)));
    return {
      post: (message) => {
        if (!this.#isDead) (real as unknown as Port).postMessage(message, []);
      },
      close: () => real.close(),
    };
  }

  kill(): void {
    this.#isDead = true;
    for (const channel of this.#channels) channel.close();
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const acts = this.#frozen ?? [];
    this.#frozen = null;
    for (const act of acts) act();
  }

  /** What an answer is, once this thread runs again; never, if it is dead. */
  async heard<T>(answer: Promise<T>): Promise<T> {
    const settled = await answer.then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await new Promise<void>((resolve) => this.run(resolve));
    return settled();
  }
}

/** The shared store as one leader has it: fenced by its epoch, and dead with its thread. */
export function opened(
  database: { readonly store: Store; epoch: number },
  life: Life,
  erase: () => void,
  onDone: (call: string, args: readonly unknown[]) => void = () => undefined,
): Opened {
  database.epoch += 1;
  const { epoch } = database;
  let isOpen = true;
  let lost: (why: Error) => void = () => undefined;
  const ends: (() => void)[] = [];
  const call = <T>(act: () => Promise<T>): Promise<T> => {
    if (!isOpen) return Promise.reject(new StoreClosedError("memory"));
    // Asked when the thread runs, as a request to a database is: one that is frozen sends none.
    const asked = new Promise<void>((resolve) => life.run(resolve)).then(() => {
      if (database.epoch === epoch) return act();
      lost(new StoreClosedError("memory"));
      throw new StoreClosedError("memory");
    });
    return life.heard(asked);
  };
  const wrap = (target: object): unknown =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === "jobs" || name === "blobs") return wrap(value as object);
        if (name === "subscribe") {
          return (listener: (changes: unknown) => void) => {
            const end = database.store.subscribe((changes) => life.run(() => isOpen && listener(changes)));
            ends.push(end);
            return end;
          };
        }
        if (name === "close") {
          return async () => {
            isOpen = false;
            for (const end of ends) end();
          };
        }
        if (typeof value !== "function") return value;
        if (name === "announce") return value.bind(target);
        return (...args: unknown[]) =>
          call(async () => {
            const answer = await (value as (...args: unknown[]) => Promise<unknown>).apply(target, args);
            onDone(String(name), args);
            return answer;
          });
      },
    });
  return {
    store: wrap(database.store) as Store,
    epoch,
    onLost: (listener) => {
      lost = listener;
    },
    erase: async () => erase(),
  };
}

/** Waits until something is so; what never comes is what the test's own time limit is for. */
export async function until(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}
