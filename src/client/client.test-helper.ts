/** Engines on a clock that only moves when told. */
import { memoryStore } from "../../adapters/memory/index.ts";
import type { Store } from "../ports/store.ts";
import { type VirtualClock, virtualClock } from "../testing/clock.ts";
import { createEngine, type EngineOptions, type LocalEngine } from "./engine.ts";

/** An engine with its clock and store. */
export interface EngineRig {
  readonly engine: LocalEngine;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly errors: unknown[];
}

/** Makes an engine; maintenance is far off, so that nothing but wake-ups moves what a test looks at. */
export async function engineRig(
  options: Omit<EngineOptions, "store" | "clock"> & { readonly store?: Store; readonly clock?: VirtualClock },
): Promise<EngineRig> {
  const clock = options.clock ?? virtualClock();
  const store = options.store ?? memoryStore({ clock });
  const errors: unknown[] = [];
  const engine = createEngine({
    maintenanceMs: 1_000_000,
    onError: (error) => errors.push(error),
    ...options,
    store,
    clock,
  });
  await clock.settle();
  return { engine, clock, store, errors };
}
