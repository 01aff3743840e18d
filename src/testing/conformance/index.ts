/**
 * The suite that every store must pass. It is data: register its cases with any test runner.
 *
 * @example
 * for (const { name, run } of storeConformance({ create: async () => ({ store: memoryStore({ clock }), advance }) })) it(name, run);
 */
import type { CaseBody, ConformanceCase, ConformanceOptions, StoreHarness } from "./case.ts";
import { claimCases } from "./claims.ts";
import { commitCases } from "./commits.ts";
import { crashCases } from "./crash.ts";
import { durabilityCases } from "./durability.ts";
import { changeCases, feedCases } from "./feed.ts";
import { guardCases } from "./guards.ts";
import { isolationCases } from "./isolation.ts";
import { keyCases } from "./keys.ts";
import { leaseCases } from "./leases.ts";
import { outboxCases } from "./outbox.ts";
import { blobCases, payloadCases } from "./payloads.ts";
import { purgeCases } from "./purge.ts";
import { queryCases } from "./queries.ts";
import { scopeCases } from "./scopes.ts";

export { ConformanceError } from "./assert.ts";
export type { ConformanceCase, ConformanceOptions, StoreHarness } from "./case.ts";

const all: readonly CaseBody[] = [
  ...commitCases,
  ...guardCases,
  ...keyCases,
  ...claimCases,
  ...leaseCases,
  ...scopeCases,
  ...purgeCases,
  ...outboxCases,
  ...payloadCases,
  ...blobCases,
  ...isolationCases,
  ...queryCases,
  ...feedCases,
  ...changeCases,
  ...durabilityCases,
  ...crashCases,
];

/**
 * The cases for one store. Each makes a store of its own, and gives it back.
 *
 * Cases that need what the harness can't offer (opening again, dying in the middle) reject with a `ConformanceError` that says so, unless
 * `without` names them: a suite that leaves cases out by itself proves less than it seems to.
 */
export function storeConformance(options: ConformanceOptions): readonly ConformanceCase[] {
  const without = new Set<CaseBody["needs"]>(options.without ?? []);
  return all
    .filter(({ needs }) => needs === undefined || !without.has(needs))
    .map(({ name, record, body }) => ({
      name,
      async run() {
        const harness: StoreHarness = await options.create(record === undefined ? {} : { record });
        try {
          await body(harness);
        } finally {
          await harness.destroy?.();
        }
      },
    }));
}
