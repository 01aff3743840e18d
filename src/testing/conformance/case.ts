import type { Store } from "../../ports/store.ts";

/** A store under test and what the suite may do around it. */
export interface StoreHarness {
  /** An empty store. */
  readonly store: Store;
  /** Lets at least `ms` milliseconds pass on the store's clock: by moving a simulated one, or by waiting. */
  readonly advance: (ms: number) => Promise<void>;
  /** Another store on the same data, as a second process or tab has it. Without it the races run on one store. */
  readonly second?: () => Promise<Store>;
  /** Closes the store and opens one on the same data. For stores that outlive their process. */
  readonly reopen?: () => Promise<Store>;
  /** Lets a transaction die in its middle. */
  readonly crash?: {
    /** The transaction that writes the `write`-th row from now on, from 0, dies before that write. */
    readonly at: (write: number) => void;
    /** No further crash; answers the store as whoever comes next finds it. */
    readonly recover: () => Promise<Store>;
  };
  /** Gives everything back. The suite calls it after each case. */
  readonly destroy?: () => Promise<void>;
}

/** What not every store has. */
export type Need = "reopen" | "crash" | "leader";

/** How the suite gets its stores. */
export interface ConformanceOptions {
  /** Makes an empty store, with a change log where `record` asks for one. Called once a case. */
  readonly create: (options: { readonly record?: "changes" }) => Promise<StoreHarness>;
  /** What the store doesn't have: it doesn't outlive its process, its transactions can't be broken, or it has no one leader. */
  readonly without?: readonly Need[];
}

/** One case: register it with any test runner. It rejects with a `ConformanceError` where the store falls short. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What a case does with a fresh store. */
export interface CaseBody {
  readonly name: string;
  readonly record?: "changes";
  /** What the store and its harness must have. */
  readonly needs?: Need;
  readonly body: (harness: StoreHarness) => Promise<void>;
}

/** A group of cases, named together. */
export function group(name: string, cases: readonly CaseBody[]): readonly CaseBody[] {
  return cases.map((one) => ({ ...one, name: `${name}: ${one.name}` }));
}
