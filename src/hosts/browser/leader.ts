/** The tab that leads: it alone writes to the database, and runs the kernel for all tabs. */
import { NotConnectedError } from "../../errors.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Clock, sleep } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import { type Hello, linkPair } from "./channels.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { TabPool } from "./follower.ts";
import { type Guest, Hub } from "./hub.ts";
import { kernelFor } from "./kernel-for.ts";
import { livingTabs, type Names, type Platform } from "./platform.ts";
import type { Loss } from "./pool/remote-executor.ts";
import type { Relay } from "./relay.ts";
import { Routes } from "./routes.ts";
import { TabSubscribers } from "./subscribers.ts";
import { type Marks, Survivors } from "./survivors.ts";

/** A store that was opened to lead: from now on every write to the database demands its epoch. */
export interface Opened {
  readonly store: Store;
  readonly epoch: number;
  /** Tells that the store is lost to this tab: another leads, or the database was deleted or wants to be upgraded. */
  readonly onLost: (listener: (why: Error) => void) => void;
  /** Deletes the database; called when the store is closed. */
  readonly erase: () => Promise<void>;
}

/** What {@link Leader} is made of. */
export interface LeaderOptions {
  readonly platform: Platform;
  readonly names: Names;
  readonly tabId: string;
  readonly protocol: number;
  readonly hello: Hello;
  readonly pool: TabPool;
  readonly relay: Relay;
  readonly marks: Marks;
  readonly patienceMs: number;
  readonly open: () => Promise<Opened>;
  /** It leads, in this epoch. */
  readonly onLead: (epoch: number) => void;
  readonly onError: (error: unknown, during: string) => void;
}

/** Why a reign ends. */
export type Reason = "stopped" | "newer" | "stolen" | "lost" | "erased";

/** How long stepping down may take, in milliseconds: the lock is held meanwhile, and nothing that hangs must hold it for ever. */
const STEP_DOWN_MS = 5000;

/** How long opening the database may take, an upgrade of its schema included, in milliseconds. */
const OPEN_MS = 120_000;

/** One reign. */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #hub: Hub;
  readonly #routes = new Routes();
  readonly #subscribers = new TabSubscribers();
  readonly #connections = new Map<string, Connection>();
  #kernel: Kernel | null = null;
  #opened: Opened | null = null;
  #survivors: Survivors | null = null;
  #isOver = false;
  #end: (reason: Reason) => void = () => undefined;
  readonly #ended = new Promise<Reason>((resolve) => {
    this.#end = resolve;
  });
  #erased: () => void = () => undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#hub = new Hub({
      ...options,
      onGuest: (guest) => this.#connect(guest),
      onOffer: (tabId) => this.#offered(tabId),
      onGone: (tabId, isDead) => void this.#gone(tabId, isDead),
      onNewer: () => this.#end("newer"),
    });
  }

  /** Leads until there is a reason not to, and tells it. @throws what opening the database throws */
  async reign(stolen: AbortSignal): Promise<Reason> {
    stolen.addEventListener("abort", () => this.#end("stolen"));
    if (stolen.aborted) this.#end("stolen");
    let reason: Reason = "lost";
    try {
      await Promise.race([this.#begin(), this.#ended]);
      reason = await this.#ended;
      return reason;
    } finally {
      this.#isOver = true;
      await this.#close(reason);
    }
  }

  /** Steps down. */
  stop(): void {
    this.#end("stopped");
  }

  /** This tab's own pool offers something else. */
  offer(): void {
    this.#offered(this.#options.tabId);
  }

  async #begin(): Promise<void> {
    const { platform, names, tabId, hello, pool, relay, marks, open, onLead } = this.#options;
    const opening = open();
    // Over before it began: nobody else will close it.
    opening.then(({ store }) => (this.#isOver ? store.close() : undefined)).catch(() => undefined);
    const opened = await soon(platform.clock, opening);
    if (this.#isOver) return;
    this.#opened = opened;
    opened.onLost(() => this.#end("lost"));
    const { store, epoch } = opened;
    const survivors = new Survivors({ store, marks, living: () => livingTabs(platform.locks, names) });
    await survivors.takeOver();
    if (this.#isOver) return;
    this.#survivors = survivors;
    const { clock } = platform;
    const name = `${tabId}/kernel-${epoch}`;
    const { sink } = this.#subscribers;
    this.#kernel = kernelFor({ store, epoch, name, clock, routes: this.#routes, sink, liveness: survivors });
    const [near, far] = linkPair();
    this.#connect({ tabId, hello, page: far, pool, endPool: null });
    relay.attach(near);
    onLead(epoch);
    await this.#hub.open(epoch);
  }

  #connect({
    tabId,
    hello,
    page,
    pool,
    endPool,
  }: Omit<Guest, "endPool"> & Pick<ConnectionOptions, "endPool">): void {
    if (this.#kernel === null || this.#opened === null) return;
    const connection = new Connection({
      tabId,
      kernel: this.#kernel,
      epoch: this.#opened.epoch,
      hello,
      page,
      pool,
      endPool,
      maintains: tabId === this.#options.tabId,
      onError: this.#options.onError,
      erase: () => this.#erase(),
    });
    this.#connections.set(tabId, connection);
    this.#routes.add(tabId, pool);
    this.#subscribers.add(tabId, hello.subscribers, (name, event) => connection.deliver(name, event));
  }

  #offered(tabId: string): void {
    this.#routes.update();
    this.#connections.get(tabId)?.pump.wake();
  }

  async #gone(tabId: string, isDead: boolean): Promise<void> {
    const connection = this.#connections.get(tabId);
    if (connection === undefined) return;
    this.#connections.delete(tabId);
    this.#subscribers.remove(tabId);
    // Its page may have said that it was closing. Until that is known, it is given nothing more to do.
    const hasClosed = isDead ? this.#survivors?.hasClosed(tabId) : true;
    await connection.drain(Promise.resolve(hasClosed).then((closed) => (closed ? "draining" : "crashed")));
    this.#routes.remove(tabId);
    this.#survivors?.forget(tabId);
    connection.close();
  }

  /** Deletes the database; all tabs are told. */
  #erase(): Promise<void> {
    const erased = new Promise<void>((resolve) => {
      this.#erased = resolve;
    });
    this.#end("erased");
    return erased;
  }

  async #close(reason: Reason): Promise<void> {
    const { platform, relay, onError } = this.#options;
    const { clock } = platform;
    const connections = [...this.#connections.values()];
    const own = this.#connections.get(this.#options.tabId);
    // The one that maintains comes last: it also hands over what there still is to deliver.
    const drained = async (loss: Loss): Promise<void> => {
      await Promise.all(connections.filter((one) => one !== own).map((one) => one.drain(loss)));
      await own?.drain(loss);
    };
    const step = async (during: string, act: () => Promise<unknown> | undefined): Promise<void> => {
      try {
        await within(clock, act());
      } catch (error) {
        onError(error, during);
      }
    };
    const isFenced = reason === "stolen" || reason === "lost";
    // What was lost can't be written to any more: a store that is closed first refuses at once what would be tried again and again.
    if (!isFenced) await step("stepping down", () => drained("draining"));
    await step("closing the store", () => this.#opened?.store.close());
    if (isFenced) void drained("lease-lost").catch(() => undefined);
    if (reason === "erased") {
      await step("deleting the database", () => this.#opened?.erase());
      this.#erased();
      // Whoever asked for it is answered first.
      await sleep(clock, 0);
    }
    relay.attach(null);
    for (const connection of connections) connection.close();
    this.#hub.close(reason === "erased" ? "erased" : "gone");
  }
}

/** @throws NotConnectedError where the platform says nothing at all, which no lock must wait for */
async function soon<T>(clock: Clock, opening: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(clock, OPEN_MS, over.signal).then(() => {
    throw new NotConnectedError("the database", `it was not opened within ${OPEN_MS} ms`);
  });
  return Promise.race([opening, late]).finally(() => over.abort());
}

async function within(clock: Clock, act: Promise<unknown> | undefined): Promise<void> {
  const over = new AbortController();
  const late = sleep(clock, STEP_DOWN_MS, over.signal);
  await Promise.race([act, late]).finally(() => over.abort());
}
