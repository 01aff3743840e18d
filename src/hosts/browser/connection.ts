/** One tab as the leader sees it: its page's calls, its pool with the pump that drives it, and its death. */
import { StoppedError } from "../../errors.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Event } from "../../model.ts";
import { type Pump, pumpOf } from "../pump.ts";
import { localBackend } from "../remote/backend.ts";
import { type Link, Peer } from "../remote/peer.ts";
import { FEED } from "../remote/remote-backend.ts";
import { serveBackend, serveFeed } from "../remote/serve.ts";
import type { Hello } from "./channels.ts";
import type { TabPool } from "./follower.ts";
import type { Loss } from "./pool/remote-executor.ts";

/** What {@link Connection} is made of. */
export interface ConnectionOptions {
  readonly tabId: string;
  readonly kernel: Kernel;
  readonly epoch: number;
  readonly hello: Hello;
  /** The way to its page. */
  readonly page: Link;
  readonly pool: TabPool;
  /** Ends what is under way in a pool elsewhere, and the way there; null for the leader's own. */
  readonly endPool: ((loss: Loss) => void) | null;
  /** Whether its pump does what only one must do. */
  readonly maintains: boolean;
  readonly onError: (error: unknown, during: string) => void;
  /** Deletes the database, for all tabs. */
  readonly erase: () => Promise<void>;
}

/** The name of what hands a subscriber an event. */
export const DELIVER = "deliver";

/** Two leaders' questions to one page are told apart by their numbers, which start here times the epoch. */
const NUMBERS = 1e9;

/** How long it may take to record how a tab's executions ended, in milliseconds. */
const END_MS = 5000;

/** See the file's head. */
export class Connection {
  readonly tabId: string;
  readonly pump: Pump;
  readonly #peer: Peer;
  readonly #endPool: ((loss: Loss) => void) | null;
  readonly #stopFeed: () => void;
  #draining: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    const { tabId, kernel, epoch, hello, page, pool, endPool, maintains, onError, erase } = options;
    const { clock } = kernel.ports;
    this.tabId = tabId;
    this.#endPool = endPool;
    this.pump = pumpOf(
      {
        kernel,
        workerId: tabId,
        concurrency: hello.slots,
        handlers: () => pool.handlers,
        maintains,
        onError,
      },
      "connectEngine",
    );
    const backend = localBackend(kernel, (command, workflow) => this.pump.startRun(command, workflow));
    const handlers = {
      ...serveBackend(backend),
      leave: (graceMs: number) => this.pump.stop({ graceMs }),
      erase,
    };
    this.#peer = new Peer({ clock, handlers, name: `tab ${tabId}`, firstId: epoch * NUMBERS + 1 });
    this.#peer.attach(page);
    this.#stopFeed = serveFeed(backend, clock, (changes) => this.#peer.tell(FEED, [changes]));
    this.pump.start();
  }

  /** Hands its page's subscriber an event; resolves when that is done with it. */
  deliver(name: string, event: Event): Promise<unknown> {
    return this.#peer.call(DELIVER, [name, event]);
  }

  /** Gives it nothing more to do; what it executes ends so. */
  drain(loss: Loss | Promise<Loss>): Promise<void> {
    this.#draining ??= this.#drain(loss);
    return this.#draining;
  }

  /** Ends its calls. */
  close(): void {
    this.#stopFeed();
    this.#peer.close(new StoppedError(`tab ${this.tabId}`));
  }

  async #drain(loss: Loss | Promise<Loss>): Promise<void> {
    // Claims nothing from here on. What is under way elsewhere is ended by name below, and needs only be written down.
    const stopped = this.pump.stop({ graceMs: this.#endPool === null ? 0 : END_MS });
    this.#endPool?.(typeof loss === "string" ? loss : await loss);
    await stopped;
  }
}
