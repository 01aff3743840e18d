/** Whose work is whose, when tabs come and go: who lives, who closed in order, and who died. */
import type { Liveness } from "../../ports/liveness.ts";
import type { Store } from "../../ports/store.ts";

/** The notes that closing pages leave, which only a page can read. */
export interface Marks {
  read(): Promise<readonly string[]>;
  clear(tabIds: readonly string[]): void;
}

/** What {@link Survivors} is made of. */
export interface SurvivorsOptions {
  readonly store: Store;
  readonly marks: Marks;
  /** The tabs that live now. */
  readonly living: () => Promise<ReadonlyMap<string, unknown>>;
}

/** Leases that are looked at in one read. */
const ROUND = 500;

/** The tab that a holder of leases belongs to: its pool holds them under the tab's id, its kernels under names that begin with it. */
export function tabOfHolder(holder: string): string {
  return holder.split("/", 1)[0] ?? holder;
}

/** Tells the dead from those that closed in order, and gives back uncounted what the latter held. */
export class Survivors implements Liveness {
  readonly #options: SurvivorsOptions;

  constructor(options: SurvivorsOptions) {
    this.#options = options;
  }

  /** At the beginning of a reign: whoever lives has let go of what it did for the last leader, and whoever closed didn't fail at it. */
  async takeOver(): Promise<void> {
    const { store, marks, living } = this.#options;
    const holders = await store.jobs.holders();
    const [closed, alive] = await Promise.all([marks.read(), living()]);
    await this.#release(
      holders.filter((holder) => alive.has(tabOfHolder(holder)) || closed.includes(tabOfHolder(holder))),
    );
    marks.clear(closed.filter((tabId) => !alive.has(tabId)));
  }

  async dead(workers: readonly string[]): Promise<readonly string[]> {
    const { marks, living } = this.#options;
    const alive = await living();
    const gone = workers.filter((worker) => worker.startsWith("tab-") && !alive.has(tabOfHolder(worker)));
    if (gone.length === 0) return [];
    const closed = await marks.read();
    await this.#release(gone.filter((worker) => closed.includes(tabOfHolder(worker))));
    return gone.filter((worker) => !closed.includes(tabOfHolder(worker)));
  }

  /** Whether a tab that is gone closed in order. */
  async hasClosed(tabId: string): Promise<boolean> {
    return (await this.#options.marks.read()).includes(tabId);
  }

  /** Nothing is held for it any more. */
  forget(tabId: string): void {
    this.#options.marks.clear([tabId]);
  }

  async #release(holders: readonly string[]): Promise<void> {
    const { store } = this.#options;
    for (let found = holders.length; found > 0; ) {
      const { runs } = await store.load({ of: "stale", staleMs: null, dead: holders, limit: ROUND });
      const leases = runs
        .flatMap(({ jobs }) => jobs)
        .filter(({ worker }) => worker !== null && holders.includes(worker));
      if (leases.length > 0) await store.jobs.release({ leases });
      found = leases.length;
    }
  }
}
