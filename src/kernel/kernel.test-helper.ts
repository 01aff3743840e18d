/** A kernel on a memory store whose stages do what a test says, with clocks that move only when told. */
import { memoryStore } from "../../adapters/memory/index.ts";
import { toRecord } from "../errors.ts";
import type { Event, Graph, Job, Run, StageNode, StagePolicy } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventSink, Subscriber } from "../ports/event-sink.ts";
import type {
  CheckOutcome,
  Execution,
  Executor,
  StageOutcome,
  StageTask,
  TaskObserver,
} from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import type { RunCreate } from "./api.ts";
import type { KernelPolicy } from "./decision.ts";
import { POLICY } from "./decide.test-helper.ts";
import { Kernel } from "./kernel.ts";
import { type Watch, watchStore } from "./watch.test-helper.ts";

/** A clock that stands still until a test moves it; timers fire in order. */
export class StillClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + ms, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Moves time on, and lets what was due happen. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await settle();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets everything that only waits for promises happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What a scripted body does: gives a value (the output), an outcome, or throws. */
export type Body = (task: StageTask, observer: TaskObserver) => unknown;

const EMPTY = { events: [], blobs: [] } as const;

/** An outcome instead of an output. */
export function outcome(partial: { kind: StageOutcome["kind"] } & Record<string, unknown>): {
  $outcome: StageOutcome;
} {
  return { $outcome: { ...EMPTY, ...partial } as unknown as StageOutcome };
}

/** The outcome of a stage that waits. */
export function suspends(
  options: { signal?: string; dueIn?: number; maxWaitIn?: number; state?: unknown } = {},
): ReturnType<typeof outcome> {
  return outcome({
    kind: "suspended",
    state: { kind: "value", value: options.state ?? null },
    signal: options.signal ?? null,
    dueIn: options.dueIn ?? null,
    maxWaitIn: options.maxWaitIn ?? null,
  });
}

/** Executes scripted bodies. */
export class ScriptedExecutor implements Executor {
  readonly handlers = new Set<string>();
  readonly bodies = new Map<string, Body>();
  readonly checks = new Map<string, (task: StageTask) => CheckOutcome | Promise<CheckOutcome>>();
  /** Every body that began, in order. */
  readonly started: StageTask[] = [];

  execute(task: StageTask, observer: TaskObserver): Execution<StageOutcome> {
    this.started.push(task);
    const body = this.bodies.get(task.stage.id) ?? (() => task.stage.id);
    return this.#run<StageOutcome>(
      async () => {
        const value = await body(task, observer);
        if (typeof value === "object" && value !== null && "$outcome" in value) {
          return value.$outcome as StageOutcome;
        }
        return { kind: "completed", output: { kind: "value", value }, value, ...EMPTY };
      },
      (reason) => ({ kind: "aborted", reason, ...EMPTY }),
      (error) => ({
        kind: "failed",
        error: toRecord(error),
        retryable: !(error instanceof TypeError),
        ...EMPTY,
      }),
    );
  }

  check(task: StageTask): Execution<CheckOutcome> {
    const check = this.checks.get(task.stage.id) ?? (() => ({ kind: "waiting" as const, checkIn: 1000 }));
    return this.#run<CheckOutcome>(
      async () => check(task),
      (reason) => ({ kind: "aborted", reason }),
      (error) => ({ kind: "failed", error: toRecord(error), retryable: true }),
    );
  }

  #run<O>(
    act: () => Promise<O>,
    aborted: (reason: "cancelled" | "lease-lost" | "draining") => O,
    failed: (error: unknown) => O,
  ): Execution<O> {
    let stop: (outcome: O) => void = () => undefined;
    const stopped = new Promise<O>((resolve) => {
      stop = resolve;
    });
    return {
      outcome: Promise.race([act().catch(failed), stopped]),
      abort: (reason) => stop(aborted(reason)),
    };
  }
}

/** What a test sets about a stage. */
type NodeChange = Partial<Omit<StageNode, "policy">> & { readonly policy?: Partial<StagePolicy> };

/** A graph from a shape: a string is a pipe, a list a parallel group. */
export function graphOf(
  shape: readonly (string | readonly string[])[],
  options: Readonly<Record<string, NodeChange>> = {},
  workflowId = "wf",
): Graph {
  const groups = shape.map((group) => (typeof group === "string" ? [group] : group));
  const stages = groups.flatMap((ids, group) =>
    ids.map((id): StageNode => {
      const policy = {
        maxAttempts: 3,
        maxCrashes: 5,
        timeoutMs: null,
        backoff: { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 0 },
      };
      const own = options[id] ?? {};
      return {
        id,
        name: id,
        group,
        input: "previous",
        dependencies: null,
        checks: false,
        ...own,
        policy: { ...policy, ...own.policy },
      };
    }),
  );
  return {
    hash: `graph of ${JSON.stringify([workflowId, shape, options])}`,
    workflowId,
    name: workflowId,
    stages,
    groups,
    kinds: shape.map((group) => (typeof group === "string" ? "pipe" : "parallel")),
  };
}

/** A sink with what it was given. */
export class RecordingSink implements EventSink {
  subscribers: readonly Subscriber[] = [];
  readonly given: { subscriber: string; event: Event }[] = [];

  constructor(...names: readonly string[]) {
    for (const name of names) {
      this.subscribe({ name, handle: (event) => void this.given.push({ subscriber: name, event }) });
    }
  }

  subscribe(subscriber: Subscriber): () => void {
    this.subscribers = [...this.subscribers, subscriber];
    return () => {
      this.subscribers = this.subscribers.filter((one) => one !== subscriber);
    };
  }

  /** The types that a subscriber was given, in order. */
  types(subscriber: string): string[] {
    return this.given.filter((one) => one.subscriber === subscriber).map(({ event }) => event.type);
  }
}

/** All parts of a kernel under test. */
export interface Bench {
  readonly kernel: Kernel;
  readonly store: Store;
  readonly watch: Watch;
  readonly clock: StillClock;
  readonly executor: ScriptedExecutor;
  readonly sink: RecordingSink;
}

let names = 0;

/** A kernel; several on one store by passing the first one's parts. */
export function kernelOf(
  graphs: readonly Graph[],
  options: {
    readonly store?: Store;
    readonly clock?: StillClock;
    readonly sink?: RecordingSink;
    readonly executor?: ScriptedExecutor;
    readonly dead?: Set<string>;
    readonly policy?: Partial<KernelPolicy>;
    readonly random?: () => number;
  } = {},
): Bench {
  const clock = options.clock ?? new StillClock();
  const watch = watchStore(options.store ?? memoryStore({ clock }));
  const { store } = watch;
  const executor = options.executor ?? new ScriptedExecutor();
  for (const graph of graphs) {
    for (const { id } of graph.stages) executor.handlers.add(`${graph.workflowId}/${id}`);
  }
  const sink = options.sink ?? new RecordingSink();
  const workflows = new Map(graphs.map((graph) => [graph.workflowId, { graph }]));
  names += 1;
  const name = `kernel-${names}`;
  let count = 0;
  const { dead } = options;
  const kernel = new Kernel({
    store,
    blobs: store.blobs,
    registry: { get: (id) => workflows.get(id), ids: () => [...workflows.keys()] },
    executor,
    sink,
    clock,
    ids: {
      runId: () => `${name}-run-${++count}`,
      entryId: () => `${name}-entry-${++count}`,
      random: options.random ?? (() => 0.5),
    },
    liveness:
      dead === undefined ? null : { dead: async (workers) => workers.filter((worker) => dead.has(worker)) },
    policy: { ...POLICY, ...options.policy },
    name,
    maxBatch: 100,
    parallelCommits: 1,
  });
  return { kernel, store, watch, clock, executor, sink };
}

let keys = 0;

/** Creates a run, by hand. */
export async function create(
  { kernel }: Bench,
  more: Partial<Omit<RunCreate, "type">> = {},
): Promise<string> {
  keys += 1;
  const { workflowRunId } = await kernel.dispatch({
    type: "run.create",
    workflowId: "wf",
    input: null,
    idempotencyKey: `key-${keys}`,
    ...more,
  });
  return workflowRunId;
}

/** Creates a run and claims it, by hand. */
export async function begin(bench: Bench, workflowId = "wf", input: unknown = null): Promise<string> {
  const runId = await create(bench, { workflowId, input });
  await bench.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
  return runId;
}

/** Executes one stage with `advance`, as hosts do. */
export function execute(
  { kernel }: Bench,
  workflowRunId: string,
  stageId: string,
  more: { token?: number; idempotencyKey?: string; advance?: boolean; config?: unknown } = {},
) {
  return kernel.dispatch({
    type: "job.execute",
    workflowRunId,
    workflowId: "wf",
    stageId,
    config: undefined,
    advance: true,
    ...more,
  });
}

/** Leases one job to a worker and answers its token. */
export async function lease(
  { store, executor }: Bench,
  runId: string,
  stageId: string,
  workerId = "w1",
): Promise<number> {
  const { claimed } = await store.jobs.claim({
    workerId,
    handlers: executor.handlers,
    kinds: ["execute"],
    limit: 1,
    leaseFor: 30_000,
    only: { runId, stageId },
  });
  const [one] = claimed;
  if (one === undefined) throw new Error(`${stageId} could not be leased`);
  return one.job.token;
}

/** A job of a run as it stands in the queue. */
export async function jobOf({ store }: Bench, runId: string, stageId: string): Promise<Job> {
  const job = (await store.run(runId))?.jobs.find((one) => one.stageId === stageId);
  if (job === undefined) throw new Error(`${stageId} has no job`);
  return job;
}

/** The head of a run. */
export async function headOf({ store }: Bench, runId: string): Promise<Run> {
  const found = await store.run(runId);
  if (found === null) throw new Error(`no run ${runId}`);
  return found.run;
}

/** A body that waits until it is told how to end. */
export function gate(): {
  readonly body: () => Promise<unknown>;
  open(value?: unknown): void;
  fail(error: unknown): void;
} {
  let open: (value?: unknown) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<unknown>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { body: () => ended, open, fail };
}

/** The statuses of a run and of its settled or suspended stages. */
export async function standing({ store }: Bench, runId: string): Promise<Record<string, string>> {
  const found = await store.run(runId);
  if (found === null) return {};
  return {
    run: found.run.status,
    ...Object.fromEntries(found.stages.map(({ stageId, status }) => [stageId, status])),
  };
}

/** The types of a run's committed events. */
export async function typesOf({ store }: Bench, runId: string): Promise<string[]> {
  return (await store.events({ run: runId })).map(({ type }) => type);
}
