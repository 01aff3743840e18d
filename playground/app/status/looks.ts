import type { RunStatus } from "sluice";
import type { AttemptEnd, StageState } from "../run/view.ts";

/** How a status looks besides its colour and pattern, which `status.css` has under the class `status-<state>`. */
export interface Look {
  readonly state: StageState;
  readonly label: string;
}

const labels: Readonly<Record<StageState, string>> = {
  waiting: "Waiting",
  queued: "Queued",
  running: "Running",
  backoff: "Backing off",
  suspended: "Suspended",
  succeeded: "Succeeded",
  failed: "Failed",
  "lease-expired": "Worker lost",
  cancelled: "Cancelled",
  skipped: "Skipped",
  "not-run": "Not run",
};

/** The look of a stage. */
export function stageLook(state: StageState): Look {
  return { state, label: labels[state] };
}

const runStates: Readonly<Record<RunStatus, Look>> = {
  PENDING: stageLook("queued"),
  RUNNING: stageLook("running"),
  SUSPENDED: stageLook("suspended"),
  COMPLETED: { state: "succeeded", label: "Completed" },
  FAILED: stageLook("failed"),
  CANCELLED: stageLook("cancelled"),
};

/** The look of a run. */
export function runLook(status: RunStatus): Look {
  return runStates[status];
}

const ends: Readonly<Record<AttemptEnd, Look>> = {
  succeeded: stageLook("succeeded"),
  failed: stageLook("failed"),
  "will-retry": { state: "backoff", label: "Failed, retried" },
  suspended: stageLook("suspended"),
  "worker-died": { state: "lease-expired", label: "Worker died" },
  "lease-expired": { state: "lease-expired", label: "Lease expired" },
  "given-back": { state: "queued", label: "Given back" },
  skipped: stageLook("skipped"),
  cancelled: stageLook("cancelled"),
};

/** The look of an attempt by how it ended; null is one under way. */
export function attemptLook(end: AttemptEnd | null): Look {
  return end === null ? stageLook("running") : ends[end];
}
