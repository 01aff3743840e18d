/** Keeps a run's view up to date from an engine: what was committed before, what is committed from now on, and live progress. */
import type { Engine, Event, FeedChange, Graph, Run, RunProgress, RunSnapshot } from "sluice";
import { type Cell, createCell } from "../state/cell.ts";
import { createKeyedStore, type KeyedStore, nextFrame, type Schedule } from "../state/keyed-store.ts";
import { createTracker, type Tracker } from "./track.ts";
import type { RunView, StageView } from "./view.ts";

/** What of an engine is needed to follow a run. */
export type RunSource = Pick<Engine, "inspect" | "events" | "subscribe">;

/** Whether the run was found yet. */
export type Finding = "looking" | "found" | "missing" | { readonly error: unknown };

/** A run that is followed. */
export interface FollowedRun {
  readonly runId: string;
  readonly finding: Cell<Finding>;
  /** Null until it was found. */
  readonly view: Cell<RunView | null>;
  readonly graph: Cell<Graph | null>;
  /** The last snapshot of its rows, renewed with each commit. */
  readonly snapshot: Cell<RunSnapshot | null>;
  readonly events: Cell<readonly Event[]>;
  /** By stage id; each node follows its own. */
  readonly stages: KeyedStore<StageView>;
  stop(): void;
}

/** Events read at a time. */
const PAGE = 500;
/** The net under a lost hint, in milliseconds. */
const LOOK_AGAIN_MS = 2000;

/** Begins to follow a run. */
export function followRun(source: RunSource, runId: string, schedule: Schedule = nextFrame): FollowedRun {
  return new Follower(source, runId, schedule);
}

class Follower implements FollowedRun {
  readonly runId: string;
  readonly finding: Cell<Finding>;
  readonly view: Cell<RunView | null>;
  readonly graph: Cell<Graph | null>;
  readonly snapshot: Cell<RunSnapshot | null>;
  readonly events: Cell<readonly Event[]>;
  readonly stages: KeyedStore<StageView>;
  readonly #source: RunSource;
  readonly #unsubscribe: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** The last live report of each stage: it may come before the event of its attempt's start was read. */
  readonly #reports = new Map<string, RunProgress>();
  #tracker: Tracker | null = null;
  #sequence = 0;
  #isReading = false;
  #isStale = false;
  #isStopped = false;

  constructor(source: RunSource, runId: string, schedule: Schedule) {
    this.runId = runId;
    this.finding = createCell<Finding>("looking", schedule);
    this.view = createCell<RunView | null>(null, schedule);
    this.graph = createCell<Graph | null>(null, schedule);
    this.snapshot = createCell<RunSnapshot | null>(null, schedule);
    this.events = createCell<readonly Event[]>([], schedule);
    this.stages = createKeyedStore<StageView>(schedule);
    this.#source = source;
    this.#unsubscribe = source.subscribe((changes) => this.#hear(changes));
    this.#timer = setInterval(() => {
      if (!isOver(this.view.get())) this.#read();
    }, LOOK_AGAIN_MS);
    this.#read();
  }

  stop(): void {
    this.#isStopped = true;
    this.#unsubscribe();
    clearInterval(this.#timer);
  }

  #hear(changes: readonly FeedChange[]): void {
    for (const change of changes) {
      if (change.kind === "gap") this.#read();
      else if (change.runId === this.runId) {
        if (change.kind === "commit") this.#read();
        else {
          this.#reports.set(change.stageId, change);
          this.#show(this.#tracker?.report(change));
        }
      }
    }
  }

  /** One reading at a time; what changes meanwhile is read afterwards. */
  #read(): void {
    this.#isStale = true;
    if (!this.#isReading) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isStale && !this.#isStopped) {
        this.#isStale = false;
        await this.#readOnce();
      }
    } catch (error) {
      if (!this.#isStopped) this.finding.set({ error });
    } finally {
      this.#isReading = false;
    }
  }

  async #readOnce(): Promise<void> {
    const snapshot = await this.#source.inspect(this.runId);
    if (this.#isStopped) return;
    if (snapshot?.graph == null) {
      this.finding.set("missing");
      return;
    }
    const tracker = this.#trackerOf(snapshot.graph);
    // Events after the rows: what they tell is never behind what the rows hold.
    const events = await this.#news();
    if (this.#isStopped) return;
    for (const event of events) this.#show(tracker.accept(event));
    this.#show(tracker.observe(snapshot.run));
    for (const report of this.#reports.values()) this.#show(tracker.report(report));
    if (events.length > 0) this.events.set([...this.events.get(), ...events]);
    this.snapshot.set(snapshot);
    this.view.set(tracker.run);
    this.finding.set("found");
    if (isBehind(tracker.run, snapshot.run)) this.#isStale = true;
  }

  #trackerOf(graph: Graph): Tracker {
    if (this.#tracker === null) {
      this.#tracker = createTracker(graph, this.runId);
      this.graph.set(graph);
      this.#show(new Set(graph.stages.map(({ id }) => id)));
    }
    return this.#tracker;
  }

  async #news(): Promise<readonly Event[]> {
    const news: Event[] = [];
    for (;;) {
      const page = await this.#source.events({ runId: this.runId, after: this.#sequence, limit: PAGE });
      news.push(...page);
      this.#sequence = page.at(-1)?.sequence ?? this.#sequence;
      if (page.length < PAGE) return news;
    }
  }

  #show(changed: ReadonlySet<string> | undefined): void {
    for (const id of changed ?? []) {
      const stage = this.#tracker?.stage(id);
      if (stage !== undefined) this.stages.set(id, stage);
    }
  }
}

function isOver(view: RunView | null): boolean {
  return view !== null && view.settledAt !== null;
}

/** The rows were read before the run's last commit. */
function isBehind(view: RunView, run: Run): boolean {
  return view.settledAt !== null && run.settledAt === null && run.epoch <= view.epoch;
}
