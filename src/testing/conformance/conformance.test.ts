/** The suite against stores with one fault each: what it can't tell from a sound store, it doesn't prove. */
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../../adapters/memory/index.ts";
import type { Entry, Store } from "../../ports/store.ts";
import { ConformanceError, storeConformance } from "./index.ts";

/** A store that does some things otherwise. */
function faulty(store: Store, faults: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(faults, name) ? faults : target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The names of the cases that a store fails, which must fail by what they check and not by accident. */
async function failures(breaks: (store: Store) => Partial<Store>): Promise<string[]> {
  const failed: string[] = [];
  const cases = storeConformance({
    without: ["reopen", "crash"],
    async create(options) {
      let now = 1000;
      const store = memoryStore({ clock: { now: () => now }, ...options });
      return {
        store: faulty(store, breaks(store)),
        async advance(ms) {
          now += ms;
          await Promise.resolve();
        },
      };
    },
  });
  for (const { name, run } of cases) {
    try {
      await run();
    } catch (error) {
      if (error instanceof ConformanceError) failed.push(name);
      else throw error;
    }
  }
  return failed;
}

/** A store that commits something else than it was given. */
function rewriting(rewrite: (entry: Entry) => Entry): (store: Store) => Partial<Store> {
  return (store) => ({ commit: (entries, epoch) => store.commit(entries.map(rewrite), epoch) });
}

describe("the conformance suite", () => {
  it("passes a sound store", async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  it.each<[string, string, (store: Store) => Partial<Store>]>([
    [
      "forgets the run's version",
      "two entries that saw the same version",
      rewriting((entry) => {
        const { version: _, ...guards } = entry.guards;
        return { ...entry, guards };
      }),
    ],
    [
      "forgets the fencing token",
      "a lease that was lost keeps its worker from writing",
      rewriting((entry) => {
        const { jobs: _, ...guards } = entry.guards;
        return { ...entry, guards };
      }),
    ],
    [
      "overwrites keys",
      "raced for by many is one's alone",
      rewriting(({ key, ...entry }) =>
        key === undefined ? entry : { ...entry, keepKeys: [{ ...key.put, createdAt: 0, expiresAt: null }] },
      ),
    ],
    [
      "commits entries one by one and stops at the first that falls",
      "its neighbours are committed",
      (store) => ({
        async commit(entries, epoch) {
          const verdicts = [];
          for (const entry of entries) {
            const [verdict] = await store.commit([entry], epoch);
            if (verdict !== undefined) verdicts.push(verdict);
            if (verdict?.status !== "committed") break;
          }
          return verdicts;
        },
      }),
    ],
    [
      "gives a job to two workers",
      "gives each job once",
      (store) => ({
        jobs: {
          ...store.jobs,
          async claim(request) {
            const answer = await store.jobs.claim(request);
            return { ...answer, claimed: [...answer.claimed, ...answer.claimed] };
          },
        },
      }),
    ],
    [
      "forgets who was lost to a heartbeat",
      "is renewed by a heartbeat",
      (store) => ({
        jobs: {
          ...store.jobs,
          async heartbeat(request) {
            await store.jobs.heartbeat(request);
            return { lost: [] };
          },
        },
      }),
    ],
    [
      "hands out the same rows again",
      "isolation: what was read may be changed",
      (store) => {
        const seen = new Map<string, ReturnType<Store["run"]>>();
        return {
          run(runId) {
            const found = seen.get(runId) ?? store.run(runId);
            seen.set(runId, found);
            return found;
          },
          async commit(entries, epoch) {
            seen.clear();
            return store.commit(entries, epoch);
          },
        };
      },
    ],
    [
      "gives events that a subscriber has had already",
      "goes by each subscriber's own cursor",
      rewriting((entry) => {
        const { cursors: _, ...rest } = entry;
        return rest;
      }),
    ],
    [
      "shifts its pages when runs are created",
      "in pages that new runs don't shift",
      (store) => ({
        async runs({ limit = 100, cursor, ...filter }) {
          const from = Number(cursor ?? 0);
          const { rows } = await store.runs({ ...filter, limit: 1000 });
          const next = from + limit < rows.length ? String(from + limit) : null;
          return { rows: rows.slice(from, from + limit), next };
        },
      }),
    ],
    [
      "finds forks by the keys of runs",
      "doesn't find forks",
      rewriting((entry) =>
        entry.create === undefined ? entry : { ...entry, create: { ...entry.create, forkedFrom: null } },
      ),
    ],
    [
      "wakes a suspended job before its time",
      "a suspended one no earlier than it is due",
      rewriting((entry) => ({
        ...entry,
        ...(entry.jobs === undefined
          ? {}
          : { jobs: entry.jobs.map((job) => ({ ...job, suspended: false })) }),
      })),
    ],
    [
      "touches all jobs of a run with each",
      "costs the same in a wide group",
      (store) => ({
        async commit(entries, epoch) {
          const all = await Promise.all(
            entries.map(async (entry) => {
              const jobs = (await store.run(entry.runId))?.jobs ?? [];
              const given = new Set(
                [
                  ...(entry.jobs ?? []),
                  ...jobs.filter(({ stageId }) => entry.dropJobs?.includes(stageId)),
                ].map(({ stageId }) => stageId),
              );
              return {
                ...entry,
                jobs: [...(entry.jobs ?? []), ...jobs.filter(({ stageId }) => !given.has(stageId))],
              };
            }),
          );
          return store.commit(all, epoch);
        },
      }),
    ],
  ])("notices a store that %s", async (_, named, breaks) => {
    expect((await failures(breaks)).some((name) => name.includes(named))).toBe(true);
  });
});
