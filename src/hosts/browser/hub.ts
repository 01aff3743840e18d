/** The other tabs, as they come and go: the leader's end of the tabs' protocol. */
import { StoppedError } from "../../errors.ts";
import { type Link, Peer } from "../remote/peer.ts";
import {
  type Hello,
  type Line,
  BatchLink,
  OLDEST_PROTOCOL,
  protocolOnly,
  type TabMessage,
} from "./channels.ts";
import type { TabPool } from "./follower.ts";
import { type Channel, livingTabs, type Names, type Platform } from "./platform.ts";
import { whenFree } from "./pool/locks.ts";
import { type Loss, RemoteExecutor } from "./pool/remote-executor.ts";

/** A tab that was taken in. */
export interface Guest {
  readonly tabId: string;
  readonly hello: Hello;
  readonly page: Link;
  readonly pool: TabPool;
  /** Ends what is under way in its pool, and the way there. */
  readonly endPool: (loss: Loss) => void;
}

/** What {@link Hub} is made of. */
export interface HubOptions {
  readonly platform: Platform;
  readonly names: Names;
  readonly tabId: string;
  readonly protocol: number;
  readonly patienceMs: number;
  readonly onGuest: (guest: Guest) => void;
  readonly onOffer: (tabId: string) => void;
  /** A tab is gone. `isDead`: its lock is free; otherwise it said so, or is frozen. */
  readonly onGone: (tabId: string, isDead: boolean) => void;
  /** A tab of a newer build wants to lead. */
  readonly onNewer: () => void;
}

interface Seat {
  readonly inbox: Channel;
  readonly lines: Readonly<Record<Line, BatchLink>>;
  readonly session: number;
  readonly unwatch: () => void;
  /** Looks since it was heard of. */
  silent: number;
}

/** A tab that wasn't heard of for so many times the patience with a leader is frozen: its leases must not be renewed for ever. */
const FROZEN = 3;

/** See the file's head. */
export class Hub {
  readonly #options: HubOptions;
  readonly #channel: Channel;
  readonly #seats = new Map<string, Seat>();
  #epoch = 0;
  #stopTicks: () => void = () => undefined;

  /** From here on those who ask whether anybody is there are answered, though there is nothing yet that they could be given. */
  constructor(options: HubOptions) {
    this.#options = options;
    const { platform, names } = options;
    this.#channel = platform.channel(
      names.leader,
      protocolOnly((message) => this.#hear(message)),
    );
  }

  /** Takes tabs in, and tells those that are there. */
  async open(epoch: number): Promise<void> {
    this.#epoch = epoch;
    this.#tickLater();
    const { platform, names, tabId } = this.#options;
    for (const other of (await livingTabs(platform.locks, names)).keys()) {
      if (other !== tabId) this.#postOnce(other, "lead");
    }
  }

  /** Lets a tab go. */
  drop(tabId: string): void {
    const seat = this.#seats.get(tabId);
    if (seat === undefined) return;
    this.#seats.delete(tabId);
    seat.unwatch();
    this.#post(seat.inbox, { kind: "gone" }, seat.session);
    seat.inbox.close();
  }

  /** Tells all tabs that it is over. */
  close(kind: "gone" | "erased"): void {
    this.#stopTicks();
    this.#channel.close();
    for (const { inbox, unwatch } of this.#seats.values()) {
      unwatch();
      this.#post(inbox, { kind });
      inbox.close();
    }
    this.#seats.clear();
  }

  #hear(message: TabMessage): void {
    const { tab, protocol, epoch, session, kind } = message;
    const { onNewer, onGone, protocol: own } = this.#options;
    if (protocol > own) {
      onNewer();
      return;
    }
    if (protocol < OLDEST_PROTOCOL) {
      this.#postOnce(tab, "outdated");
      return;
    }
    const seat = this.#seats.get(tab);
    const isTied = seat !== undefined && epoch === this.#epoch && session === seat.session;
    if (seat !== undefined) seat.silent = 0;
    if (kind === "hello") this.#welcome(tab, message.hello, protocol, session);
    else if (kind === "closing") {
      this.drop(tab);
      onGone(tab, false);
    } else if (isTied && kind === "line") seat.lines[message.line].hear(message.messages);
    else if (isTied) this.#post(seat.inbox, { kind: "ping" }, session);
    // It was taken for frozen, or speaks of another reign.
    else if (kind === "ping") this.#postOnce(tab, this.#epoch === 0 ? "ping" : "gone");
  }

  #welcome(tabId: string, hello: Hello, protocol: number, session: number): void {
    const { platform, names, onGuest, onOffer, onGone } = this.#options;
    const known = this.#seats.get(tabId);
    if (this.#epoch === 0) this.#postOnce(tabId, "ping");
    if (known?.session === session) this.#post(known.inbox, { kind: "welcome" }, session);
    if (this.#epoch === 0 || known?.session === session) return;
    if (known !== undefined) {
      this.drop(tabId);
      onGone(tabId, false);
    }
    const inbox = platform.channel(names.inbox(tabId));
    const line = (name: Line): BatchLink =>
      new BatchLink((messages) => this.#post(inbox, { kind: "line", line: name, messages }, session));
    const lines = { page: line("page"), pool: line("pool") };
    const caller: Pick<Peer, "call" | "tell"> = {
      call: (method, args) => peer.call(method, args),
      tell: (method, args) => peer.tell(method, args),
    };
    const pool = new RemoteExecutor(caller, { clock: platform.clock, onOffer: () => onOffer(tabId) });
    const peer = new Peer({ clock: platform.clock, handlers: pool.answers, name: `tab ${tabId}` });
    peer.attach(lines.pool);
    // It holds its lock for as long as it lives: who gets it next has outlived it.
    const unwatch = whenFree(platform.locks, names.tab(tabId, protocol), () => {
      this.drop(tabId);
      onGone(tabId, true);
    });
    this.#seats.set(tabId, { inbox, lines, session, unwatch, silent: 0 });
    const endPool = (loss: Loss): void => {
      pool.end(loss);
      peer.close(new StoppedError(`tab ${tabId}`));
    };
    onGuest({ tabId, hello, page: lines.page, pool, endPool });
    this.#post(inbox, { kind: "welcome" }, session);
  }

  #tickLater(): void {
    const { platform, patienceMs, onGone } = this.#options;
    this.#stopTicks = platform.clock.after(patienceMs, () => {
      for (const [tabId, seat] of [...this.#seats]) {
        seat.silent += 1;
        if (seat.silent <= FROZEN) continue;
        this.drop(tabId);
        onGone(tabId, false);
      }
      this.#tickLater();
    });
  }

  #post(inbox: Channel, message: object, session = 0): void {
    const { tabId, protocol } = this.#options;
    inbox.post({ protocol, tab: tabId, epoch: this.#epoch, session, ...message });
  }

  /** To a tab that has no seat. */
  #postOnce(tabId: string, kind: TabMessage["kind"]): void {
    const { platform, names } = this.#options;
    const inbox = this.#seats.get(tabId)?.inbox ?? platform.channel(names.inbox(tabId));
    this.#post(inbox, { kind });
    if (!this.#seats.has(tabId)) inbox.close();
  }
}
