/** What a decision is given in tests that call it directly. */
import type { Job, Run } from "../model.ts";
import type { Loaded, LoadedRun } from "../ports/store.ts";
import type { Given, KernelPolicy } from "./decision.ts";

/** The bounds of the kernels under test. */
export const POLICY: KernelPolicy = {
  leaseMs: 30_000,
  maxDeliveries: 3,
  deliveryBackoffMs: 1000,
  deliveryTimeoutMs: 30_000,
  holdMs: 30_000,
  keyRetentionMs: 7 * 86_400_000,
  pollMs: 5000,
};

/** Identity, chance and policy. */
export function givenOf(change: Partial<Given> = {}): Given {
  return {
    entry: "entry",
    runId: "run",
    random: 0.5,
    registry: { version: 0, subscribers: [] },
    policy: POLICY,
    lease: null,
    ...change,
  };
}

/** The head of a RUNNING run. */
export function runOf(change: Partial<Run> = {}): Run {
  return {
    id: "run",
    workflowId: "wf",
    graph: "graph",
    priority: 0,
    key: "key",
    forkedFrom: null,
    status: "RUNNING",
    epoch: 1,
    group: 0,
    error: null,
    delivered: false,
    version: 3,
    sequence: 2,
    remaining: 1,
    active: 1,
    cursors: {},
    entry: "before",
    createdAt: 1,
    updatedAt: 2,
    settledAt: null,
    ...change,
  };
}

/** A job that a worker has started. */
export function startedJob(stageId: string, change: Partial<Job> = {}): Job {
  return {
    runId: "run",
    stageId,
    workflowId: "wf",
    epoch: 1,
    group: 0,
    kind: "execute",
    priority: 0,
    attempt: 1,
    failures: 0,
    crashes: 0,
    checkFailures: 0,
    started: true,
    token: 4,
    worker: "w",
    leaseUntil: 100,
    renewedAt: 1,
    dueAt: 1,
    enqueuedAt: 1,
    startedAt: 1,
    suspended: false,
    resumes: false,
    signal: null,
    deadlineAt: null,
    ...change,
  };
}

/** What a scope saw of one run. */
export function loadedOf(
  found: Partial<LoadedRun> & Pick<LoadedRun, "run">,
  change: Partial<Loaded> = {},
): Loaded {
  const rest = {
    graph: null,
    body: null,
    jobs: [],
    stages: [],
    signals: [],
    journal: [],
    letters: [],
    keys: [],
  };
  return { now: 50, runs: [{ ...rest, ...found }], key: null, orphans: [], settled: null, ...change };
}
