/** A store under observation: what it was asked and given, hooks to fail it by, and everything that it hands out frozen. */
import { expect } from "vitest";
import type { Entry, Loaded, Scope, Store, Verdict } from "../ports/store.ts";

/** What a test sees of a store, and how it interferes. */
export interface Watch {
  readonly store: Store;
  /** Every call of `commit`, with its entries. */
  readonly commits: (readonly Entry[])[];
  /** Every scope that was loaded. */
  readonly scopes: Scope[];
  /** Stands in for the next commits until it is taken away; `commit` does what it would have done. */
  onCommit:
    | ((entries: readonly Entry[], commit: () => Promise<readonly Verdict[]>) => Promise<readonly Verdict[]>)
    | null;
  /** Called after a load and before its answer reaches the kernel: where another writer slips in between. */
  afterLoad: ((scope: Scope, loaded: Loaded) => void | Promise<void>) | null;
  /** Whether its heartbeats get through; a worker whose don't is as good as dead. */
  beats: boolean;
}

/**
 * Wraps a store. Rows are handed out frozen, so that a decision that changes what it was given throws.
 */
export function watchStore(inner: Store): Watch {
  const commits: (readonly Entry[])[] = [];
  const scopes: Scope[] = [];
  const store: Store = Object.assign(Object.create(inner) as Store, {
    load: async (scope: Scope) => {
      scopes.push(scope);
      const loaded = deepFreeze(await inner.load(scope));
      await watch.afterLoad?.(scope, loaded);
      return loaded;
    },
    commit: async (entries: readonly Entry[], epoch?: number) => {
      commits.push(deepFreeze(entries));
      const commit = async () => deepFreeze(await inner.commit(entries, epoch));
      return watch.onCommit === null ? commit() : watch.onCommit(entries, commit);
    },
    jobs: {
      claim: async (request) => deepFreeze(await inner.jobs.claim(request)),
      heartbeat: async (request) => (watch.beats ? inner.jobs.heartbeat(request) : { lost: [] }),
      release: (request) => inner.jobs.release(request),
      holders: () => inner.jobs.holders(),
    },
  } satisfies Partial<Store>);
  for (const name of PASSED) Object.assign(store, { [name]: (inner[name] as () => unknown).bind(inner) });
  const watch: Watch = { store, commits, scopes, onCommit: null, afterLoad: null, beats: true };
  return watch;
}

const PASSED = [
  "appendLogs",
  "register",
  "unregister",
  "run",
  "runByKey",
  "runs",
  "events",
  "logs",
  "past",
  "letters",
  "changes",
  "subscribe",
  "announce",
  "storage",
  "close",
] as const satisfies readonly (keyof Store)[];

/** Freezes plain data all the way down; Blobs, Maps and typed arrays stay as they are. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/** The entries of all commits, in their order. */
export function entriesOf({ commits }: Watch): readonly Entry[] {
  return commits.flat();
}

/** The commands whose entries were committed, in their order. */
export function commandsOf(watch: Watch): readonly string[] {
  return entriesOf(watch).map(({ command }) => command);
}

/** All rows of all runs: what must be the same after a command that changed nothing. */
export async function snapshot(store: Store): Promise<unknown> {
  const { rows } = await store.runs({ limit: 10_000 });
  return Promise.all(
    rows.map(async ({ id }) => ({
      found: await store.run(id),
      events: await store.events({ run: id }),
      past: await store.past(id),
      blobs: await store.blobs.list(id),
    })),
  );
}

/** Asserts that something is refused with an error of this code, and that no row differs afterwards. */
export async function expectRefused(store: Store, code: string, act: () => Promise<unknown>): Promise<Error> {
  const before = await snapshot(store);
  const error: unknown = await act().then(
    (value) => expect.fail(`expected ${code}, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  expect(await snapshot(store)).toEqual(before);
  return error as Error;
}
