/** For those who test stores, hosts and workflows. Loads no test runner. */
export {
  type ConformanceCase,
  ConformanceError,
  type ConformanceOptions,
  type StoreHarness,
  storeConformance,
} from "./conformance/index.ts";
export { nextTurn, type VirtualClock, virtualClock } from "./clock.ts";
export {
  type CrashingStoreOptions,
  crashingStore,
  InterruptedError,
  type StoreCall,
  type StoreFault,
  WriteFaults,
} from "./crashing-store.ts";
export { Coverage, type Fault, PAIRS, type Pair } from "./simulation/faults.ts";
export type { Violation } from "./simulation/invariants/report.ts";
export { Random } from "./simulation/random.ts";
export { Lane, type LaneOptions, type Opened, Scheduler } from "./simulation/scheduler.ts";
export { type SeedReport, simulateSeed } from "./simulation/simulate.ts";
export { Trace } from "./simulation/trace.ts";
export type { StoreFactory, WorldOptions } from "./simulation/world.ts";
