/**
 * Group commit: entries that arrive together go to the store in one transaction, each with its own verdict. A transaction costs far more than
 * a row in IndexedDB, and a round trip in Postgres, so this is where throughput comes from.
 */
import { CommitUnknownError } from "../errors.ts";
import { type Clock, sleep } from "../ports/clock.ts";
import type { Committed, Entry, GuardName, Store, Verdict } from "../ports/store.ts";

/** A verdict that callers see: an unknown one was settled before. */
export type Settled = Exclude<Verdict, { status: "unknown" }>;

/** What became of one entry; `from` is the sequence of its first event. */
export interface Outcome {
  readonly verdict: Settled;
  readonly from: number;
  /** Whether it was the last of those that left as one and counted: what they have brought about together is followed up once. */
  readonly last: boolean;
}

interface Waiting {
  readonly entry: Entry;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** It was rejected in company, and must hear whether that was its own fault. */
  alone?: true;
}

/** Bounds of the batches. */
export interface CommitterOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Entries in one transaction at most. Beyond some 100 only latency grows (measured on IndexedDB and Postgres). */
  readonly maxBatch: number;
  /** Transactions under way at once: 1 on IndexedDB (two add at most 8 %), 2 on Postgres. */
  readonly parallel: number;
  /** The leader's epoch, where the store has one leader. */
  readonly leaderEpoch?: number;
  /** Called when a guard of an entry fell, before its caller decides again. */
  readonly fallen?: (entry: Entry, guard: GuardName) => void;
  /** Called just before an entry leaves: what rides along with it. */
  readonly ride?: (entry: Entry) => Entry;
  /**
   * Called once an entry is in, before its callers go on: what the kernel remembers must be true for them.
   * @param late its answer was lost and asked for again: others may have moved the run since, and the values are those that they left
   */
  readonly committed?: (entry: Entry, committed: Committed, late: boolean) => void;
}

/** The queue of entries before the store. */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Waiting[] = [];
  /** Runs with an entry under way: their next entry must see the outcome of that one. */
  readonly #busy = new Set<string>();
  #flights = 0;
  #scheduled = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Commits one entry with whatever else is waiting. Rejects only when the store took nothing. */
  submit(entry: Entry): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#flights >= this.#options.parallel || this.#queue.length === 0) return;
    this.#scheduled = true;
    // One turn of the microtask queue lets callers that were woken together join the same batch.
    queueMicrotask(() => {
      this.#scheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const groups = this.#take();
    if (groups.length === 0) return;
    this.#flights += 1;
    const { store, leaderEpoch, ride } = this.#options;
    const entries = groups.map((group) => {
      const entry =
        group.length === 1 && group[0] ? group[0].entry : fold(group.map((waiting) => waiting.entry));
      return ride === undefined ? entry : ride(entry);
    });
    for (const entry of entries) this.#busy.add(entry.runId);
    try {
      const verdicts = await store.commit(entries, leaderEpoch);
      for (const [index, group] of groups.entries()) {
        const entry = entries[index];
        const verdict = verdicts[index];
        if (entry === undefined || verdict === undefined)
          throw new RangeError("the store gave fewer verdicts than entries");
        if (verdict.status === "unknown") {
          // Settling waits for the store; meanwhile the run stays busy and the others go on.
          void this.#settle(entry, group, verdict.error);
        } else this.#answer(entry, group, verdict);
      }
    } catch (error) {
      for (const [index, group] of groups.entries()) {
        this.#busy.delete(entries[index]?.runId ?? "");
        for (const waiting of group) waiting.reject(error);
      }
    } finally {
      this.#flights -= 1;
      this.#schedule();
    }
  }

  #answer(entry: Entry, group: readonly Waiting[], verdict: Settled, late = false): void {
    this.#busy.delete(entry.runId);
    if (group.length > 1 && verdict.status !== "committed") {
      // The verdict doesn't tell whose guard fell or whose value can't be stored: a sibling must neither become a ghost nor fail by it.
      for (const waiting of group) waiting.alone = true;
      this.#queue.unshift(...group);
      return;
    }
    if (verdict.status === "committed") this.#options.committed?.(entry, verdict, late);
    else if (verdict.status === "stale") this.#options.fallen?.(entry, verdict.guard);
    let from = verdict.status === "committed" ? verdict.sequence - entry.events.length + 1 : 0;
    const last = group.findLast((waiting) => waiting.entry.counters !== undefined);
    for (const waiting of group) {
      waiting.resolve({ verdict, from, last: waiting === last });
      from += waiting.entry.events.length;
    }
  }

  /** The answer was lost: the entry's id, kept on the run, tells whether it was committed. */
  async #settle(entry: Entry, group: readonly Waiting[], lost: Error): Promise<void> {
    const { store, clock } = this.#options;
    let cause: unknown = lost;
    for (let tries = 0; tries < 8; tries += 1) {
      try {
        const { settled } = await store.load({ of: "entry", runId: entry.runId, entry: entry.id });
        // Not in, and nothing says that the caller's lease or run is lost: it decides again.
        const verdict: Settled = settled ?? { status: "stale", guard: "version" };
        this.#answer(entry, group, verdict, true);
        this.#schedule();
        return;
      } catch (error) {
        cause = error;
        await sleep(clock, 50 * 2 ** tries);
      }
    }
    this.#busy.delete(entry.runId);
    for (const waiting of group) waiting.reject(new CommitUnknownError(entry.runId, { cause }));
    this.#schedule();
  }

  /** The next batch: at most one entry a run, folded where entries of one run don't depend on each other. */
  #take(): Waiting[][] {
    const byRun = new Map<string, Company>();
    const left: Waiting[] = [];
    const held = new Set<string>();
    for (const waiting of this.#queue) {
      const { entry } = waiting;
      const company = byRun.get(entry.runId);
      if (this.#busy.has(entry.runId) || held.has(entry.runId)) left.push(waiting);
      else if (company === undefined) {
        if (byRun.size < this.#options.maxBatch) byRun.set(entry.runId, new Company(waiting));
        else left.push(waiting);
      } else if (!company.admits(waiting)) {
        // Order within a run is kept: what comes after waits too.
        held.add(entry.runId);
        left.push(waiting);
      }
    }
    this.#queue = left;
    return Array.from(byRun.values(), ({ members }) => members);
  }
}

/** Folding is bounded, so that one rejected sibling doesn't send thousands of neighbours back. */
const MAX_FOLD = 200;

/** Entries of one run that leave as one. */
class Company {
  readonly members: Waiting[];
  readonly #first: Waiting;
  #stages: Set<string> | null = null;

  constructor(first: Waiting) {
    this.#first = first;
    this.members = [first];
  }

  /**
   * Takes an entry in if none of them moves the run, all speak of the same epoch, and of different jobs: a finish and a reap of the same job
   * would otherwise both find its token, and both be written.
   */
  admits(waiting: Waiting): boolean {
    const { entry } = this.#first;
    if (this.members.length >= MAX_FOLD || this.#first.alone || waiting.alone) return false;
    if (!isSiblings(entry) || !isSiblings(waiting.entry)) return false;
    if (entry.guards.epoch !== waiting.entry.guards.epoch) return false;
    this.#stages ??= new Set(stagesOf(entry));
    const stages = stagesOf(waiting.entry);
    if (stages.some((stageId) => this.#stages?.has(stageId))) return false;
    for (const stageId of stages) this.#stages.add(stageId);
    this.members.push(waiting);
    return true;
  }
}

function stagesOf({ guards }: Entry): string[] {
  return guards.jobs?.map(({ stageId }) => stageId) ?? [];
}

/** Whether an entry neither moves its run nor names a key or cursor: siblings' starts and finishes. */
function isSiblings(entry: Entry): boolean {
  const { guards } = entry;
  return (
    entry.create === undefined &&
    entry.state === undefined &&
    entry.key === undefined &&
    entry.signals === undefined &&
    entry.dropSignals === undefined &&
    entry.dropStages === undefined &&
    entry.letters === undefined &&
    entry.dropLetters === undefined &&
    entry.cursors === undefined &&
    entry.purge === undefined &&
    (entry.counters === undefined || "add" in entry.counters) &&
    entry.dropJobs !== "all" &&
    guards.version === undefined &&
    guards.remaining === undefined &&
    guards.active === undefined &&
    guards.cursors === undefined
  );
}

/** One entry that does what several do. What was folded into a rejected entry is rejected with it. */
export function fold(entries: readonly Entry[]): Entry {
  const [first] = entries;
  if (first === undefined) throw new RangeError("nothing to fold");
  let remaining = 0;
  let active = 0;
  for (const { counters } of entries) {
    if (counters !== undefined && "add" in counters) {
      remaining += counters.add.remaining;
      active += counters.add.active;
    }
  }
  const jobs = entries.flatMap((entry) => entry.jobs ?? []);
  const stages = entries.flatMap((entry) => entry.stages ?? []);
  const dropKeys = entries.flatMap((entry) => entry.dropKeys ?? []);
  const dropJobs = entries.flatMap((entry) => (entry.dropJobs === "all" ? [] : (entry.dropJobs ?? [])));
  return {
    id: first.id,
    runId: first.runId,
    command: first.command,
    guards: {
      ...(first.guards.epoch === undefined ? {} : { epoch: first.guards.epoch }),
      jobs: entries.flatMap((entry) => entry.guards.jobs ?? []),
    },
    counters: { add: { remaining, active } },
    ...(dropJobs.length === 0 ? {} : { dropJobs }),
    jobs,
    stages,
    ...(dropKeys.length === 0 ? {} : { dropKeys }),
    events: entries.flatMap((entry) => entry.events),
  };
}
