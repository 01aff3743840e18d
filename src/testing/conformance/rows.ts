/** Rows and entries as the kernel would write them, small enough to read in a case. */
import type {
  Event,
  EventBody,
  Graph,
  GroupKind,
  Job,
  Payload,
  Run,
  RunState,
  StageNode,
} from "../../model.ts";
import { canonical } from "../../ports/canonical.ts";
import { copyValue } from "../../ports/copy.ts";
import {
  type Committed,
  type CursorWrite,
  type Entry,
  type JobWrite,
  type KeyWrite,
  type LetterWrite,
  NOW,
  type StageWrite,
  type Store,
  type Verdict,
} from "../../ports/store.ts";
import { ConformanceError, equal, present } from "./assert.ts";

/** Long enough never to pass by itself during a case, on any clock. */
export const LONG = 3_600_000;

/** Short enough to wait for on a real clock. */
export const SHORT = 20;

let counter = 0;

/** A name that no other case uses. */
export function unique(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** A graph of groups of stages. */
export function graphOf(workflowId: string, groups: readonly (readonly string[])[]): Graph {
  counter += 1;
  const stages = groups.flatMap((ids, group) => ids.map((id) => nodeOf(id, group)));
  const kinds = groups.map(({ length }): GroupKind => (length === 1 ? "pipe" : "parallel"));
  return {
    hash: counter.toString(16).padStart(64, "0"),
    workflowId,
    name: workflowId,
    stages,
    groups,
    kinds,
  };
}

function nodeOf(id: string, group: number): StageNode {
  const backoff = { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 0.5 };
  const policy = { maxAttempts: 3, maxCrashes: 5, timeoutMs: null, backoff };
  return { id, name: id, group, input: "previous", dependencies: null, checks: false, policy };
}

/** A payload by value. */
export function payload(value: unknown): Payload {
  return { kind: "value", value };
}

/** An event that carries any value. */
export function note(value: unknown): EventBody {
  return { type: "annotation:created", payload: { name: "note", value } };
}

/** The value that a note carries. */
export function notedIn(event: Event): unknown {
  return event.type === "annotation:created" ? event.payload.value : event;
}

/** Any state. */
export function stateOf(change: Partial<RunState> = {}): RunState {
  return { status: "RUNNING", epoch: 1, group: 0, error: null, delivered: false, ...change };
}

/** An entry that does nothing but touch its run. */
export function entryFor(runId: string, change: Partial<Entry> = {}): Entry {
  return { id: unique("entry"), runId, command: "test", guards: {}, events: [], ...change };
}

/** A run to create, of a workflow of its own unless `graph` says otherwise. */
export interface NewRun {
  readonly id?: string;
  readonly graph?: Graph;
  readonly priority?: number;
  readonly key?: string;
  readonly forkedFrom?: Run["forkedFrom"];
  readonly state?: Partial<RunState>;
  readonly entry?: Partial<Entry>;
}

/** An entry that inserts a run. */
export function creation(given: NewRun = {}): Entry {
  const id = given.id ?? unique("run");
  const graph = given.graph ?? graphOf(unique("workflow"), [["a"], ["b"]]);
  return entryFor(id, {
    create: {
      ...stateOf(given.state),
      id,
      workflowId: graph.workflowId,
      graph: graph.hash,
      priority: given.priority ?? 0,
      key: given.key ?? id,
      forkedFrom: given.forkedFrom ?? null,
    },
    graph,
    body: { runId: id, input: payload({ of: id }), config: payload({}) },
    counters: { set: { remaining: 1, active: 1 } },
    ...given.entry,
  });
}

/** A job that is due now, unless changed. */
export function jobOf(runId: string, stageId: string, change: Partial<JobWrite> = {}): JobWrite {
  return {
    runId,
    stageId,
    workflowId: "w",
    epoch: 1,
    group: 0,
    kind: "execute",
    priority: 0,
    attempt: 0,
    failures: 0,
    crashes: 0,
    checkFailures: 0,
    started: false,
    token: 0,
    worker: null,
    leaseUntil: 0,
    renewedAt: 0,
    dueAt: NOW,
    enqueuedAt: NOW,
    startedAt: null,
    suspended: false,
    resumes: false,
    signal: null,
    deadlineAt: null,
    ...change,
  };
}

/** A stage's record, completed unless changed. */
export function stageOf(runId: string, stageId: string, change: Partial<StageWrite> = {}): StageWrite {
  return {
    runId,
    stageId,
    epoch: 1,
    group: 0,
    status: "COMPLETED",
    attempt: 1,
    failures: 0,
    crashes: 0,
    worker: "worker",
    startedAt: NOW,
    endedAt: NOW,
    output: payload({ of: stageId }),
    error: null,
    state: null,
    wake: null,
    reason: null,
    ...change,
  };
}

/** An idempotency record. */
export function keyOf(runId: string, key: string, entry: string, change: Partial<KeyWrite> = {}): KeyWrite {
  return {
    type: "test",
    key,
    hash: "{}",
    runId,
    entry,
    createdAt: NOW,
    expiresAt: null,
    open: null,
    result: { workflowRunId: runId },
    ...change,
  };
}

/** A cursor that nobody holds. */
export function cursorOf(position: number, change: Partial<CursorWrite> = {}): CursorWrite {
  return { position, token: 1, holder: null, heldUntil: 0, failures: 0, dueAt: 0, ...change };
}

/** A dead letter. */
export function letterOf(runId: string, sequence: number, change: Partial<LetterWrite> = {}): LetterWrite {
  return {
    runId,
    subscriber: "sink",
    sequence,
    type: "annotation:created",
    error: { name: "Error", code: "DELIVERY_FAILED", message: "no" },
    failures: 3,
    at: NOW,
    replaying: false,
    ...change,
  };
}

/** Commits one entry that must be committed. */
export async function commit(store: Store, entry: Entry): Promise<Committed> {
  const verdict = await verdictOf(store, entry);
  if (verdict.status === "invalid" || verdict.status === "unknown") throw verdict.error;
  if (verdict.status !== "committed")
    throw new ConformanceError(`entry ${entry.command}`, "committed", verdict);
  return verdict;
}

/** The verdict of one entry. */
export async function verdictOf(store: Store, entry: Entry): Promise<Verdict> {
  const [verdict] = await store.commit([entry]);
  return present(verdict, "a verdict");
}

/** Inserts a run with jobs for these stages; answers its head. */
export async function createRun(store: Store, given: NewRun = {}, ...stageIds: string[]): Promise<Run> {
  const base = creation(given);
  const jobs = stageIds.map((stageId) =>
    jobOf(base.runId, stageId, {
      workflowId: base.create?.workflowId ?? "",
      priority: base.create?.priority ?? 0,
    }),
  );
  await commit(store, { ...base, jobs: [...jobs, ...(base.jobs ?? [])] });
  return headOf(store, base.runId);
}

/** The head of a run that must be there. */
export async function headOf(store: Store, runId: string): Promise<Run> {
  return present(await store.run(runId), `run ${runId}`).run;
}

/** Claims for a worker what has code for these stages. */
export async function claim(
  store: Store,
  run: Pick<Run, "workflowId">,
  stageIds: readonly string[],
  change: Partial<Parameters<Store["jobs"]["claim"]>[0]> = {},
): Promise<Awaited<ReturnType<Store["jobs"]["claim"]>>> {
  const handlers = new Set(stageIds.map((stageId) => `${run.workflowId}/${stageId}`));
  const request = { workerId: "worker", kinds: ["execute"] as const, limit: 100, leaseFor: LONG };
  return store.jobs.claim({ ...request, handlers, ...change });
}

/** Claims exactly one job. */
export async function claimOne(
  store: Store,
  run: Pick<Run, "workflowId">,
  stageId: string,
  change: Partial<Parameters<Store["jobs"]["claim"]>[0]> = {},
): Promise<Job> {
  const { claimed } = await claim(store, run, [stageId], change);
  equal(claimed.length, 1, `jobs claimed for stage ${stageId}`);
  return present(claimed[0], "a claimed job").job;
}

/** Everything that can be asked about runs, to compare before and after. Rows come in no order of their own, so they are sorted. */
export async function snapshot(store: Store, ...runIds: string[]): Promise<unknown> {
  const runs = [];
  for (const runId of runIds) {
    const found = await store.run(runId);
    runs.push({
      run: found && {
        ...found,
        jobs: sorted(found.jobs),
        stages: sorted(found.stages),
        signals: sorted(found.signals),
        letters: sorted(found.letters),
        keys: sorted(found.keys),
      },
      events: await store.events({ run: runId }),
      past: sorted(await store.past(runId)),
      logs: await store.logs({ runId }),
      letters: sorted(await store.letters({ runId })),
      blobs: sorted(await store.blobs.list(runId)),
    });
  }
  // A copy, so that what a case does to the rows that a store hands out can't change what it compares them with.
  return copyValue(runs);
}

/** Rows by their text. */
export function sorted<Row>(rows: readonly Row[]): Row[] {
  const texts = new Map(rows.map((row) => [row, canonical(row)]));
  return rows.toSorted((left, right) => ((texts.get(left) ?? "") < (texts.get(right) ?? "") ? -1 : 1));
}
