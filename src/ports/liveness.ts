/**
 * Tells dead workers where the platform can (a Web Lock, an advisory lock). Being wrong costs a second execution, never a second
 * completion: tokens fence what the presumed dead still writes.
 */
export interface Liveness {
  /** Those of `workers` that are known to be dead. Unknown ones are not listed; their leases expire. */
  dead(workers: readonly string[]): Promise<readonly string[]>;
}
