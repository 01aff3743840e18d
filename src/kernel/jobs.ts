/** Jobs as a decision puts them: enqueued, leased, started, or back in the queue. */
import { MissingOutputError } from "../errors.ts";
import type { EventBody, Graph, Job, Run, StageNode, StageRecord } from "../model.ts";
import { handlerOf } from "../ports/executor.ts";
import { type JobWrite, NOW } from "../ports/store.ts";
import { type Given, groupOf } from "./decision.ts";

/** The node of a stage; the caller has checked that the graph has it. */
export function nodeOf(graph: Graph, stageId: string): StageNode {
  const node = graph.stages[indexOf(graph).get(stageId) ?? -1];
  if (node === undefined) throw new RangeError(`graph ${graph.hash} has no stage ${stageId}`);
  return node;
}

/** Whether a graph has a stage. */
export function hasStage(graph: Graph, stageId: string): boolean {
  return indexOf(graph).has(stageId);
}

// A search through `stages` would make a group of 10,000 quadratic.
const indexes = new WeakMap<Graph, Map<string, number>>();
function indexOf(graph: Graph): Map<string, number> {
  let index = indexes.get(graph);
  if (index === undefined) {
    index = new Map(graph.stages.map((stage, at) => [stage.id, at]));
    indexes.set(graph, index);
  }
  return index;
}

/** Tokens go on over epochs: one of an earlier epoch must not open a job of a later one, whoever presents it. */
function firstToken(epoch: number): number {
  return (epoch - 1) * 2 ** 32;
}

/** What starting a group writes: one job a stage, the first of them leased and started where a worker has room. */
export function enqueueGroup(
  run: Pick<Run, "id" | "workflowId" | "epoch" | "priority">,
  graph: Graph,
  group: number,
  given: Pick<Given, "lease" | "policy">,
): { jobs: JobWrite[]; events: EventBody[] } {
  const { slots = 0, handlers } = given.lease ?? {};
  const token = firstToken(run.epoch);
  const jobs: JobWrite[] = [];
  const events: EventBody[] = [];
  let left = slots;
  for (const stageId of groupOf(graph, group)) {
    const leased = left > 0 && (handlers === undefined || handlers.has(handlerOf(run.workflowId, stageId)));
    if (leased) left -= 1;
    jobs.push({
      runId: run.id,
      stageId,
      workflowId: run.workflowId,
      epoch: run.epoch,
      group,
      kind: "execute",
      priority: run.priority,
      attempt: leased ? 1 : 0,
      failures: 0,
      crashes: 0,
      checkFailures: 0,
      started: leased,
      token: leased ? token + 1 : token,
      worker: leased ? (given.lease?.workerId ?? null) : null,
      leaseUntil: leased ? { in: given.policy.leaseMs } : 0,
      renewedAt: leased ? NOW : 0,
      dueAt: NOW,
      enqueuedAt: NOW,
      startedAt: leased ? NOW : null,
      suspended: false,
      resumes: false,
      signal: null,
      deadlineAt: null,
    });
    if (leased) {
      events.push({
        type: "stage:started",
        payload: { stageId, epoch: run.epoch, attempt: 1, worker: given.lease?.workerId ?? null },
      });
    }
  }
  return { jobs, events };
}

/** The job without its lease: whoever held it holds nothing any more, because the token moved on. */
export function unleased(job: Job, change: Partial<JobWrite>): JobWrite {
  return {
    ...job,
    started: false,
    token: job.token + 1,
    worker: null,
    leaseUntil: 0,
    renewedAt: 0,
    ...change,
  };
}

/** Throws unless every stage of the groups before `group` has its output, or was skipped. */
export function requireOutputs(
  runId: string,
  stageId: string,
  graph: Graph,
  stages: readonly StageRecord[],
  group: number,
): void {
  const have = new Map(stages.map((stage) => [stage.stageId, stage.status]));
  for (const stage of graph.stages) {
    const status = have.get(stage.id);
    if (stage.group < group && status !== "COMPLETED" && status !== "SKIPPED") {
      throw new MissingOutputError(
        stageId,
        stage.id,
        `which isn't completed in run ${JSON.stringify(runId)}; start from an earlier stage`,
      );
    }
  }
}
