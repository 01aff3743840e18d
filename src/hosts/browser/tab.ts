/** One tab among those of a database, as its kernel worker lives it: it leads or follows, and its page needn't know which. */
import { OutdatedError, StoppedError } from "../../errors.ts";
import { sleep } from "../../ports/clock.ts";
import type { Link } from "../remote/peer.ts";
import { type Hello, PROTOCOL } from "./channels.ts";
import { Election } from "./election.ts";
import { Follower, LOOKS, type TabPool } from "./follower.ts";
import { Leader, type Opened } from "./leader.ts";
import { livingTabs, type Names, namesOf, type Platform } from "./platform.ts";
import { Relay } from "./relay.ts";
import type { Marks } from "./survivors.ts";

/** How a tab stands among the others. `connecting`: nobody leads that it knows of. */
export type Role = "connecting" | "leader" | "follower" | "stopped";

/** What a tab tells its page of itself. */
export interface TabState {
  readonly role: Role;
  /** Of whoever leads; 0 while nobody does. */
  readonly epoch: number;
  /** Why it can't lead, or is stopped; null where all is well. */
  readonly error: Error | null;
}

/** What {@link Tab} is made of. */
export interface TabOptions {
  readonly platform: Platform;
  /** As `scopeOf` gives it. */
  readonly database: string;
  readonly tabId: string;
  /** Of the tabs; another than this build's only in tests. */
  readonly protocol?: number;
  readonly hello: Hello;
  readonly pool: TabPool;
  /** The way to its page. */
  readonly page: Link;
  readonly marks: Marks;
  /** Without a sign of life for so long a leader is replaced, in milliseconds. */
  readonly patienceMs: number;
  readonly open: (tab: { readonly tabId: string }) => Promise<Opened>;
  readonly onState: (state: TabState) => void;
  readonly onError: (error: unknown, during: string) => void;
}

/** How long a tab doesn't stand again after a reign that ended, in milliseconds; after failures twice as long each time, up to the last. */
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** See the file's head. */
export class Tab {
  readonly #options: TabOptions;
  readonly #protocol: number;
  readonly #relay: Relay;
  readonly #follower: Follower;
  readonly #election: Election;
  readonly #names: Names;
  #leader: Leader | null = null;
  #failures = 0;
  #state: TabState = { role: "connecting", epoch: 0, error: null };
  #releaseTab: () => void = () => undefined;
  #running: Promise<void> | null = null;
  #isStopped = false;
  #onSettled: () => void = () => undefined;

  constructor(options: TabOptions) {
    this.#options = options;
    const { platform, database, page, protocol = PROTOCOL } = options;
    this.#protocol = protocol;
    const names = namesOf(database);
    this.#names = names;
    this.#relay = new Relay(page);
    this.#follower = new Follower({
      ...options,
      protocol,
      names,
      relay: this.#relay,
      onSilence: () =>
        void this.#steal().catch((error: unknown) => options.onError(error, "replacing a silent leader")),
      onLeader: (epoch) =>
        this.#tell(
          epoch === null ? { role: "connecting", epoch: 0 } : { role: "follower", epoch, error: null },
        ),
      onOutdated: () => this.#halt(new OutdatedError("another tab leads with a newer one")),
      onErased: () => this.#halt(erased()),
    });
    this.#election = new Election({
      locks: platform.locks,
      clock: platform.clock,
      name: names.leader,
      lead: (stolen) => this.#lead(stolen),
    });
  }

  /** Takes part. Resolves when it is known to the others, which may be before anybody leads. */
  async start(): Promise<void> {
    const { platform, tabId } = this.#options;
    const { locks } = platform;
    await new Promise<void>((resolve, reject) => {
      const hold = (): Promise<void> => {
        resolve();
        return new Promise((release) => (this.#releaseTab = release));
      };
      locks.request(this.#names.tab(tabId, this.#protocol), {}, hold).catch(reject);
    });
    if (this.#isStopped) return this.#releaseTab();
    this.#follower.resume();
    this.#running = this.#election.run();
  }

  /** Its pool offers something else. */
  offer(): void {
    this.#follower.offer();
    this.#leader?.offer();
  }

  /** Its page is closing: what it executes is given back while there is time. */
  closing(): void {
    this.#follower.closing();
    this.#leader?.stop();
  }

  /** Takes part no more; steps down if it leads. */
  async stop(): Promise<void> {
    if (!this.#isStopped) this.#halt(null);
    await this.#running;
    this.#releaseTab();
  }

  #halt(error: Error | null): void {
    this.#isStopped = true;
    this.#election.stop();
    this.#leader?.stop();
    this.#follower.closing();
    this.#follower.close();
    if (error !== null) this.#relay.fail(error);
    this.#tell({ role: "stopped", epoch: 0, error });
  }

  async #lead(stolen: AbortSignal): Promise<number> {
    const { platform, tabId, onError } = this.#options;
    try {
      const living = await livingTabs(platform.locks, this.#names);
      // Queued before the newer build came: it is its turn first.
      if (Math.max(...living.values()) > this.#protocol) return PAUSE_MS;
      this.#follower.pause();
      this.#leader = new Leader({
        ...this.#options,
        protocol: this.#protocol,
        names: this.#names,
        relay: this.#relay,
        open: () => this.#options.open({ tabId }),
        onLead: (epoch) => {
          this.#failures = 0;
          this.#tell({ role: "leader", epoch, error: null });
        },
      });
      const reason = await this.#leader.reign(stolen);
      if (reason === "erased") this.#halt(erased());
      return PAUSE_MS;
    } catch (error) {
      onError(error, "leading");
      const failure = error instanceof Error ? error : new Error(String(error));
      // Those who wait are told why, rather than that nobody answers.
      this.#relay.fail(failure);
      this.#tell({ role: "connecting", epoch: 0, error: failure });
      this.#failures += 1;
      return Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** this.#failures);
    } finally {
      this.#leader = null;
      if (!this.#isStopped) {
        if (this.#state.role === "leader") this.#tell({ role: "connecting", epoch: 0 });
        this.#follower.resume();
      }
    }
  }

  /** One tab at a time, and until it is known who leads: tabs that steal from each other would never come to an end. */
  async #steal(): Promise<void> {
    const { platform, patienceMs } = this.#options;
    const { locks, clock } = platform;
    await locks.request(this.#names.steal, { ifAvailable: true }, async (lock) => {
      if (lock === null) return;
      const settled = new AbortController();
      this.#onSettled = () => settled.abort();
      this.#election.steal();
      await sleep(clock, patienceMs, settled.signal);
      // Those who were about to do the same have heard of it by then.
      await sleep(clock, patienceMs / LOOKS);
    });
  }

  #tell(change: Partial<TabState>): void {
    const state = { ...this.#state, ...change };
    this.#state = state;
    if (state.role === "leader" || state.role === "follower") this.#onSettled();
    this.#options.onState(state);
  }
}

function erased(): StoppedError {
  return new StoppedError("this engine, whose database was deleted,");
}
