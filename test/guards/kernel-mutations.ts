/** What the kernel's flows keep to. */
import { from, type Mutation, type Removal } from "./mutation.ts";

/** Removals from a flow, watched by tests of the kernel. */
function flow(name: string, tests: readonly string[], removals: readonly Removal[]): Mutation[] {
  const files = tests.map((test) => `src/kernel/${test}.test.ts`);
  return from(`src/kernel/${name}.ts`, files, removals);
}

export const ofKernel: readonly Mutation[] = [
  ...flow(
    "committer",
    ["committer", "commands/lease-reap-stale"],
    [
      ["folding only siblings", "if (!isSiblings(entry) || !isSiblings(waiting.entry)) return false;", ""],
      [
        "folding only entries of one epoch",
        "if (entry.guards.epoch !== waiting.entry.guards.epoch) return false;",
        "",
      ],
      [
        "folding only entries about different jobs",
        "if (stages.some((stageId) => this.#stages?.has(stageId))) return false;",
        "",
      ],
      [
        "a verdict of its own for each of a rejected fold",
        "if (group.length > 1 && verdict.status",
        "if (group.length > 9999 && verdict.status",
      ],
      [
        "at most one entry of a run under way",
        "if (this.#busy.has(entry.runId) || held.has(entry.runId))",
        "if (held.has(entry.runId))",
      ],
      [
        "settling a commit whose answer was lost",
        'settled ?? { status: "stale", guard: "version" }',
        '{ status: "stale", guard: "version" }',
      ],
      [
        "not fencing who lost an answer",
        'settled ?? { status: "stale", guard: "version" }',
        'settled ?? { status: "stale", guard: "run" }',
      ],
    ],
  ),
  ...flow(
    "execute",
    ["execute", "commands/run-rerun-from", "commands/job-execute-finish", "wide"],
    [
      [
        "comparing a key's payload",
        "if (record !== null && record.hash !== hash) throw",
        "if (hash === null) throw",
      ],
      [
        "reclaiming a dead holder's key",
        "record !== null && !(await isAbandoned(core, record))",
        "record !== null",
      ],
      [
        "a key in progress",
        "return !held || job.token !== open.token || job.epoch !== open.epoch;",
        "return true;",
      ],
      ["forgetting an earlier epoch's outputs", "core.warm.drop(claimed.runId);", ";"],
      [
        "moving a run on whose group ended unnoticed",
        "if (fold && last && endsGroup(",
        "if (fold && false && endsGroup(",
      ],
      ["moving it on once", "if (fold && last && endsGroup(", "if (fold && endsGroup("],
      [
        "draining counts to nothing",
        'if (outcome.reason === "draining") await',
        'if (outcome.reason === "dreaming") await',
      ],
    ],
  ),
  ...flow(
    "follow",
    ["execute", "commands/run-rerun-from", "commands/job-execute-finish", "wide"],
    [
      [
        "deciding again where only a sibling moved",
        "job.token === own.token && job.epoch === guards.epoch",
        "false",
      ],
    ],
  ),
  ...flow(
    "reap",
    ["crashed"],
    [
      [
        "counting a crash once, under its own token",
        "job.token !== token || job.epoch !== epoch",
        "epoch === 0",
      ],
      ["trying again after a heartbeat", "tries < MAX_TRIES", "tries < 1"],
    ],
  ),
  ...flow(
    "execute",
    ["store-failures"],
    [
      [
        "a winner that isn't taken for a ghost",
        "if (await isRecorded(core, started.job))",
        "if (started === null)",
      ],
      [
        "a full store is not the body's fault",
        "await giveBack(core.ports.store.jobs, core.ports.clock, claimed);",
        "",
      ],
    ],
  ),
  ...flow(
    "task",
    ["execute"],
    [
      [
        "loading only the outputs that a stage depends on (mistake 11)",
        "node.dependencies ?? earlier(graph, node.group)",
        "earlier(graph, node.group)",
      ],
    ],
  ),
  ...flow(
    "core",
    ["commands/run-create", "commands/run-rerun-from", "warm"],
    [
      [
        "one command with a key at a time",
        "if (this.#keysUnderWay.has(name)) throw",
        "if (name === key) throw",
      ],
      ["comparing a finished key's payload", "if (record.hash !== hash) throw", "if (hash === null) throw"],
      ["dropping what was remembered wrongly", "    this.warm.drop(runId);\n", ""],
    ],
  ),
  ...flow(
    "core",
    ["commands/run-transition"],
    [["the bound on tries", "tries < MAX_TRIES", "tries < 9 * MAX_TRIES"]],
  ),
  ...flow(
    "create",
    ["store-failures", "commands/run-create"],
    [
      ["blobs of a run that may be there", "isKnown = !(error instanceof CommitUnknownError);", ""],
      [
        "no blobs of a run that isn't",
        "for (const runId of isKnown ? tried : [])",
        "for (const runId of [])",
      ],
      [
        "a new id for a run whose first may have been and gone",
        "const runId = ids.runId();",
        "const runId = tried[0] ?? ids.runId();",
      ],
    ],
  ),
  ...flow(
    "fork",
    ["commands/run-fork", "store-failures"],
    [
      ["the run that a fork's key names", "won: record.runId", "won: runId"],
      ["one key for every try of a fork", "idempotencyKey ?? ids.runId()", "idempotencyKey"],
    ],
  ),
  ...flow(
    "kernel",
    ["commands/run-cancel", "commands/run-fork", "commands/run-signal"],
    [
      [
        "aborting a cancelled body at once",
        'core.leases.abortRun(runId, state?.epoch ?? 0, "cancelled")',
        "undefined",
      ],
      [
        "no blobs of a signal that is refused",
        "decideSignal(command, payload, hash, loaded, await core.given());",
        "",
      ],
    ],
  ),
  ...flow(
    "eager",
    ["eager"],
    [
      ["one holder's events at a time (mistake 5)", "      held.ending = true;\n", ""],
      [
        "surviving a power loss before an event leaves",
        "if (store.harden !== undefined) await store.harden();",
        "",
      ],
      ["not skipping what a subscriber missed", "first > cursor.position + 1", "first < 0"],
    ],
  ),
  ...flow(
    "outbox",
    ["commands/outbox-flush", "outbox"],
    [
      ["surviving a power loss before an event leaves, by a flush", "await core.ports.store.harden?.();", ""],
      [
        "a new subscriber starts at now",
        "if (event.timestamp < since) position",
        "if (event.timestamp < 0) position",
      ],
    ],
  ),
  ...flow(
    "deliver",
    ["commands/outbox-flush", "eager"],
    [
      [
        "beginning no event after the hold",
        "handed >= limit || patience.clock.now() >= patience.until",
        "handed >= limit",
      ],
      [
        "the limit of a flush",
        "handed >= limit || patience.clock.now() >= patience.until",
        "patience.clock.now() >= patience.until",
      ],
      ["stopping at a refusal", "          return refused(error);\n", ""],
    ],
  ),
  ...flow(
    "warm",
    ["warm"],
    [
      [
        "a version of others' vouches for nothing",
        "entry.state === undefined && committed.version !== warm.run.version",
        "false",
      ],
    ],
  ),
  ...flow(
    "leases",
    ["leases"],
    [
      ["aborting what lost its lease", 'if (names.has(nameOf(job))) abort("lease-lost");', ";"],
      ["leaving a later epoch alone", "job.runId === runId && job.epoch <= upToEpoch", "job.runId === runId"],
    ],
  ),
  ...flow(
    "jobs",
    ["commands/run-signal", "commands/lease-reap-stale", "commands/run-rerun-from"],
    [
      ["a new token with every lease that ends", "    token: job.token + 1,", "    token: job.token,"],
      [
        "refusing a start without the outputs before it",
        'status !== "COMPLETED" && status !== "SKIPPED"',
        "false",
      ],
    ],
  ),
  ...flow("retry", ["retry"], [["the longest delay", "Math.min(backoff.maxMs, ", "Math.min(1e12, "]]),
  ...flow(
    "validate",
    ["validate"],
    [["refusing fields that there aren't", 'name !== "type" && !Object.hasOwn(fields, name)', "false"]],
  ),
];
