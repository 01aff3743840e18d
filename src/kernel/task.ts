/** What a stage's body is given, gathered from what is remembered and, for the rest, from one load. */
import { RunNotFoundError } from "../errors.ts";
import type {
  BlobKey,
  Graph,
  GroupKind,
  Job,
  LogBatch,
  Payload,
  RunBody,
  StageNode,
  StageRecord,
} from "../model.ts";
import { handlerOf, type StageTask, type TaskObserver } from "../ports/executor.ts";
import type { Core } from "./core.ts";
import { groupOf } from "./decision.ts";
import type { WarmRun } from "./warm.ts";

interface Wanted {
  readonly previous: readonly string[];
  readonly previousKind: GroupKind | null;
  readonly ids: readonly string[];
}

// Going through all stages for each one of a group of 10,000 would be quadratic.
const wantedBy = new WeakMap<StageNode, Wanted>();

/** The stages whose outputs a body needs: its declared dependencies, and the group before where that is its input. */
function wantedOutputs(graph: Graph, node: StageNode): Wanted {
  let wanted = wantedBy.get(node);
  if (wanted === undefined) {
    const previous = node.input === "previous" && node.group > 0 ? groupOf(graph, node.group - 1) : [];
    const declared = node.dependencies ?? earlier(graph, node.group);
    wanted = {
      previous,
      previousKind: previous.length === 0 ? null : (graph.kinds[node.group - 1] ?? null),
      ids: [...new Set([...previous, ...declared])],
    };
    wantedBy.set(node, wanted);
  }
  return wanted;
}

const earlierBy = new WeakMap<Graph, Map<number, readonly string[]>>();

/** The stages of all groups before one. */
function earlier(graph: Graph, group: number): readonly string[] {
  let byGroup = earlierBy.get(graph);
  if (byGroup === undefined) {
    byGroup = new Map();
    earlierBy.set(graph, byGroup);
  }
  let ids = byGroup.get(group);
  if (ids === undefined) {
    ids = graph.groups.slice(0, group).flat();
    byGroup.set(group, ids);
  }
  return ids;
}

interface TaskOptions {
  readonly config?: unknown;
  /** The stage's record, where the caller has read it. */
  readonly record?: StageRecord;
}

/** Gathers the task of a started job. A promise only where something must be read: in a pipe everything is remembered. */
export function taskOf(
  core: Core,
  view: WarmRun,
  node: StageNode,
  job: Job,
  options: TaskOptions = {},
): StageTask | Promise<StageTask> {
  const { ids } = wantedOutputs(view.graph, node);
  const needsRecord = job.resumes && options.record === undefined;
  if (view.body !== null && !needsRecord && ids.every((stageId) => view.outputs.has(stageId))) {
    return gather(view, view.body, node, job, options);
  }
  return readTask(core, view, node, job, options, needsRecord);
}

async function readTask(
  core: Core,
  view: WarmRun,
  node: StageNode,
  job: Job,
  options: TaskOptions,
  needsRecord: boolean,
): Promise<StageTask> {
  const { ids } = wantedOutputs(view.graph, node);
  const missing = ids.filter((stageId) => !view.outputs.has(stageId));
  const { runs } = await core.ports.store.load({
    of: "run",
    runId: job.runId,
    body: view.body === null,
    stages: needsRecord ? [...missing, node.id] : missing,
  });
  const [found] = runs;
  if (found === undefined) throw new RunNotFoundError(job.runId);
  view.body ??= found.body;
  let { record } = options;
  for (const stage of found.stages) {
    if (stage.stageId === node.id) record = stage;
    else if (stage.status === "COMPLETED" || stage.status === "SKIPPED")
      view.outputs.set(stage.stageId, stage.output);
  }
  if (view.body === null) throw new RunNotFoundError(job.runId);
  return gather(view, view.body, node, job, record === undefined ? options : { ...options, record });
}

function gather(
  view: WarmRun,
  body: RunBody,
  node: StageNode,
  job: Job,
  { config, record }: TaskOptions,
): StageTask {
  const { previous, previousKind, ids } = wantedOutputs(view.graph, node);
  const outputs = new Map<string, Payload | null>();
  for (const stageId of ids) outputs.set(stageId, view.outputs.get(stageId) ?? null);
  return {
    runId: job.runId,
    workflowId: job.workflowId,
    stage: node,
    epoch: job.epoch,
    attempt: job.attempt,
    token: job.token,
    worker: job.worker,
    input: body.input,
    previous,
    previousKind,
    outputs,
    config: body.config,
    ...(config === undefined ? {} : { ownConfig: { value: config } }),
    resume:
      job.resumes && record?.state != null
        ? { state: record.state, wake: record.wake ?? { kind: "timer" } }
        : null,
    idempotencyKey: `${handlerOf(job.runId, node.id)}/${job.epoch}`,
  };
}

/** What an execution reports to while it is under way. */
export class KernelObserver implements TaskObserver {
  readonly #core: Core;
  readonly #job: Job;

  constructor(core: Core, job: Job) {
    this.#core = core;
    this.#job = job;
  }

  progress(report: Parameters<TaskObserver["progress"]>[0]): void {
    const { runId, stageId, epoch, attempt } = this.#job;
    this.#core.ports.store.announce({ kind: "progress", runId, stageId, epoch, attempt, ...report });
  }

  logs(batch: LogBatch): Promise<void> {
    return this.#core.ports.store.appendLogs([batch]);
  }

  readBlob(key: BlobKey): Promise<Blob | null> {
    return this.#core.ports.blobs.get(key);
  }

  writeBlob(key: BlobKey, data: Blob): Promise<void> {
    return this.#core.ports.blobs.put(key, data);
  }

  listBlobs(): Promise<readonly BlobKey[]> {
    return this.#core.ports.blobs.list(this.#job.runId);
  }
}
