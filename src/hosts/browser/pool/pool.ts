/** The stage workers of one tab as one executor. It lives in the tab's kernel worker, and is the first to hear when one of them dies. */
import { NotConnectedError, UnknownWorkflowError } from "../../../errors.ts";
import type { Graph } from "../../../model.ts";
import { type Clock, sleep } from "../../../ports/clock.ts";
import {
  type CheckOutcome,
  type Execution,
  type Executor,
  handlerOf,
  type StageOutcome,
  type StageTask,
  type TaskObserver,
} from "../../../ports/executor.ts";
import type { SentWorkflow } from "../../remote/serve.ts";
import type { Port } from "./comlink-link.ts";
import { type Locks, stageLock, whenFree } from "./locks.ts";
import { Member, WATCH_MS } from "./member.ts";
import { type Loss, lostBy } from "./remote-executor.ts";
import { type Method, NOTHING, type Offer } from "./wire.ts";

/** What {@link StagePool} is made of. */
export interface StagePoolOptions {
  readonly clock: Clock;
  readonly database: string;
  /** Asks the page, which alone can, to end a worker and start another in its place. */
  readonly terminate: (workerId: string) => void;
  /** Told when the pool's offer has changed. */
  readonly onOffer?: (offer: Offer) => void;
  /** The platform's. Without locks, as on an insecure page, a death is noticed only where the page brought it about. */
  readonly locks: Locks | undefined;
}

/** What a pool's worker is doing. */
export interface PoolWorker {
  readonly id: string;
  readonly build: string;
  /** What it executes now. */
  readonly running: readonly {
    readonly kind: Method;
    readonly runId: string;
    readonly stageId: string;
    readonly attempt: number;
  }[];
  /** Whether its thread is blocked. */
  readonly isStalled: boolean;
}

/** Milliseconds for which a parse is waited for: a worker may have to be started first. */
const PARSE_MS = 30_000;

/** Routes executions to the least loaded worker that has code for them. */
export class StagePool implements Executor {
  readonly #options: StagePoolOptions;
  readonly #members = new Map<string, { readonly member: Member; unwatch: () => void }>();
  #offer: Offer = NOTHING;
  #handlers: ReadonlySet<string> = new Set();
  #stopWatch: (() => void) | null = null;
  #offered: (() => void)[] = [];

  constructor(options: StagePoolOptions) {
    this.#options = options;
  }

  get handlers(): ReadonlySet<string> {
    return this.#handlers;
  }

  /** What its workers have code for, all builds together. */
  get offer(): Offer {
    return this.#offer;
  }

  /** Takes a worker in; it is given nothing to do before it has said what it has code for. */
  attach(workerId: string, port: Port): void {
    const member = new Member(workerId, port, this.#options.clock, () => this.#hello(workerId));
    this.#members.set(workerId, { member, unwatch: () => undefined });
    // A message that can't be read is a call that would never be answered.
    port.addEventListener("messageerror", () => this.#lose(workerId, "crashed"));
  }

  /** A worker is gone, as the page knows. `draining` where nothing is to be counted. */
  detach(workerId: string, loss: Loss = "crashed"): void {
    const entry = this.#members.get(workerId);
    if (entry === undefined) return;
    this.#members.delete(workerId);
    entry.unwatch();
    entry.member.close(loss);
    this.#tell();
  }

  execute(task: StageTask, observer: TaskObserver): Execution<StageOutcome> {
    return this.#begin("execute", task, observer);
  }

  check(task: StageTask, observer: TaskObserver): Execution<CheckOutcome> {
    return this.#begin("check", task, observer);
  }

  /**
   * What a workflow's schemas make of an input and a config, asked of a worker that has them.
   *
   * @throws UnknownWorkflowError, NotConnectedError when no worker answers; PayloadError for what can't be posted
   */
  async parse(workflowId: string, input: unknown, config: unknown): Promise<SentWorkflow> {
    while (this.#offer === NOTHING)
      await this.#soon(new Promise<void>((resolve) => this.#offered.push(resolve)));
    const knows = ({ remote }: Member): boolean =>
      remote.offer.graphs.some((graph) => graph.workflowId === workflowId);
    const member = this.#list().find(knows);
    if (member === undefined)
      throw new UnknownWorkflowError(
        workflowId,
        this.#offer.graphs.map((graph) => graph.workflowId),
      );
    return (await this.#soon(member.call("parse", [workflowId, input, config]))) as SentWorkflow;
  }

  /** Its workers, for people to look at. */
  list(): readonly PoolWorker[] {
    return this.#list().map(({ id, remote, isStalled }) => ({
      id,
      build: remote.offer.build,
      running: [...remote.executions.values()].map(({ method, task }) => ({
        kind: method,
        runId: task.runId,
        stageId: task.stage.id,
        attempt: task.attempt,
      })),
      isStalled,
    }));
  }

  /** Lets all its workers go; what they execute is given back uncounted. */
  close(): void {
    for (const workerId of [...this.#members.keys()]) this.detach(workerId, "draining");
    this.#stopWatch?.();
    this.#stopWatch = null;
  }

  async #soon<T>(answer: Promise<T>): Promise<T> {
    const answered = new AbortController();
    const late = sleep(this.#options.clock, PARSE_MS, answered.signal).then(() => {
      throw new NotConnectedError("the stage workers", `none answered for ${PARSE_MS} ms`);
    });
    return Promise.race([answer, late]).finally(() => answered.abort());
  }

  #list(): Member[] {
    return Array.from(this.#members.values(), ({ member }) => member);
  }

  #begin(method: Method, task: StageTask, observer: TaskObserver): Execution<never> {
    const member = this.#choose(handlerOf(task.workflowId, task.stage.id));
    // Who had the code is gone since the job was claimed.
    if (member === undefined)
      return { outcome: Promise.resolve(lostBy("draining") as never), abort: () => undefined };
    this.#watchLater();
    return member.remote.begin(method, task, observer);
  }

  #choose(handler: string): Member | undefined {
    let best: Member | undefined;
    for (const { member } of this.#members.values()) {
      if (!member.remote.handlers.has(handler)) continue;
      if (best === undefined || member.rank < best.rank) best = member;
    }
    return best;
  }

  #hello(workerId: string): void {
    const entry = this.#members.get(workerId);
    if (entry === undefined) return;
    entry.unwatch();
    // It took its lock before it said hello, so whoever gets it next has outlived it.
    const { locks, database } = this.#options;
    if (locks !== undefined) {
      const name = stageLock(database, workerId);
      entry.unwatch = whenFree(locks, name, () => this.#lose(workerId, "crashed"));
    }
    this.#tell();
    for (const resolve of this.#offered.splice(0)) resolve();
  }

  /** A worker died by itself: the page must end what is left of it, and start another. */
  #lose(workerId: string, loss: Loss): void {
    if (!this.#members.has(workerId)) return;
    this.detach(workerId, loss);
    this.#options.terminate(workerId);
  }

  #tell(): void {
    const offers = this.#list()
      .map(({ remote }) => remote.offer)
      .filter((offer) => offer !== NOTHING);
    const graphs = new Map<string, Graph>();
    for (const graph of offers.flatMap((offer) => offer.graphs)) graphs.set(graph.hash, graph);
    this.#handlers = new Set(offers.flatMap(({ handlers }) => handlers));
    this.#offer =
      offers.length === 0
        ? NOTHING
        : {
            build: [...new Set(offers.map(({ build }) => build))].join(" "),
            graphs: [...graphs.values()],
            handlers: [...this.#handlers],
          };
    this.#options.onOffer?.(this.#offer);
  }

  #watchLater(): void {
    this.#stopWatch ??= this.#options.clock.after(WATCH_MS, () => {
      this.#stopWatch = null;
      for (const member of this.#list()) {
        const canMove = (handler: string): boolean => {
          const other = this.#choose(handler);
          return other !== undefined && other !== member && !other.isStalled;
        };
        if (!member.watch(canMove)) continue;
        member.fence();
        this.#lose(member.id, "draining");
      }
      if (this.#list().some(({ remote }) => remote.executions.size > 0)) this.#watchLater();
    });
  }
}
