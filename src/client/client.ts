/** The client over whatever backend there is: the same in process and from afar. */
import { toRegistry } from "../define/registry.ts";
import type { Workflow } from "../define/workflow.ts";
import { InvalidOptionError, StoppedError } from "../errors.ts";
import type { Backend, FeedChange } from "../hosts/remote/backend.ts";
import type { PluginReplayDlq, RunPurge } from "../kernel/api.ts";
import type { BlobKey, DeadLetter, Event, Graph, LogBatch, Payload, Run, StageRecord } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { decodePayload } from "../ports/payload.ts";
import type { ChangeRecord, Page, RunFilter, StorageReport } from "../ports/store.ts";
import { checkName, checkObject, checkWhole } from "../runner/options.ts";
import type {
  ChangeQuery,
  Engine,
  EventQuery,
  LetterQuery,
  LogQuery,
  RunHandle,
  RunSnapshot,
  StartOptions,
} from "./api.ts";
import { BackendHandle, defined, type HandleContext } from "./handle.ts";
import { KeyedCommands } from "./keyed.ts";
import { Watch } from "./watch.ts";

/** How long an engine's stop may take. */
export interface StopOptions {
  readonly graceMs?: number;
}

/** What a client is made of. */
export interface ClientOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The workflows that the backend's kernel was made with. */
  readonly workflows: readonly Workflow[];
  /** Whether the kernel is somewhere else: workflows are sent along, and a command may be carried out twice. */
  readonly isRemote: boolean;
  /** Stops what drives the backend. */
  readonly onStop: (options: StopOptions) => Promise<void>;
}

/** An {@link Engine} over a backend. */
export class EngineClient implements Engine {
  readonly #options: ClientOptions;
  readonly #workflows: Map<string, Workflow>;
  readonly #context: HandleContext;
  readonly #listeners = new Set<() => void>();
  #isUp = true;
  #stopping: Promise<void> | null = null;

  constructor(options: ClientOptions) {
    const { backend, clock, ids, workflows, isRemote } = options;
    this.#options = options;
    this.#workflows = new Map(workflows.map((workflow) => [workflow.id, workflow]));
    this.#context = {
      backend,
      watch: new Watch(backend, clock),
      keyed: new KeyedCommands(clock, isRemote ? () => ids.runId() : null),
      assertUp: () => this.#assertUp(),
      workflow: (workflowId) => this.#workflows.get(workflowId),
    };
  }

  async start<Output>(
    workflow: Workflow<unknown, Output> | string,
    input: unknown,
    options: StartOptions = {},
  ): Promise<RunHandle<Output>> {
    this.#assertUp();
    checkObject("engine.start", "options", options);
    const workflowId = this.#idOf(workflow);
    const sent = this.#options.isRemote ? this.#workflows.get(workflowId) : undefined;
    const registered = sent && toRegistry([sent]).get(workflowId);
    const ownKey = this.#options.ids.runId();
    const { workflowRunId } = await this.#context.keyed.send("run.create", options.idempotencyKey, (key) =>
      this.#options.backend.start(
        { ...defined(options), type: "run.create", workflowId, input, idempotencyKey: key ?? ownKey },
        registered,
      ),
    );
    return new BackendHandle<Output>(this.#context, workflowRunId, workflowId);
  }

  async get(idOrKey: string): Promise<RunHandle | null> {
    const { backend } = this.#options;
    const run = (await backend.find({ runId: idOrKey }))?.run ?? (await backend.runByKey(idOrKey));
    return run === null ? null : new BackendHandle(this.#context, run.id, run.workflowId);
  }

  workflows(): Promise<readonly Graph[]> {
    return Promise.resolve(this.#options.workflows.map(({ graph }) => graph));
  }

  async runs(filter: RunFilter = {}): Promise<Page<Run>> {
    checkObject("engine.runs", "filter", filter);
    return this.#options.backend.runs(filter);
  }

  async logs(query: LogQuery): Promise<readonly LogBatch[]> {
    checkObject("engine.logs", "query", query, "an object with a runId");
    checkName("engine.logs", "query.runId", query.runId);
    return this.#options.backend.logs(query);
  }

  async inspect(idOrKey: string): Promise<RunSnapshot | null> {
    const { backend } = this.#options;
    let found = await backend.run(idOrKey);
    if (found === null) {
      const run = await backend.runByKey(idOrKey);
      found = run && (await backend.run(run.id));
    }
    if (found === null) return null;
    const { run, graph, body, stages, jobs, signals, letters } = found;
    return { run, graph, body, stages, jobs, signals, letters };
  }

  async events(query: EventQuery): Promise<readonly Event[]> {
    checkObject("engine.events", "query", query, "an object with a runId");
    checkName("engine.events", "query.runId", query.runId);
    const { runId, ...rest } = query;
    return this.#options.backend.events({ run: runId, ...rest });
  }

  pastAttempts(runId: string): Promise<readonly StageRecord[]> {
    return this.#options.backend.past(runId);
  }

  async deadLetters(query: LetterQuery = {}): Promise<readonly DeadLetter[]> {
    checkObject("engine.deadLetters", "query", query);
    return this.#options.backend.letters(query);
  }

  async replayDeadLetters(options: Omit<PluginReplayDlq, "type"> = {}): Promise<number> {
    this.#assertUp();
    checkObject("engine.replayDeadLetters", "options", options);
    return (await this.#options.backend.dispatch({ ...options, type: "plugin.replayDLQ" })).replayed;
  }

  async purge(options: Omit<RunPurge, "type"> = {}): Promise<number> {
    this.#assertUp();
    checkObject("engine.purge", "options", options);
    return (await this.#options.backend.dispatch({ ...options, type: "run.purge" })).purged;
  }

  async changeLog(query: ChangeQuery = {}): Promise<readonly ChangeRecord[]> {
    checkObject("engine.changeLog", "query", query);
    return this.#options.backend.changes(query);
  }

  value(payload: Payload): Promise<unknown> {
    return decodePayload(payload, (key) => this.#options.backend.blob(key));
  }

  blob(key: BlobKey): Promise<Blob | null> {
    return this.#options.backend.blob(key);
  }

  blobs(runId: string): Promise<readonly BlobKey[]> {
    return this.#options.backend.blobs(runId);
  }

  subscribe(listener: (changes: readonly FeedChange[]) => void): () => void {
    const end = this.#options.backend.subscribe(listener);
    this.#listeners.add(end);
    return () => {
      this.#listeners.delete(end);
      end();
    };
  }

  storage(): Promise<StorageReport> {
    return this.#options.backend.storage();
  }

  async stop(options: StopOptions = {}): Promise<void> {
    // Before anything is stopped: a call that was refused has done nothing.
    checkObject("engine.stop", "options", options);
    if (options.graceMs !== undefined) checkWhole("engine.stop", "graceMs", options.graceMs, 0);
    this.#stopping ??= this.#stop(options);
    await this.#stopping;
  }

  async destroy(options: StopOptions = {}): Promise<void> {
    await this.stop(options);
  }

  async #stop(options: StopOptions): Promise<void> {
    this.#isUp = false;
    this.#context.keyed.close();
    await this.#options.onStop(options);
    this.#context.watch.close();
    for (const end of this.#listeners) end();
    this.#listeners.clear();
  }

  #assertUp(): void {
    if (!this.#isUp) throw new StoppedError("this engine");
  }

  /** A workflow of the same id and another graph would be started as the one that the kernel was made with. */
  #idOf(workflow: Workflow | string): string {
    if (typeof workflow === "string") return workflow;
    if (typeof workflow?.graph?.hash !== "string") {
      throw new InvalidOptionError(
        "engine.start",
        "workflow",
        "made by build(), or a workflow's id",
        workflow,
      );
    }
    const known = this.#workflows.get(workflow.id);
    // Sent along, it is itself; and remembered, so that its runs' results can be parsed.
    if (this.#options.isRemote) this.#workflows.set(workflow.id, workflow);
    else if (known !== undefined && known.graph.hash !== workflow.graph.hash) {
      const expected = `the ${JSON.stringify(known.id)} that the engine was made with`;
      throw new InvalidOptionError("engine.start", "workflow", expected, workflow);
    }
    return workflow.id;
  }
}
