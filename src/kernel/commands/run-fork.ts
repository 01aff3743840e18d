/** `run.fork`: a new run of the same graph that starts before a stage, with copies of the earlier outputs. */
import { RunNotFoundError, UnknownStageError } from "../../errors.ts";
import type { BlobKey, Payload, RunState } from "../../model.ts";
import { type Loaded, type LoadedRun, NOW, type Scope } from "../../ports/store.ts";
import type { Results, RunFork } from "../api.ts";
import type { Decision, Given } from "../decision.ts";
import { hasStage, nodeOf, requireOutputs } from "../jobs.ts";

/** The run to fork with its payloads and records. */
export function scopeFork(command: RunFork): Scope {
  return {
    of: "run",
    runId: command.workflowRunId,
    graph: true,
    body: true,
    stages: "all",
    ...(command.idempotencyKey === undefined
      ? {}
      : { key: { type: "run.fork", key: command.idempotencyKey } }),
  };
}

/** The blobs that the fork needs copies of, so that either run can be purged without the other. */
export function blobsOfFork(found: LoadedRun, fromStageId: string, keepsConfig: boolean): readonly BlobKey[] {
  if (found.graph === null || !hasStage(found.graph, fromStageId)) return [];
  const { group } = nodeOf(found.graph, fromStageId);
  const payloads = [found.body?.input, keepsConfig ? found.body?.config : undefined];
  for (const stage of found.stages) if (stage.group < group) payloads.push(stage.output ?? undefined);
  return payloads.flatMap((payload) =>
    payload === undefined
      ? []
      : [...(payload.kind === "blob" ? [payload.key] : []), ...(payload.blobs ?? []).map(({ key }) => key)],
  );
}

/** The same blob as the fork's own. */
export function forkedKey(key: BlobKey, runId: string): BlobKey {
  return { ...key, runId };
}

function forked<P extends Payload | null>(payload: P, runId: string): P {
  if (payload === null) return payload;
  const blobs = payload.blobs && {
    blobs: payload.blobs.map((ref) => ({ ...ref, key: forkedKey(ref.key, runId) })),
  };
  return payload.kind === "blob"
    ? { ...payload, key: forkedKey(payload.key, runId), ...blobs }
    : { ...payload, ...blobs };
}

/** The old run is neither read under a guard nor touched: what is settled of it doesn't change. */
export function decideFork(
  command: RunFork,
  hash: string,
  config: Payload | null,
  loaded: Loaded,
  given: Given,
): Decision<Results["run.fork"]> {
  const [found] = loaded.runs;
  if (found?.graph == null || found.body === null) throw new RunNotFoundError(command.workflowRunId);
  const { run, graph, body } = found;
  if (!hasStage(graph, command.fromStageId)) {
    throw new UnknownStageError(
      run.workflowId,
      command.fromStageId,
      graph.stages.map(({ id }) => id),
    );
  }
  const { group } = nodeOf(graph, command.fromStageId);
  const kept = found.stages.filter((stage) => stage.group < group);
  requireOutputs(run.id, command.fromStageId, graph, found.stages, group);
  const runId = given.runId;
  const state: RunState = { status: "PENDING", epoch: 1, group, error: null, delivered: false };
  const result = { workflowRunId: runId };
  const key = command.idempotencyKey ?? runId;
  return {
    entry: {
      id: given.entry,
      runId,
      command: "run.fork",
      guards: {},
      create: {
        ...state,
        id: runId,
        workflowId: run.workflowId,
        graph: run.graph,
        priority: run.priority,
        key,
        forkedFrom: { runId: run.id, stageId: command.fromStageId },
      },
      graph,
      body: { runId, input: forked(body.input, runId), config: config ?? forked(body.config, runId) },
      counters: { set: { remaining: 0, active: 0 } },
      stages: kept.map((stage) => ({ ...stage, runId, epoch: 1, output: forked(stage.output, runId) })),
      events: [
        {
          type: "workflow:created",
          payload: { graph: run.graph, priority: run.priority, forkedFrom: run.id },
        },
      ],
      ...(command.idempotencyKey === undefined
        ? {}
        : {
            key: {
              expect: null,
              put: {
                type: "run.fork",
                key,
                hash,
                runId,
                entry: given.entry,
                createdAt: NOW,
                expiresAt: null,
                open: null,
                result,
              },
            },
          }),
    },
    result: () => result,
  };
}
