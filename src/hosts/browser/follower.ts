/** A tab that doesn't lead: it looks for who does, passes its page's calls on, offers its pool, and notices a leader that is frozen. */
import { StoppedError } from "../../errors.ts";
import type { Executor } from "../../ports/executor.ts";
import { Peer } from "../remote/peer.ts";
import { type Hello, BatchLink, PROTOCOL, protocolOnly, type TabMessage } from "./channels.ts";
import type { Channel, Names, Platform } from "./platform.ts";
import { serveExecutor, type ServedExecutor } from "./pool/serve-executor.ts";
import { OFFER, type Offer } from "./pool/wire.ts";
import type { Relay } from "./relay.ts";

/** What a tab's pool of stage workers is to its kernel worker. */
export interface TabPool extends Executor {
  readonly offer: Offer;
}

/** What {@link Follower} is made of. */
export interface FollowerOptions {
  readonly platform: Platform;
  readonly names: Names;
  readonly tabId: string;
  readonly protocol?: number;
  readonly hello: Hello;
  readonly pool: TabPool;
  readonly relay: Relay;
  /** Without a sign of life for so long, a leader is replaced, in milliseconds. */
  readonly patienceMs: number;
  /** The leader doesn't answer. */
  readonly onSilence: () => void;
  /** There is another leader, or none: its epoch, or null. */
  readonly onLeader: (epoch: number | null) => void;
  /** This build is too old for who leads. */
  readonly onOutdated: () => void;
  /** The database was deleted. */
  readonly onErased: () => void;
}

/** Silence is counted in looks, of so many in the time of the patience, not by the clock: a machine that slept has not waited. */
export const LOOKS = 5;

/** The tie to one leader. */
interface Tie {
  readonly epoch: number;
  readonly page: BatchLink;
  readonly pool: BatchLink;
  readonly peer: Peer;
  readonly served: ServedExecutor;
}

/** See the file's head. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #inbox: Channel;
  readonly #leader: Channel;
  #tie: Tie | null = null;
  /** The highest epoch that was heard of: whoever leads an earlier one doesn't know yet that it is over. */
  #epoch = 0;
  /** Grows with each tie. */
  #session = 1;
  #silent = 0;
  #isPaused = true;
  #stopTicks: (() => void) | null = null;

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { platform, names, tabId } = options;
    this.#inbox = platform.channel(
      names.inbox(tabId),
      protocolOnly((message) => this.#hear(message)),
    );
    this.#leader = platform.channel(names.leader);
  }

  /** Follows whoever leads. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#silent = 0;
    this.#tick();
  }

  /** Follows nobody: this tab leads, or is at its end. */
  pause(): void {
    this.#isPaused = true;
    this.#stopTicks?.();
    this.#untie();
  }

  /** Its page is closing. */
  closing(): void {
    this.#post({ kind: "closing" });
  }

  close(): void {
    this.pause();
    this.#inbox.close();
    this.#leader.close();
  }

  /** Tells the leader what the pool offers now. */
  offer(): void {
    this.#tie?.peer.tell(OFFER, [this.#options.pool.offer]);
  }

  #tick(): void {
    const { platform, patienceMs, hello, onSilence } = this.#options;
    this.#silent += 1;
    if (this.#silent > LOOKS) {
      this.#silent = 0;
      onSilence();
      if (this.#isPaused) return;
    }
    this.#post(this.#tie === null ? { kind: "hello", hello } : { kind: "ping" });
    this.#stopTicks = platform.clock.after(patienceMs / LOOKS, () => this.#tick());
  }

  #hear(message: TabMessage): void {
    const { epoch, session, kind } = message;
    const { onOutdated, onErased } = this.#options;
    // Epoch zero: it has the lock, and is opening the database.
    if (this.#isPaused || (epoch < this.#epoch && epoch > 0)) return;
    if (session !== this.#session && session > 0) return;
    this.#silent = 0;
    const isKnown = epoch === this.#tie?.epoch;
    if (kind === "line") this.#tie?.[message.line].hear(message.messages);
    else if (kind === "outdated") onOutdated();
    else if (kind === "erased") onErased();
    else if (kind === "welcome" && this.#tie === null) this.#follow(epoch);
    else if (kind === "gone" || (kind !== "ping" && !isKnown)) {
      this.#epoch = epoch;
      this.#untie();
      this.#post({ kind: "hello", hello: this.#options.hello });
    }
  }

  #follow(epoch: number): void {
    this.#epoch = epoch;
    const { relay, pool, platform, onLeader } = this.#options;
    const line = (name: "page" | "pool"): BatchLink =>
      new BatchLink((messages) => {
        if (this.#tie === tie) this.#post({ kind: "line", line: name, messages });
      });
    const caller: Pick<Peer, "call" | "tell"> = {
      call: (method, args) => tie.peer.call(method, args),
      tell: (method, args) => tie.peer.tell(method, args),
    };
    const served = serveExecutor(pool, caller);
    // A peer for each leader: what was asked of the last one about its executions is of no use to the next.
    const peer = new Peer({ clock: platform.clock, handlers: served.handlers, name: "the leading tab" });
    const tie: Tie = { epoch, page: line("page"), pool: line("pool"), peer, served };
    this.#tie = tie;
    peer.attach(tie.pool);
    this.offer();
    relay.attach(tie.page);
    onLeader(epoch);
  }

  #untie(): void {
    const tie = this.#tie;
    if (tie === null) return;
    this.#tie = null;
    this.#session += 1;
    this.#options.relay.attach(null);
    // Its leases are void, or will be given back: whoever leads next gives the work out anew.
    tie.served.abortAll("lease-lost");
    tie.peer.close(new StoppedError("this tie"));
    this.#options.onLeader(null);
  }

  #post(message: object): void {
    const { tabId, protocol = PROTOCOL } = this.#options;
    this.#leader.post({
      protocol,
      tab: tabId,
      epoch: this.#tie?.epoch ?? 0,
      session: this.#session,
      ...message,
    });
  }
}
