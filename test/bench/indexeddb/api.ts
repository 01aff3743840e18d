/** What the raw worker does: transactions in sequence, each of so many steps, with or without a step's reads. */
export interface RawWork {
  readonly transactions: number;
  readonly steps: number;
  readonly reads: boolean;
}

/** What the bench page offers. All answers are milliseconds. */
export interface BenchPage {
  /** Connects to an empty database. */
  connect(options: { readonly workers: number; readonly slots: number }): Promise<void>;
  raw(work: RawWork): Promise<number>;
  /** Runs so many three-stage runs, at most `inFlight` at a time, until all their events are delivered. */
  runs(count: number, inFlight: number): Promise<number>;
  /** Each of so many runs, one after the other, from `start` to its result. */
  single(count: number): Promise<readonly number[]>;
  /** Each of so many times four raw transactions of one step without reads, in sequence. */
  rawSingle(count: number): Promise<readonly number[]>;
}
