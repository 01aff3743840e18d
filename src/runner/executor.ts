/** Executes stages in this process. */
import type { Workflow } from "../define/workflow.ts";
import type { Stage } from "../define/stage.ts";
import { UnknownStageError, UnknownWorkflowError } from "../errors.ts";
import {
  type CheckOutcome,
  type Execution,
  type Executor,
  handlerOf,
  limitOf,
  type StageOutcome,
} from "../ports/executor.ts";
import type { Clock } from "../ports/clock.ts";
import type { StageTask } from "../ports/executor.ts";
import type { Surroundings } from "./attempt.ts";
import { BodyAttempt } from "./body.ts";
import { CheckAttempt } from "./check.ts";
import { final } from "./outcome.ts";

/** What {@link inProcessExecutor} takes. */
export interface ExecutorOptions {
  /** The workflows whose stages it has code for. */
  readonly workflows: readonly Workflow[];
  /** Counts timeouts, and paces logs and progress. */
  readonly clock: Clock;
  /** Milliseconds between completion checks where a body names none; 5000 by default. */
  readonly pollMs?: number;
}

/**
 * An executor that runs stage bodies in this process. Nothing that a body does or throws is thrown by it: errors are outcomes.
 *
 * A body that ignores its signal goes on after a timeout or abort, but what it still gives is ignored; only a host with workers can end it.
 */
export function inProcessExecutor(options: ExecutorOptions): Executor {
  const { workflows, clock, pollMs = 5000 } = options;
  const surroundings: Surroundings = { clock, pollMs };
  const byId = new Map(workflows.map((workflow) => [workflow.id, workflow]));
  const handlers = new Set<string>();
  for (const { id, stages } of workflows)
    for (const stageId of stages.keys()) handlers.add(handlerOf(id, stageId));
  const find = (task: StageTask): Stage | Error => {
    const workflow = byId.get(task.workflowId);
    if (workflow === undefined) return new UnknownWorkflowError(task.workflowId, [...byId.keys()]);
    const stage = workflow.stages.get(task.stage.id);
    return stage ?? new UnknownStageError(workflow.id, task.stage.id, [...workflow.stages.keys()]);
  };
  return {
    handlers,
    execute(task, observer): Execution<StageOutcome> {
      const stage = find(task);
      if (stage instanceof Error) return ended({ ...final(stage), events: [], blobs: [] });
      return new BodyAttempt(task, stage, observer, surroundings).start(limitOf("execute", task));
    },
    check(task, observer): Execution<CheckOutcome> {
      const stage = find(task);
      if (stage instanceof Error) return ended(final(stage));
      return new CheckAttempt(task, stage, observer, surroundings).start(limitOf("check", task));
    },
  };
}

/** An execution that was over before it began. */
function ended<Outcome>(outcome: Outcome): Execution<Outcome> {
  return { outcome: Promise.resolve(outcome), abort: () => undefined };
}
