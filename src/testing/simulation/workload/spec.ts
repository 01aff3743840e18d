/** Workflows of random shape, as data: what each stage's body does is decided here, by the seed alone. */
import type { RetryOptions } from "../../../define/index.ts";
import type { Random } from "../random.ts";

/** What a body does. Durations are milliseconds of virtual time. */
export type Behaviour =
  | {
      readonly kind:
        | "quick"
        | "big"
        | "skip"
        | "chatty"
        | "broken"
        | "final"
        | "misfit"
        | "unstorable"
        | "endless";
    }
  | { readonly kind: "slow"; readonly ms: number }
  /** Throws so many times. */
  | { readonly kind: "flaky"; readonly failures: number }
  /** Never returns; its timeout ends it so many times, then it is quick. */
  | { readonly kind: "hang"; readonly timeoutMs: number; readonly times: number }
  /** Ends its process so many times. */
  | { readonly kind: "killer"; readonly crashes: number }
  | { readonly kind: "sleeper"; readonly ms: number; readonly times: number }
  | {
      readonly kind: "signal";
      readonly name: string;
      readonly pollMs: number | null;
      readonly maxWaitMs: number | null;
    }
  | {
      readonly kind: "checked";
      /** Answers before it is ready. */
      readonly checks: number;
      readonly pollMs: number;
      /** Whether the check brings the output, or the body is resumed. */
      readonly output: boolean;
      readonly maxWaitMs: number | null;
      readonly fails: "no" | "throws" | "error";
    };

/** One stage. */
export interface StageSpec {
  readonly id: string;
  readonly behaviour: Behaviour;
  readonly retry: RetryOptions;
  /** Ids of earlier stages that it declares, or null for all. */
  readonly needs: readonly string[] | null;
  readonly input: "previous" | "none";
}

/** One workflow, its stages by group. */
export interface WorkflowSpec {
  readonly id: string;
  readonly groups: readonly (readonly StageSpec[])[];
  /** Whether only clients execute its stages, by hand. */
  readonly manual: boolean;
}

type Weights = Readonly<Record<Behaviour["kind"], number>>;

const KINDS: Weights = {
  quick: 24,
  slow: 14,
  flaky: 12,
  chatty: 6,
  big: 5,
  skip: 5,
  sleeper: 6,
  signal: 7,
  checked: 18,
  killer: 5,
  hang: 4,
  broken: 2,
  final: 1.5,
  misfit: 1.5,
  unstorable: 1,
  endless: 1,
};

const NONE = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0])) as Weights;

/** For a group of thirty: no thirty of what ends processes or hangs. */
const CALM_KINDS: Weights = { ...NONE, quick: 10, slow: 4, flaky: 3, skip: 1, sleeper: 1, checked: 1 };

/** For what clients execute by hand, one command a stage: mostly what comes to an end. */
const MANUAL_KINDS: Weights = {
  ...NONE,
  quick: 20,
  slow: 2,
  flaky: 3,
  chatty: 1,
  big: 2,
  skip: 2,
  sleeper: 1,
  signal: 2,
  killer: 1,
};

function behaviourOf(random: Random, weights: Weights): Behaviour {
  const kind = random.weighted(weights);
  switch (kind) {
    case "slow":
      return { kind, ms: random.pick([20, 300, 2500, 6000]) };
    case "flaky":
      return { kind, failures: random.between(1, 2) };
    case "hang":
      return { kind, timeoutMs: random.pick([300, 1500]), times: random.between(1, 3) };
    case "killer":
      return { kind, crashes: random.pick([1, 1, 2, 9]) };
    case "sleeper":
      return { kind, ms: random.pick([50, 700, 3000]), times: random.between(1, 2) };
    case "signal":
      return {
        kind,
        name: random.pick(["go", "approve"]),
        pollMs: random.pick([null, null, 1500]),
        maxWaitMs: random.pick([null, null, 4000]),
      };
    case "checked":
      return {
        kind,
        checks: random.between(0, 3),
        pollMs: random.pick([200, 1000]),
        output: random.chance(0.5),
        maxWaitMs: random.pick([null, null, 1800]),
        fails: random.weighted({ no: 6, throws: 2, error: 1 }),
      };
    default:
      return { kind };
  }
}

function retryOf(random: Random, behaviour: Behaviour): RetryOptions {
  const endlessly = behaviour.kind === "killer" && behaviour.crashes > 5;
  return {
    maxAttempts: random.between(1, 3),
    maxCrashes: endlessly ? random.between(1, 2) : random.pick([2, 3, 5]),
    backoff: {
      initialMs: random.pick([10, 200, 1000]),
      factor: 2,
      maxMs: 4000,
      jitter: random.pick([0, 0.5]),
    },
  };
}

/** A workflow of one to five groups, most of them one stage, some up to six wide, a few thirty. */
export function workflowSpec(random: Random, id: string, manual: boolean): WorkflowSpec {
  const earlier: string[] = [];
  const groups: StageSpec[][] = [];
  for (let group = random.between(1, manual ? 3 : 5); group > 0; group -= 1) {
    const width = random.chance(0.55)
      ? 1
      : manual
        ? random.between(2, 3)
        : random.chance(0.06)
          ? 30
          : random.between(2, 6);
    const stages = Array.from({ length: width }, (_, index): StageSpec => {
      const behaviour = behaviourOf(random, manual ? MANUAL_KINDS : width > 6 ? CALM_KINDS : KINDS);
      return {
        id: `${id}.${groups.length}.${index}`,
        behaviour,
        retry: retryOf(random, behaviour),
        needs: random.chance(0.5) ? null : earlier.filter(() => random.chance(0.3)),
        input: random.chance(0.85) ? "previous" : "none",
      };
    });
    groups.push(stages);
    earlier.push(...stages.map((stage) => stage.id));
  }
  return { id, groups, manual };
}

/** The error codes that a stage may fail with by its own doing. Any other is the engine's, and must not be counted against it. */
export function codesOf({ behaviour }: StageSpec): ReadonlySet<string> {
  const codes = new Set(["QUARANTINED"]);
  const add = (...more: readonly string[]): void => {
    for (const code of more) codes.add(code);
  };
  switch (behaviour.kind) {
    case "flaky":
    case "broken":
      add("SIMULATED");
      break;
    case "final":
      add("NON_RETRYABLE");
      break;
    case "hang":
      add("STAGE_TIMEOUT");
      break;
    case "misfit":
      add("INVALID_STAGE_OUTPUT");
      break;
    case "unstorable":
      add("INVALID_PAYLOAD");
      break;
    case "signal":
      if (behaviour.maxWaitMs !== null) add("WAIT_TIMEOUT");
      break;
    case "checked":
      if (behaviour.maxWaitMs !== null) add("WAIT_TIMEOUT");
      // The world throws in checks and lets them hang: then their sixty seconds end them.
      add("SIMULATED", "STAGE_TIMEOUT");
      if (behaviour.fails === "error") add("NON_RETRYABLE");
      break;
    default:
  }
  return codes;
}
