/** What every flow of the kernel shares: load, decide, commit, and again if a guard fell. */
import {
  IdempotencyInProgressError,
  IdempotencyKeyReusedError,
  RunNotFoundError,
  StaleVersionError,
} from "../errors.ts";
import type { Graph, KeyRecord, Run } from "../model.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventSink } from "../ports/event-sink.ts";
import type { Executor } from "../ports/executor.ts";
import type { Ids } from "../ports/ids.ts";
import type { Liveness } from "../ports/liveness.ts";
import type { WorkflowRegistry } from "../ports/registry.ts";
import type { Committed, Entry, GuardName, Loaded, Registry, Scope, Store, Verdict } from "../ports/store.ts";
import { Committer, type Outcome } from "./committer.ts";
import type { Decision, Given, KernelPolicy, LeaseGrant } from "./decision.ts";
import { Leases } from "./leases.ts";
import { TimeLimit } from "./time-limit.ts";
import { Warm, type WarmRun } from "./warm.ts";

/** Everything that a kernel is made of. */
export interface KernelPorts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly registry: WorkflowRegistry;
  readonly executor: Executor;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly liveness: Liveness | null;
  readonly policy: KernelPolicy;
  /** Names this kernel: it holds cursors, and jobs that are executed by hand, under it. */
  readonly name: string;
  readonly maxBatch: number;
  readonly parallelCommits: number;
  readonly leaderEpoch?: number;
}

/** Tries before a command gives up against other writers. */
const MAX_TRIES = 25;

/** Shared state of one kernel: what it remembers, what it commits, what it holds. */
export class Core {
  readonly ports: KernelPorts;
  readonly warm = new Warm();
  readonly leases: Leases;
  readonly committer: Committer;
  readonly deliveryLimit: TimeLimit;
  readonly #graphs = new Map<string, Graph>();
  readonly #keysUnderWay = new Set<string>();
  readonly #listeners = new Set<(entry: Entry, committed: Committed) => void>();
  #registry: Registry | null = null;
  #registered: EventSink["subscribers"] | null = null;
  /** Set by the delivery: what rides along with an entry. */
  ride: ((entry: Entry) => Entry) | undefined;
  /** Set by the delivery: an entry is in, and what it left is known. */
  follow: ((entry: Entry, committed: Committed, run: Run | null) => void) | undefined;
  /** Set by the delivery: the run's cursors turned out to be another's. */
  cursorsLost: ((runId: string) => void) | undefined;

  constructor(ports: KernelPorts) {
    this.ports = ports;
    this.leases = new Leases(ports.store.jobs, ports.clock, ports.policy.leaseMs);
    this.deliveryLimit = new TimeLimit(ports.clock, ports.policy.deliveryTimeoutMs);
    this.committer = new Committer({
      store: ports.store,
      clock: ports.clock,
      maxBatch: ports.maxBatch,
      parallel: ports.parallelCommits,
      ...(ports.leaderEpoch === undefined ? {} : { leaderEpoch: ports.leaderEpoch }),
      fallen: (entry, guard) => this.#forget(entry.runId, guard),
      ride: (entry) => this.ride?.(entry) ?? entry,
      committed: (entry, committed, late) => {
        if (late) {
          // A version that others made must not vouch for the state that this entry left.
          this.warm.drop(entry.runId);
          this.cursorsLost?.(entry.runId);
        } else {
          this.follow?.(entry, committed, this.warm.apply(entry, committed));
        }
        for (const listener of this.#listeners) listener(entry, committed);
      },
    });
  }

  /** Calls back for every entry that this kernel commits, before the command that decided it answers. */
  onCommitted(listener: (entry: Entry, committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The list of subscribers, with this kernel's own made known first. */
  async registry(fresh = false): Promise<Registry> {
    const { subscribers } = this.ports.sink;
    if (this.#registry === null || fresh || this.#registered !== subscribers) {
      this.#registry = await this.ports.store.register(subscribers.map(({ name }) => name));
      this.#registered = subscribers;
    }
    return this.#registry;
  }

  /** Draws what a decision may not draw itself. A promise only where the subscribers must be asked for first: it is drawn for every commit. */
  given(lease: LeaseGrant | null = null, runId = ""): Given | Promise<Given> {
    const known = this.#registered === this.ports.sink.subscribers ? this.#registry : null;
    if (known === null) return this.registry().then((registry) => this.#draw(registry, lease, runId));
    return this.#draw(known, lease, runId);
  }

  #draw(registry: Registry, lease: LeaseGrant | null, runId: string): Given {
    const { ids, policy, executor } = this.ports;
    const grant = lease === null ? null : { ...lease, handlers: lease.handlers ?? executor.handlers };
    return { entry: ids.entryId(), runId, random: ids.random(), registry, policy, lease: grant };
  }

  /** Commits an entry with whatever else is waiting; what this kernel remembered wrongly is forgotten. */
  commit(entry: Entry): Promise<Outcome> {
    return this.committer.submit(entry);
  }

  /** A guard fell: what this kernel remembers of it is wrong. */
  #forget(runId: string, fallen: GuardName): void {
    this.warm.drop(runId);
    if (fallen === "cursor") this.cursorsLost?.(runId);
    if (fallen === "registry") this.#registry = null;
  }

  /**
   * Commits entries that each stand for themselves. They may leave in several transactions, so an error of some must not hide what became of
   * the others: jobs that were leased with them would be executed by nobody. Rejects where none was answered.
   */
  async commitAll(entries: readonly Entry[]): Promise<readonly Verdict[]> {
    const settled = await Promise.allSettled(entries.map((entry) => this.commit(entry)));
    const verdicts = settled.map((one): Verdict => {
      if (one.status === "fulfilled") return one.value.verdict;
      return {
        status: "unknown",
        error: one.reason instanceof Error ? one.reason : new Error(String(one.reason)),
      };
    });
    const [first] = settled;
    if (first?.status === "rejected" && verdicts.every(({ status }) => status === "unknown"))
      throw first.reason;
    return verdicts;
  }

  /** Load, decide, commit; again with a fresh load for as long as guards fall, a bounded number of times. */
  async transact<R>(
    command: string,
    runId: string,
    scope: Scope,
    decide: (loaded: Loaded, given: Given) => Decision<R>,
    options: {
      readonly lease?: LeaseGrant | null;
      readonly runId?: string;
      readonly onKey?: (record: KeyRecord) => R;
      readonly onCommitted?: (entry: Entry, committed: Committed) => void;
    } = {},
  ): Promise<R> {
    let guard = "none";
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const loaded = await this.ports.store.load(scope);
      if (loaded.key !== null && options.onKey !== undefined) return options.onKey(loaded.key);
      const decision = decide(loaded, await this.given(options.lease ?? null, options.runId));
      if (decision.entry === null) return decision.result(null);
      const { verdict } = await this.commit(decision.entry);
      if (verdict.status === "committed") {
        options.onCommitted?.(decision.entry, verdict);
        return decision.result(verdict);
      }
      if (verdict.status === "invalid") throw verdict.error;
      if (verdict.status === "duplicate") {
        if (options.onKey !== undefined) return options.onKey(verdict.record);
        guard = "key";
      } else guard = verdict.guard;
    }
    throw new StaleVersionError(command, runId, guard, MAX_TRIES);
  }

  /** Runs `act` as the only holder of a key in this kernel; a second one at the same time is told so. */
  async alone<R>(type: string, key: string | undefined, act: () => Promise<R>): Promise<R> {
    if (key === undefined) return act();
    const name = `${type} ${key}`;
    if (this.#keysUnderWay.has(name)) throw new IdempotencyInProgressError(type, key);
    this.#keysUnderWay.add(name);
    try {
      return await act();
    } finally {
      this.#keysUnderWay.delete(name);
    }
  }

  /** The result of a finished key, or why there is none to give. */
  replay<R>(record: KeyRecord, hash: string): R {
    if (record.hash !== hash) throw new IdempotencyKeyReusedError(record.type, record.key);
    if (record.open !== null) throw new IdempotencyInProgressError(record.type, record.key);
    return record.result as R;
  }

  /** A run with its graph, remembered or read. */
  view(runId: string): WarmRun | Promise<WarmRun> {
    return this.warm.get(runId) ?? this.#read(runId);
  }

  async #read(runId: string): Promise<WarmRun> {
    const { runs } = await this.ports.store.load({ of: "run", runId, graph: true });
    const [found] = runs;
    if (found?.graph == null) throw new RunNotFoundError(runId);
    return this.warm.set(found.run, this.intern(found.graph));
  }

  /** A graph that was seen before, so that a claim needn't read it again. */
  graph(hash: string): Graph | undefined {
    return this.#graphs.get(hash);
  }

  /** One object for all graphs of a hash: what is worked out about a graph is kept by the object. */
  intern(graph: Graph): Graph {
    const known = this.#graphs.get(graph.hash);
    if (known !== undefined) return known;
    this.#graphs.set(graph.hash, graph);
    return graph;
  }
}
