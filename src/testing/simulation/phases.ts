/** What the engine was about when something befell it: the rows of the table that the simulator prints. */
import type { Entry } from "../../ports/store.ts";
import type { StoreCall } from "../crashing-store.ts";

/** The decisions, by what their entries are recognised by. */
export function phaseOf(entry: Entry): string {
  const told = (type: string): boolean => entry.events.some((event) => event.type === type);
  switch (entry.command) {
    case "run.create":
      return (entry.jobs?.length ?? 0) > 0 ? "commit run.create, leased" : "commit run.create";
    case "job.execute":
      if (entry.stages?.some(({ status }) => status === "SUSPENDED")) return "commit job.execute, suspend";
      if ((entry.stages?.length ?? 0) > 0) {
        return entry.state === undefined ? "commit job.execute, finish" : "commit job.execute, advance";
      }
      return told("stage:retrying") ? "commit job.execute, retry" : "commit job.execute, start";
    case "stage.pollSuspended":
      return (entry.dropJobs?.length ?? 0) > 0 ? "commit check, settle" : "commit check, requeue";
    case "lease.reapStale":
      return (entry.dropJobs?.length ?? 0) > 0
        ? "commit lease.reapStale, quarantine"
        : "commit lease.reapStale, free";
    case "outbox.flush":
      return Object.values(entry.cursors ?? {}).some(({ holder }) => holder !== null)
        ? "commit outbox.flush, hold"
        : "commit outbox.flush, move";
    default:
      return `commit ${entry.command}`;
  }
}

/** The phases that a call is part of; a commit may hold entries of several. */
export function phasesOf(call: StoreCall): readonly string[] {
  switch (call.method) {
    case "commit":
      return [...new Set(call.entries.map(phaseOf))];
    case "load":
      return [`load ${call.scope.of}`];
    case "claim":
      if (call.request.only !== undefined) return ["claim by hand"];
      return [call.request.kinds.includes("execute") ? "claim jobs" : "claim checks"];
    default:
      return [call.method];
  }
}
