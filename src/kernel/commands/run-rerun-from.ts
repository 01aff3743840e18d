/** `run.rerunFrom`: raises the epoch and queues the run again from a stage's execution group on, with the earlier outputs kept. */
import { RunNotFoundError, RunNotSettledError, UnknownStageError } from "../../errors.ts";
import { isSettled } from "../../model.ts";
import { type Loaded, NOW, type Scope } from "../../ports/store.ts";
import type { Results, RunRerunFrom } from "../api.ts";
import { type Decision, type Given, stateOf } from "../decision.ts";
import { hasStage, nodeOf, requireOutputs } from "../jobs.ts";

/** The run with all that it has of stages and jobs. */
export function scopeRerun(command: RunRerunFrom): Scope {
  return {
    of: "run",
    runId: command.workflowRunId,
    graph: true,
    stages: "all",
    jobs: "all",
    ...(command.idempotencyKey === undefined
      ? {}
      : { key: { type: "run.rerunFrom", key: command.idempotencyKey } }),
  };
}

/** Records of the group and of later ones move to the past, under their epoch. */
export function decideRerun(
  command: RunRerunFrom,
  hash: string,
  loaded: Loaded,
  given: Given,
): Decision<Results["run.rerunFrom"]> {
  const [found] = loaded.runs;
  if (found?.graph == null) throw new RunNotFoundError(command.workflowRunId);
  const { run, graph, stages } = found;
  if (!hasStage(graph, command.fromStageId)) {
    throw new UnknownStageError(
      run.workflowId,
      command.fromStageId,
      graph.stages.map(({ id }) => id),
    );
  }
  if (!isSettled(run.status) && command.force !== true) {
    throw new RunNotSettledError(run.id, run.status, "cancel it first, or rerun with force");
  }
  const { group } = nodeOf(graph, command.fromStageId);
  requireOutputs(run.id, command.fromStageId, graph, stages, group);
  const superseded = stages.filter((stage) => stage.group >= group);
  const result = {
    workflowRunId: run.id,
    fromStageId: command.fromStageId,
    deletedStages: superseded.map(({ stageId }) => stageId),
  };
  return {
    entry: {
      id: given.entry,
      runId: run.id,
      command: "run.rerunFrom",
      guards: { version: run.version, remaining: run.remaining },
      state: stateOf(run, { status: "PENDING", epoch: run.epoch + 1, group, error: null, delivered: false }),
      counters: { set: { remaining: 0, active: 0 } },
      dropJobs: "all",
      // By the graph, not by what was read: a stage that suspended since has a record that changes neither version nor counter.
      dropStages: graph.stages.filter((stage) => stage.group >= group).map(({ id }) => id),
      past: superseded,
      events: [],
      mark: true,
      ...(command.idempotencyKey === undefined
        ? {}
        : {
            key: {
              expect: null,
              put: {
                type: "run.rerunFrom",
                key: command.idempotencyKey,
                hash,
                runId: run.id,
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
