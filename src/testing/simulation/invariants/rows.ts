/** What must be true of a run's rows after every commit, whoever made it. */
import { type Graph, isSettled } from "../../../model.ts";
import type { ModelRun } from "../model.ts";
import type { Report } from "./report.ts";

/** Counters, groups and statuses agree with each other. */
export function checkRows(run: ModelRun, graph: Graph, report: Report): void {
  const { head, jobs, stages } = run;
  const { id, status } = head;
  const active = [...jobs.values()].filter((job) => !job.suspended).length;
  if (head.remaining !== jobs.size || head.active !== active) {
    report(
      "counters",
      `run ${id} (${status}) counts ${head.remaining} open stages, ${head.active} of them active, and has ${jobs.size} jobs, ${active} of them active`,
    );
  }
  const idle = status === "PENDING" || isSettled(status);
  if (idle && jobs.size > 0) report("jobs", `run ${id} is ${status} and has ${jobs.size} jobs`);
  for (const job of jobs.values()) {
    if (job.epoch !== head.epoch || job.group !== head.group) {
      report(
        "jobs",
        `run ${id} is in epoch ${head.epoch}, group ${head.group}; its job ${job.stageId} in epoch ${job.epoch}, group ${job.group}`,
      );
    }
  }
  for (const { id: stageId, group } of graph.stages) {
    const record = stages.get(stageId);
    const done = record?.status === "COMPLETED" || record?.status === "SKIPPED";
    if (group < head.group && !done) {
      report(
        "groups",
        `run ${id} is in group ${head.group}, and stage ${stageId} of group ${group} is ${record?.status ?? "missing"}`,
      );
    }
    if (group > head.group && record !== undefined) {
      report(
        "groups",
        `run ${id} is in group ${head.group}, and stage ${stageId} of group ${group} has a record`,
      );
    }
    if (group === head.group && (status === "RUNNING" || status === "SUSPENDED")) {
      const settled = record !== undefined && isSettled(record.status);
      if (settled === jobs.has(stageId)) {
        report(
          "jobs",
          `stage ${stageId} of run ${id} has ${settled ? "both a result and" : "neither a result nor"} a job`,
        );
      }
    }
    if (status === "COMPLETED" && !done) {
      report(
        "completed",
        `run ${id} is COMPLETED, and its stage ${stageId} is ${record?.status ?? "missing"}`,
      );
    }
  }
  if ((status === "FAILED") !== (head.error !== null) && isSettled(status) && status !== "CANCELLED") {
    report("errors", `run ${id} is ${status}, and its error is ${JSON.stringify(head.error)}`);
  }
}
