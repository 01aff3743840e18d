/** What the conformance page offers. */
export interface ConformancePage {
  /** The names of the cases that are in the page. */
  names(): Promise<readonly string[]>;
  /** Runs one case in a worker; rejects where the store falls short. */
  run(name: string): Promise<void>;
  /** Makes a database and leaves it there, for its files: each case deletes its own. */
  stay(): Promise<void>;
}
