/** How runs and stages may change from one commit to the next. */
import { type EventBody, isSettled, type RunStatus } from "../../../model.ts";
import type { Entry } from "../../../ports/store.ts";
import type { Applied } from "../model.ts";
import { same } from "../same.ts";
import type { Report } from "./report.ts";

/** The event that each status is told by. A rerun's PENDING is told by the start that follows. */
const TOLD_BY: Partial<Record<RunStatus, EventBody["type"]>> = {
  SUSPENDED: "workflow:suspended",
  COMPLETED: "workflow:completed",
  FAILED: "workflow:failed",
  CANCELLED: "workflow:cancelled",
};

/** Completions by run, stage and epoch. */
export class Lifecycle {
  readonly #completed = new Set<string>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Whether a stage was completed in an epoch. */
  isCompleted(runId: string, stageId: string, epoch: number): boolean {
    return this.#completed.has(`${runId}/${stageId}/${epoch}`);
  }

  /** Looks at one commit. */
  check(entry: Entry, { before, after }: Applied): void {
    if (entry.purge && before !== null) this.#purge(before);
    if (after === null) return;
    this.#completions(entry, after.head.epoch);
    if (before === null) return;
    const rerun = entry.command === "run.rerunFrom";
    const [from, to] = [before.head, after.head];
    if (isSettled(from.status) && !rerun) {
      const moved = to.status !== from.status || to.epoch !== from.epoch || to.group !== from.group;
      if (moved || entry.events.length > 0 || !same([...before.stages], [...after.stages])) {
        this.#report("settled", `${entry.command} changed run ${from.id}, which was ${from.status}`);
      }
    }
    if (rerun !== to.epoch > from.epoch || to.epoch > from.epoch + 1) {
      this.#report("epochs", `${entry.command} took run ${from.id} from epoch ${from.epoch} to ${to.epoch}`);
    }
    if (!rerun && to.group !== from.group && to.group !== from.group + 1) {
      this.#report("groups", `${entry.command} took run ${from.id} from group ${from.group} to ${to.group}`);
    }
    if (!rerun && from.error !== null && !same(from.error, to.error)) {
      this.#report("errors", `${entry.command} replaced the first error of run ${from.id}`);
    }
    for (const record of before.stages.values()) {
      if (!isSettled(record.status)) continue;
      const now = rerun
        ? (after.stages.get(record.stageId) ?? after.past.get(`${record.epoch}/${record.stageId}`))
        : after.stages.get(record.stageId);
      if (!same(record, now)) {
        this.#report(
          "outputs",
          `${entry.command} changed the record of ${record.stageId} of run ${from.id}, which was ${record.status}`,
        );
      }
    }
    const told = TOLD_BY[to.status];
    if (told !== undefined && to.status !== from.status && !entry.events.some(({ type }) => type === told)) {
      this.#report("events", `${entry.command} made run ${from.id} ${to.status} without ${told}`);
    }
  }

  #completions(entry: Entry, epoch: number): void {
    // A fork brings the records of the run that it comes from.
    if (entry.create !== undefined) return;
    const recorded = (entry.stages ?? []).filter((stage) => stage.status === "COMPLETED");
    const told = entry.events.filter((event) => event.type === "stage:completed");
    if (recorded.length !== told.length) {
      this.#report(
        "events",
        `${entry.command} on run ${entry.runId} completed ${recorded.length} stages and told of ${told.length}`,
      );
    }
    for (const { stageId } of recorded) {
      const name = `${entry.runId}/${stageId}/${epoch}`;
      if (this.#completed.has(name)) {
        this.#report(
          "completed once",
          `stage ${stageId} of run ${entry.runId} was completed twice in epoch ${epoch}`,
        );
      }
      this.#completed.add(name);
    }
  }

  #purge({ head, letters }: NonNullable<Applied["before"]>): void {
    if (!isSettled(head.status) || !head.delivered) {
      this.#report(
        "purge",
        `run ${head.id} was purged, ${head.status} and ${head.delivered ? "" : "un"}delivered`,
      );
    }
    for (const letter of letters.values()) {
      if (letter.replaying) {
        this.#report(
          "purge",
          `run ${head.id} was purged while event ${letter.sequence} was put back for ${letter.subscriber}`,
        );
      }
    }
  }
}
