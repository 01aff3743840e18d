/** The pools of all tabs as one executor: each task goes to the tab that holds its lease. */
import type { Graph } from "../../model.ts";
import {
  type CheckOutcome,
  type Execution,
  type Executor,
  handlerOf,
  type StageOutcome,
  type StageTask,
  type TaskObserver,
} from "../../ports/executor.ts";
import type { WorkflowRegistry } from "../../ports/registry.ts";
import type { TabPool } from "./follower.ts";

/** What a leader knows of its tabs' code: where it is executed, and which graphs it makes. */
export class Routes implements Executor, WorkflowRegistry {
  readonly #pools = new Map<string, TabPool>();
  #handlers: ReadonlySet<string> = new Set();
  #graphs = new Map<string, { readonly graph: Graph }>();

  get handlers(): ReadonlySet<string> {
    return this.#handlers;
  }

  add(tabId: string, pool: TabPool): void {
    this.#pools.set(tabId, pool);
    this.update();
  }

  remove(tabId: string): void {
    this.#pools.delete(tabId);
    this.update();
  }

  /** Some pool offers something else. */
  update(): void {
    const pools = [...this.#pools.values()];
    this.#handlers = new Set(pools.flatMap(({ handlers }) => [...handlers]));
    this.#graphs = new Map(
      pools.flatMap(({ offer }) => offer.graphs.map((graph) => [graph.workflowId, { graph }])),
    );
  }

  /** By its id alone a workflow is only looked at: whoever starts one sends its graph along. */
  get(workflowId: string): { readonly graph: Graph } | undefined {
    return this.#graphs.get(workflowId);
  }

  ids(): readonly string[] {
    return [...this.#graphs.keys()];
  }

  execute(task: StageTask, observer: TaskObserver): Execution<StageOutcome> {
    return this.#poolOf(task)?.execute(task, observer) ?? nowhere;
  }

  check(task: StageTask, observer: TaskObserver): Execution<CheckOutcome> {
    return this.#poolOf(task)?.check(task, observer) ?? nowhere;
  }

  /** Checks are leased under the kernel's own name: any tab that has the code will do. */
  #poolOf({ worker, workflowId, stage }: StageTask): TabPool | undefined {
    const own = this.#pools.get(worker ?? "");
    if (own !== undefined) return own;
    const handler = handlerOf(workflowId, stage.id);
    return [...this.#pools.values()].find(({ handlers }) => handlers.has(handler));
  }
}

/** The tab is gone since the job was claimed: its lease goes back uncounted. */
const nowhere: Execution<never> = {
  outcome: Promise.resolve({ kind: "aborted", reason: "draining", events: [], blobs: [] } as never),
  abort: () => undefined,
};
