/** The simulator is worth what it finds: each of these stores has one guard switched off, or tells one lie, and must be found out. */
import { memoryStore } from "sluice/memory";
import { crashingStore, simulateSeed, type StoreFactory } from "sluice/testing";
import { describe, expect, it } from "vitest";

type Store = ReturnType<StoreFactory>;
type Entry = Parameters<Store["commit"]>[0][number];
type Claim = Store["jobs"]["claim"];

/** A memory store as a plain object, to be changed. */
function plain(options: Parameters<StoreFactory>[0]): Store {
  return crashingStore(memoryStore(options), { before: () => null, crash: () => undefined });
}

/** A store that changes entries before it commits them. */
function changing(change: (entry: Entry) => Entry): StoreFactory {
  return (options) => {
    const store = plain(options);
    return { ...store, commit: (entries, epoch) => store.commit(entries.map(change), epoch) };
  };
}

/** A store that doesn't look at one guard. */
function without(guard: keyof Entry["guards"]): StoreFactory {
  return changing((entry) => {
    const { [guard]: _, ...guards } = entry.guards;
    return { ...entry, guards };
  });
}

/** A store that lets two workers have one job: every third claim answers what the one before it leased. */
const leasesTwice: StoreFactory = (options) => {
  const store = plain(options);
  let last: Awaited<ReturnType<Claim>> | null = null;
  let claims = 0;
  const claim: Claim = async (request) => {
    claims += 1;
    if (last !== null && claims % 3 === 0) return last;
    const answer = await store.jobs.claim(request);
    if (answer.claimed.length > 0) last = answer;
    return answer;
  };
  return { ...store, jobs: { ...store.jobs, claim } };
};

/** A store that says it committed every fiftieth time, and didn't. */
const forgets: StoreFactory = (options) => {
  const store = plain(options);
  let commits = 0;
  return {
    ...store,
    commit: async (entries, epoch) => {
      commits += 1;
      if (commits % 50 > 0) return store.commit(entries, epoch);
      const at = options.clock.now();
      return entries.map(() => ({
        status: "committed",
        at,
        version: 1,
        sequence: 1,
        remaining: 0,
        active: 0,
      }));
    },
  };
};

/** A store that looks a key up and doesn't guard it: the second command with it overwrites the first one's record. */
const overwritesKeys: StoreFactory = (options) => {
  const store = plain(options);
  return {
    ...store,
    commit: async (entries, epoch) => {
      const verdicts = await store.commit(entries, epoch);
      const again = entries.map((entry, index) => {
        const verdict = verdicts[index];
        if (verdict?.status !== "duplicate" || entry.key === undefined) return null;
        return { ...entry, key: { ...entry.key, expect: verdict.record.entry } };
      });
      const repeated = await store.commit(
        again.filter((entry) => entry !== null),
        epoch,
      );
      let next = 0;
      return verdicts.map((verdict, index) =>
        again[index] === null ? verdict : (repeated[next++] ?? verdict),
      );
    },
  };
};

/** A store that keeps the rows of a transaction and loses its last event. */
const losesEvents = changing((entry) =>
  entry.events.length > 2 ? { ...entry, events: entry.events.slice(0, -1) } : entry,
);

/** A store that purges runs whose events nobody has been given yet. */
const purgesEarly: StoreFactory = (options) => {
  const store = plain(options);
  const load: Store["load"] = async (scope) => {
    const loaded = await store.load(scope);
    if (scope.of !== "purgeable") return loaded;
    const { rows } = await store.runs({ status: ["COMPLETED", "FAILED", "CANCELLED"] });
    const runs = rows.map((run) => ({
      run: { ...run, delivered: true },
      graph: null,
      body: null,
      jobs: [],
      stages: [],
      signals: [],
      journal: [],
      letters: [],
      keys: [],
    }));
    return { ...loaded, runs };
  };
  return { ...store, load };
};

// Not in the list: a store that ignores runs' epochs. Tokens grow over the epochs, so that nothing gets past them that the epoch would stop.
const BUGS: Readonly<Record<string, StoreFactory>> = {
  "ignores jobs' tokens": without("jobs"),
  "ignores runs' versions": without("version"),
  "ignores counters": without("remaining"),
  "ignores cursors' tokens": without("cursors"),
  "ignores the list of subscribers": without("registry"),
  "overwrites idempotency records": overwritesKeys,
  "leases one job twice": leasesTwice,
  "acknowledges what it didn't commit": forgets,
  "loses events": losesEvents,
  "purges what is not delivered": purgesEarly,
};

/** Within so many seeds. */
const SEEDS = 60;

describe("the simulator finds a store that", () => {
  for (const [bug, store] of Object.entries(BUGS)) {
    it(bug, { timeout: 60_000 }, async () => {
      let found: string | null = null;
      for (let seed = 0; seed < SEEDS && found === null; seed += 1) {
        found = (await simulateSeed({ seed, store })).violations[0]?.rule ?? null;
      }
      expect(found).not.toBeNull();
    });
  }

  it("does nothing wrong, and finds nothing", { timeout: 60_000 }, async () => {
    for (let seed = 0; seed < 3; seed += 1) {
      expect((await simulateSeed({ seed, store: plain })).violations).toEqual([]);
    }
  });
});
