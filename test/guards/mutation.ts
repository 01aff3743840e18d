/** One removal. */
export interface Mutation {
  /** What is lost without it. */
  readonly name: string;
  readonly file: string;
  /** Text that stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The tests that must go red. */
  readonly tests: readonly string[];
}

/** What is lost, the text that keeps it, and what stands in its place. */
export type Removal = readonly [name: string, find: string, replace: string];

/** Removals from one file, all watched by the same tests. */
export function from(file: string, tests: readonly string[], removals: readonly Removal[]): Mutation[] {
  return removals.map(([name, find, replace]) => ({ name, file, find, replace, tests }));
}
