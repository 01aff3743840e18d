/** Identity and chance, given to the kernel so that a simulation can repeat them. */
export interface Ids {
  /** A new run id: unique, at most 64 characters, ordered by time where that can be had. */
  runId(): string;
  /** A new id of a commit entry, unique. Called for every commit, so it should be cheap. */
  entryId(): string;
  /** Uniformly from 0 (included) to 1 (excluded): jitter. */
  random(): number;
}
