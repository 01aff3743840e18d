/** A run, by whatever backend its engine has. */
import { parse } from "../define/schema.ts";
import type { Workflow } from "../define/workflow.ts";
import {
  InvalidOptionError,
  RunCancelledError,
  RunFailedError,
  RunNotFoundError,
  SchemaError,
} from "../errors.ts";
import type { Backend } from "../hosts/remote/backend.ts";
import type { Results } from "../kernel/api.ts";
import { type ErrorRecord, type Graph, isSettled, type RunStatus } from "../model.ts";
import { decodePayload } from "../ports/payload.ts";
import type { LoadedRun, RunScope } from "../ports/store.ts";
import { checkObject } from "../runner/options.ts";
import type { EventStream, RunHandle, RunProgress, StageRef } from "./api.ts";
import { RunEvents } from "./event-stream.ts";
import type { KeyedCommands } from "./keyed.ts";
import type { Watch } from "./watch.ts";

/** What the handles of an engine share. */
export interface HandleContext {
  readonly backend: Backend;
  readonly watch: Watch;
  readonly keyed: KeyedCommands;
  /** @throws StoppedError once the engine takes no more commands */
  readonly assertUp: () => void;
  /** The workflow of this id, where this engine has its code. */
  readonly workflow: (workflowId: string) => Workflow | undefined;
}

/** The record of a run that failed without saying why. */
const unknownFailure: ErrorRecord = { name: "Error", code: "STAGE_ERROR", message: "the run failed" };

/** A run's handle over a backend. */
export class BackendHandle<Output> implements RunHandle<Output> {
  readonly id: string;
  readonly workflowId: string;
  readonly #context: HandleContext;

  constructor(context: HandleContext, id: string, workflowId: string) {
    this.#context = context;
    this.id = id;
    this.workflowId = workflowId;
  }

  async result(): Promise<Output> {
    const waiter = this.#context.watch.wait(this.id, "settled");
    try {
      for (;;) {
        const { graph, found } = await this.#ending();
        if (isSettled(found.run.status)) return await this.#resultOf(graph, found);
        await waiter.changed();
      }
    } finally {
      waiter.end();
    }
  }

  async status(): Promise<RunStatus> {
    return (await this.#load({})).run.status;
  }

  events(options: { readonly after?: number | undefined } = {}): EventStream {
    checkObject("RunHandle.events", "options", options);
    const { after = 0 } = options;
    const { backend, watch } = this.#context;
    return new RunEvents(backend, watch, this.id, after);
  }

  progress(listener: (progress: RunProgress) => void): () => void {
    return this.#context.watch.progress(this.id, listener);
  }

  async cancel(reason?: string): Promise<boolean> {
    const { backend, assertUp } = this.#context;
    assertUp();
    const { cancelled } = await backend.dispatch({
      type: "run.cancel",
      workflowRunId: this.id,
      ...(reason === undefined ? {} : { reason }),
    });
    return cancelled;
  }

  async rerunFrom(
    stage: StageRef,
    options: { readonly idempotencyKey?: string | undefined; readonly force?: boolean | undefined } = {},
  ): Promise<Results["run.rerunFrom"]> {
    const { backend, keyed, assertUp } = this.#context;
    assertUp();
    const fromStageId = idOf("rerunFrom", stage);
    checkObject("RunHandle.rerunFrom", "options", options);
    return keyed.send("run.rerunFrom", options.idempotencyKey, (idempotencyKey) =>
      backend.dispatch({
        ...defined({ ...options, idempotencyKey }),
        type: "run.rerunFrom",
        workflowRunId: this.id,
        fromStageId,
      }),
    );
  }

  async fork(
    stage: StageRef,
    options: {
      readonly idempotencyKey?: string | undefined;
      readonly config?: Readonly<Record<string, unknown>> | undefined;
    } = {},
  ): Promise<RunHandle<Output>> {
    const { backend, keyed, assertUp } = this.#context;
    assertUp();
    const fromStageId = idOf("fork", stage);
    checkObject("RunHandle.fork", "options", options);
    const { workflowRunId } = await keyed.send("run.fork", options.idempotencyKey, (idempotencyKey) =>
      backend.dispatch({
        ...defined({ ...options, idempotencyKey }),
        type: "run.fork",
        workflowRunId: this.id,
        fromStageId,
      }),
    );
    return new BackendHandle<Output>(this.#context, workflowRunId, this.workflowId);
  }

  async signal(
    name: string,
    payload?: unknown,
    options: { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<boolean> {
    const { backend, keyed, assertUp } = this.#context;
    assertUp();
    checkObject("RunHandle.signal", "options", options);
    const { delivered } = await keyed.send("run.signal", options.idempotencyKey, (idempotencyKey) =>
      backend.dispatch({
        ...defined({ ...options, idempotencyKey }),
        type: "run.signal",
        workflowRunId: this.id,
        name,
        payload,
      }),
    );
    return delivered;
  }

  async #load(scope: Omit<RunScope, "runId">): Promise<LoadedRun> {
    const found = await this.#context.backend.find({ runId: this.id, ...scope });
    if (found === null) throw new RunNotFoundError(this.id);
    return found;
  }

  /** The run with the records of its last group. A graph that is known here needn't be read. */
  async #ending(): Promise<{ readonly graph: Graph; readonly found: LoadedRun }> {
    const known = this.#context.workflow(this.workflowId)?.graph;
    if (known !== undefined) {
      const found = await this.#load({ stages: lastGroup(known) });
      if (found.run.graph === known.hash) return { graph: known, found };
    }
    const { graph } = await this.#load({ graph: true });
    if (graph === null) throw new RunNotFoundError(this.id);
    return { graph, found: await this.#load({ stages: lastGroup(graph) }) };
  }

  async #resultOf(graph: Graph, { run, stages }: LoadedRun): Promise<Output> {
    if (run.status === "CANCELLED") throw new RunCancelledError(run.id);
    if (run.status === "FAILED") throw new RunFailedError(run.id, run.error ?? unknownFailure);
    const { backend } = this.#context;
    const outputs = new Map<string, unknown>();
    for (const { stageId, output } of stages) {
      if (output !== null) outputs.set(stageId, await decodePayload(output, (key) => backend.blob(key)));
    }
    const [only = ""] = lastGroup(graph);
    const output = graph.kinds.at(-1) === "pipe" ? outputs.get(only) : Object.fromEntries(outputs);
    const schema = this.#context.workflow(run.workflowId)?.output ?? null;
    if (schema === null) return output as Output;
    const parsed = await parse(schema, output);
    if (!parsed.ok) throw new SchemaError("workflow output", run.workflowId, parsed.issues);
    return parsed.value as Output;
  }
}

function lastGroup(graph: Graph): readonly string[] {
  return graph.groups.at(-1) ?? [];
}

function idOf(method: string, stage: StageRef): string {
  const id: unknown = typeof stage === "object" ? (stage as (StageRef & object) | null)?.id : stage;
  if (typeof id === "string") return id;
  throw new InvalidOptionError(`RunHandle.${method}`, "stage", "a stage or its id", stage);
}

/** Options without those that are undefined: a command's fields are there or not. */
export function defined<Options extends object>(
  options: Options,
): { [K in keyof Options]?: NonNullable<Options[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof defined<Options>
  >;
}
