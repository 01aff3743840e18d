/** Guards of the store in memory, and cures that stand outside the kernel. */
import { from, type Mutation } from "./mutation.ts";

const CONFORMANCE = ["adapters/memory/conformance.test.ts"];

export const outside: readonly Mutation[] = [
  ...from(
    "adapters/tables/commit.ts",
    ["src/kernel/commands/job-execute-suspend.test.ts"],
    [
      [
        "the store's check of what is active",
        "guards.active !== undefined && guards.active !== head.active",
        "false",
      ],
    ],
  ),
  ...from("adapters/tables/commit.ts", CONFORMANCE, [
    [
      "the store's check of a run's version",
      "guards.version !== undefined && guards.version !== head.version",
      "false",
    ],
    [
      "the store's check of a run's epoch",
      "guards.epoch !== undefined && guards.epoch !== head.epoch",
      "false",
    ],
    [
      "the store's check of the counter",
      "guards.remaining !== undefined && guards.remaining !== head.remaining",
      "false",
    ],
    ["the store's check of a job's token", "    job.token === guard.token &&\n", ""],
    [
      "the store's check of a job's attempt",
      "(guard.attempt === undefined || guard.attempt === job.attempt)",
      "true",
    ],
    [
      "the store's check of a lease's expiry",
      "(guard.leaseUntil === undefined || guard.leaseUntil === job.leaseUntil)",
      "true",
    ],
    ["the store's check of a cursor's token", "tokenOf(head, subscriber) !== token", "false"],
    ["the store's check of the list of subscribers", "guards.registry === tables.registry.version", "true"],
    [
      "the store's check that a run exists, or doesn't",
      "if (absent === (rows !== undefined)) return",
      "if (absent && !absent) return",
    ],
    [
      "the store's check that a key is absent",
      "return record.entry === key.expect ? null :",
      "return record.entry !== null ? null :",
    ],
    [
      "the store's check that a key is still there",
      "return key.expect === null ? null :",
      "return record === null ? null :",
    ],
    ["a key that is another run's by now", "slot.record.runId === entry.runId", "true"],
  ]),
  ...from("adapters/tables/schema.ts", CONFORMANCE, [
    [
      "the expiry of keys",
      "record.expiresAt === null || record.expiresAt > now",
      "record.key !== null || now === 0",
    ],
  ]),
  ...from("adapters/memory/index.ts", CONFORMANCE, [
    ["the leader's epoch", "epoch !== undefined && epoch < tables.epoch", "epoch !== undefined && epoch < 0"],
    ["refusing calls once it is closed", "if (this.#isClosed) throw", "if (this.kind === null) throw"],
  ]),
  ...from("adapters/tables/transaction.ts", CONFORMANCE, [
    [
      "a transaction that is rolled back (mistake 10)",
      "for (const undo of this.#undo.toReversed()) undo();",
      "",
    ],
  ]),
  ...from("adapters/tables/jobs.ts", CONFORMANCE, [
    ["a new token with every claim", "token: slot.job.token + 1,", "token: slot.job.token,"],
    ["a new token with every release", "    token: job.token + 1,", "    token: job.token,"],
    ["a heartbeat under the lease's token", "job.token === ref.token && ", ""],
    ["one lease of a job at a time", "    job.worker === null &&\n", ""],
  ]),
  ...from(
    "src/runner/body.ts",
    ["src/runner/executor.test.ts", "src/runner/context.test.ts", "src/runner/attempt.test.ts"],
    [
      ["validating outputs (mistake 8)", "if (!parsed.ok) return", "if (parsed === null) return"],
      ["the attempt in a blob's key (mistake 14)", "    attempt,\n", "    attempt: 0,\n"],
    ],
  ),
  ...from(
    "src/runner/attempt.ts",
    ["src/runner/executor.test.ts", "src/runner/attempt.test.ts", "src/runner/context.test.ts"],
    [
      ["validating input", "if (!input.ok) return", "if (input === null) return"],
      [
        "config errors that aren't swallowed (mistake 8)",
        "if (!config.ok) return",
        "if (config === null) return",
      ],
    ],
  ),
  ...from(
    "src/runner/outputs.ts",
    ["src/runner/context.test.ts"],
    [
      [
        "keeping a body to its dependencies",
        "stage.dependencies !== null && !stage.dependencies.includes(id)",
        "false",
      ],
    ],
  ),
  ...from(
    "src/define/builder.ts",
    ["src/define/builder.test.ts"],
    [
      [
        "a builder that can't be changed (mistake 13)",
        "next.#chain = { step, before: this.#chain };",
        "next.#chain = { step, before: this.#chain };\n    this.#chain = next.#chain;",
      ],
      ["a group that doesn't follow its array", "Array.isArray(stages) ? [...stages] : stages", "stages"],
    ],
  ),
  ...from(
    "src/hosts/pump.ts",
    ["src/hosts/pump-drain.test.ts"],
    [
      [
        "waiting for running jobs on stop (mistake 16)",
        "closed.then(() => this.#executions.idle())",
        "closed",
      ],
      ["telling bodies to stop when the grace is over", "kernel.host.abort(this.workerId);", ""],
    ],
  ),
  ...from(
    "src/kernel/jobs.ts",
    ["src/hosts/pumps.test.ts"],
    [
      [
        "leasing in a finish only what the worker has code for",
        "(handlers === undefined || handlers.has(handlerOf(run.workflowId, stageId)))",
        "true",
      ],
    ],
  ),
  ...from(
    "src/hosts/claims.ts",
    ["src/hosts/pumps.test.ts"],
    [["claiming only what the worker has code for", "limit, handlers: handlers() }", "limit }"]],
  ),
  ...from(
    "src/hosts/upkeep.ts",
    ["src/hosts/pumps.test.ts"],
    [
      [
        "one sweep for all pumps of a kernel",
        "if (maintains) await this.#maintain();",
        "await this.#maintain();",
      ],
    ],
  ),
  ...from(
    "src/hosts/flight.ts",
    ["src/hosts/flight.test.ts"],
    [["ticks that don't overlap (mistake 16)", "if (this.#isUp) return;\n    this.#isUp", "this.#isUp"]],
  ),
  ...from(
    "src/testing/clock.ts",
    ["test/structure/boundaries.test.ts"],
    [
      [
        "a testing entry without a test runner (mistake 18)",
        "import type { Clock }",
        'import "vitest";\nimport type { Clock }',
      ],
    ],
  ),
];
