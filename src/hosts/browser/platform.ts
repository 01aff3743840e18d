/** What the tabs of one database need of the browser, as little as it takes, so that tests can have it in any process. */
import type { Clock } from "../../ports/clock.ts";
import type { Locks } from "./pool/locks.ts";

/** The part of the platform's LockManager that tabs need: they also steal a lock, ask for one that is free, and look who holds which. */
export interface TabLocks extends Locks {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean; readonly ifAvailable?: boolean },
    held: (lock: unknown) => unknown,
  ): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

/** A BroadcastChannel, as much of it as is needed. */
export interface Channel {
  post(message: unknown): void;
  close(): void;
}

/** The platform that a tab's kernel worker runs on. */
export interface Platform {
  readonly locks: TabLocks;
  readonly clock: Clock;
  /** Opens a channel. @param hear told what others post to it */
  channel(name: string, hear?: (data: unknown) => void): Channel;
}

/** The names of one database's locks, channels and marks. */
export interface Names {
  /** Lock and channel of whoever leads. */
  readonly leader: string;
  /** Held while a frozen leader is being replaced. */
  readonly steal: string;
  /** A tab's own lock, held for as long as its kernel worker lives; it says which protocol the tab speaks. */
  tab(tabId: string, protocol: number): string;
  /** The tab whose own lock this is, or null. */
  tabOf(lock: string): { readonly tabId: string; readonly protocol: number } | null;
  /** The channel on which a tab hears. */
  inbox(tabId: string): string;
  /** Under which a page leaves a note that it is closing. */
  mark(tabId: string): string;
}

/**
 * A database's name as it stands in the names of locks and channels: without the character that separates their parts. One in memory is a tab's
 * own, whatever it is called.
 */
export function scopeOf(database: string, storage = "", tabId = ""): string {
  return encodeURIComponent(storage === "memory" ? `${database}/${tabId}` : database);
}

/** @param database as {@link scopeOf} gives it */
export function namesOf(database: string): Names {
  const prefix = `sluice:${database}:`;
  return {
    leader: `${prefix}leader`,
    steal: `${prefix}steal`,
    tab: (tabId, protocol) => `${prefix}tab:${tabId}@${protocol}`,
    tabOf: (lock) => {
      const [tabId, protocol] = lock.startsWith(`${prefix}tab:`)
        ? lock.slice(prefix.length + 4).split("@")
        : [];
      return tabId === undefined || protocol === undefined ? null : { tabId, protocol: Number(protocol) };
    },
    inbox: (tabId) => `${prefix}to:${tabId}`,
    mark: (tabId) => `${prefix}closing:${tabId}`,
  };
}

/** The tabs that live now: those that hold their own lock. */
export async function livingTabs(locks: TabLocks, names: Names): Promise<ReadonlyMap<string, number>> {
  const { held = [] } = await locks.query();
  const tabs = held.map(({ name = "" }) => names.tabOf(name)).filter((tab) => tab !== null);
  return new Map(tabs.map(({ tabId, protocol }) => [tabId, protocol]));
}
