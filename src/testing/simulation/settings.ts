/** How a simulated world is set up: the engine's bounds, and for how long what happens to it. */
import type { KernelPolicy } from "../../kernel/decision.ts";
import { type Pair, shareOf } from "./faults.ts";
import type { Random } from "./random.ts";

/** The numbers of one world. Durations are milliseconds of virtual time. */
export interface Settings {
  readonly policy: KernelPolicy;
  readonly maintenanceMs: number;
  readonly workers: number;
  /** How long clients send commands and faults befall the engine. */
  readonly stormMs: number;
  /** Within which, after that, every run must have ended and every event been delivered. */
  readonly calmMs: number;
  /** Commands that clients send. */
  readonly commands: number;
  /** Pairs of phase and fault that are to be brought about; one that stands there twice, twice. */
  readonly faults: readonly Pair[];
}

/** Settings by the seed. */
export function settingsOf(seed: number, random: Random): Settings {
  return {
    policy: {
      leaseMs: 6000,
      maxDeliveries: 3,
      deliveryBackoffMs: random.pick([50, 500]),
      deliveryTimeoutMs: 1500,
      holdMs: 5000,
      keyRetentionMs: random.pick([3000, 3_600_000]),
      pollMs: 500,
    },
    maintenanceMs: random.pick([700, 2000]),
    workers: random.between(1, 3),
    stormMs: 45_000,
    calmMs: 900_000,
    commands: 90,
    faults: shareOf(seed, 90),
  };
}
