/** Where invariants say that they don't hold. */

/** A promise that was broken, in words that name the rows. */
export interface Violation {
  /** The name of the invariant. */
  readonly rule: string;
  readonly message: string;
}

/** Told of a violation. It doesn't throw: invariants are checked within calls of the engine, which must not see it. */
export type Report = (rule: string, message: string) => void;

/** What the invariants know of a simulated process. */
export interface Actor {
  /** The names under which it leases jobs and cursors. */
  readonly names: readonly string[];
  /** Whether it ended. */
  readonly crashed: boolean;
  /** Whether something since then (a pause, a lost heartbeat, a false report of its death) explains that it lost a lease. */
  isExcused(since: number): boolean;
}
