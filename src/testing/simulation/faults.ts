/** What may befall what: the pairs that the simulator must bring about, and when it does. */
import type { StoreFault } from "../crashing-store.ts";
import type { Random } from "./random.ts";

/** A fault's name. */
export type Fault =
  | StoreFault["kind"]
  /** The process stands still for longer than its leases. */
  | "pause-before"
  | "pause-after"
  /** Only this call takes long: on its way to the store, or back. */
  | "delay"
  | "late"
  /** Of bodies, checks and deliveries. */
  | "crash"
  | "pause"
  | "cancel"
  | "rerun"
  | "hang"
  | "throw"
  /** A live worker is reported dead. */
  | "false-death";

/** A fault in a phase. */
export interface Pair {
  readonly phase: string;
  readonly fault: Fault;
}

const COMMIT: readonly Fault[] = [
  "crash-before",
  "crash-during",
  "crash-after",
  "torn",
  "down",
  "full",
  "lost-before",
  "lost-after",
  "pause-before",
  "pause-after",
  "delay",
  "late",
];
const LOAD: readonly Fault[] = ["crash-before", "down", "pause-after", "delay", "late"];

const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  "commit run.create": COMMIT,
  "commit run.create, leased": COMMIT,
  "commit run.claimPending": COMMIT,
  "commit job.execute, start": COMMIT,
  "commit job.execute, finish": COMMIT,
  "commit job.execute, advance": COMMIT,
  "commit job.execute, retry": COMMIT,
  "commit job.execute, suspend": COMMIT,
  "commit run.transition": COMMIT,
  "commit run.cancel": COMMIT,
  "commit run.rerunFrom": COMMIT,
  "commit run.fork": COMMIT,
  "commit run.signal": COMMIT,
  "commit run.reapStuck": COMMIT,
  "commit run.purge": COMMIT,
  "commit check, requeue": COMMIT,
  "commit check, settle": COMMIT,
  "commit lease.reapStale, free": COMMIT,
  "commit lease.reapStale, quarantine": COMMIT,
  "commit outbox.flush, hold": COMMIT,
  "commit outbox.flush, move": COMMIT,
  "commit plugin.replayDLQ": COMMIT,
  "load run": LOAD,
  "load pending": LOAD,
  "load stale": LOAD,
  "load stuck": LOAD,
  "load outbox": LOAD,
  "load letters": LOAD,
  "load purgeable": LOAD,
  "load entry": LOAD,
  "claim jobs": [
    "crash-before",
    "crash-during",
    "crash-after",
    "torn",
    "down",
    "lost-after",
    "pause-after",
    "delay",
    "late",
  ],
  "claim checks": ["crash-before", "crash-after", "torn", "down", "lost-after", "pause-after", "late"],
  "claim by hand": ["crash-after", "down", "lost-after", "pause-after", "late"],
  heartbeat: [
    "crash-before",
    "crash-after",
    "down",
    "lost-after",
    "pause-before",
    "pause-after",
    "delay",
    "late",
  ],
  release: ["crash-before", "crash-after", "down", "lost-after", "late"],
  holders: ["crash-before", "down", "late", "false-death"],
  register: ["crash-before", "crash-after", "down", "lost-after", "late"],
  "blob.put": ["crash-before", "crash-after", "full", "down", "lost-after", "late"],
  "blob.get": ["crash-before", "down", "late"],
  appendLogs: ["crash-before", "crash-after", "full", "down", "lost-after", "late"],
  body: ["crash", "pause", "cancel", "rerun"],
  check: ["crash", "pause", "cancel", "rerun", "throw", "hang"],
  deliver: ["crash", "pause", "throw", "hang"],
};

/** Every pair that makes sense. A load can't be torn, a claim needs no room, and so on. */
export const PAIRS: readonly Pair[] = Object.entries(FAULTS).flatMap(([phase, faults]) =>
  faults.map((fault) => ({ phase, fault })),
);

/** Phases that a seed seldom comes to: their pairs are planned so many times as often, and struck whenever they are met. */
const RARE: Readonly<Record<string, number>> = {
  "commit run.create, leased": 2,
  "commit run.transition": 4,
  "commit run.reapStuck": 3,
  "commit run.fork": 2,
  "commit run.purge": 2,
  "commit run.rerunFrom": 2,
  "commit check, requeue": 3,
  "commit check, settle": 4,
  "commit lease.reapStale, quarantine": 2,
  "commit plugin.replayDLQ": 2,
  "commit job.execute, retry": 2,
  appendLogs: 2,
  "blob.get": 2,
  check: 2,
};

const PLANNED: readonly Pair[] = PAIRS.flatMap((pair) =>
  Array.from({ length: RARE[pair.phase] ?? 1 }, () => pair),
);

/**
 * What one seed is to bring about: a share of all pairs, another for each seed, so that rare ones come up as often as common ones.
 *
 * @param seed neighbouring seeds take neighbouring shares
 */
export function shareOf(seed: number, share: number): readonly Pair[] {
  const { length } = PLANNED;
  const first = (seed * share) % length;
  // Strides by a number that shares no factor with the length, so that one seed's pairs are of many phases.
  return Array.from(
    { length: Math.min(share, length) },
    (_, index) => PLANNED[((first + index) * STRIDE) % length] as Pair,
  );
}

/** When what is planned comes about. */
export class FaultPlan {
  readonly #pending = new Map<string, Fault[]>();
  readonly #random: Random;
  readonly #likelihood: number;

  /** @param pairs what is planned; the same pair may be planned several times */
  constructor(pairs: readonly Pair[], random: Random, likelihood = 0.4) {
    this.#random = random;
    this.#likelihood = likelihood;
    for (const { phase, fault } of pairs) this.again([phase], fault);
  }

  /** What befalls one of these phases now, if anything. */
  strike(phases: readonly string[]): Fault | null {
    for (const phase of phases) {
      const pending = this.#pending.get(phase);
      if (pending === undefined || pending.length === 0) continue;
      if (!(phase in RARE) && !this.#random.chance(this.#likelihood)) continue;
      const [fault] = pending.splice(this.#random.below(pending.length), 1);
      return fault ?? null;
    }
    return null;
  }

  /** It came to nothing: it is still to be brought about. */
  again(phases: readonly string[], fault: Fault): void {
    for (const phase of phases) {
      if (FAULTS[phase]?.includes(fault))
        this.#pending.set(phase, [...(this.#pending.get(phase) ?? []), fault]);
    }
  }

  /** Nothing more befalls anything. */
  clear(): void {
    this.#pending.clear();
  }
}

const STRIDE = strideOf(PLANNED.length);

function strideOf(length: number): number {
  const shares = (one: number, other: number): boolean =>
    other === 0 ? one > 1 : shares(other, one % other);
  let stride = Math.floor(length * 0.618);
  while (shares(stride, length)) stride += 1;
  return stride;
}

/** How often each fault met each phase. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  /** Counts one meeting, or takes one back. */
  met(phase: string, fault: Fault, by = 1): void {
    const name = `${phase}|${fault}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  count({ phase, fault }: Pair): number {
    return this.#counts.get(`${phase}|${fault}`) ?? 0;
  }

  /** Adds what another seed met. */
  merge(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) {
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    }
  }

  /** As plain data. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** The pairs that were met less often than that. */
  unmet(least: number): readonly Pair[] {
    return PAIRS.filter((pair) => this.count(pair) < least);
  }

  /** A line for each phase. */
  table(): string {
    const width = Math.max(...Object.keys(FAULTS).map((phase) => phase.length));
    return Object.entries(FAULTS)
      .map(([phase, faults]) => {
        const cells = faults.map((fault) => `${fault} ${this.count({ phase, fault })}`);
        return `${phase.padEnd(width)}  ${cells.join(", ")}`;
      })
      .join("\n");
  }
}
