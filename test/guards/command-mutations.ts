/** The guards and rules of the commands. */
import { from, type Mutation, type Removal } from "./mutation.ts";

/** Removals from a command, watched by the tests beside it and by those that are named. */
function command(name: string, removals: readonly Removal[], ...more: readonly string[]): Mutation[] {
  const own = `src/kernel/commands/${name}.test.ts`;
  return from(
    `src/kernel/commands/${name}.ts`,
    [own, ...more.map((test) => `src/kernel/${test}.test.ts`)],
    removals,
  );
}

const TOKEN = "jobs: [{ stageId: job.stageId, token: job.token }]";

export const ofCommands: readonly Mutation[] = [
  ...command("run-create", [
    [
      "the key in the commit that creates the run (mistake 2)",
      "    key: {\n      expect: null,",
      "    keyless: {\n      expect: null,",
    ],
    ["create and claim in one commit", "given.lease.slots > 0", "given.lease.slots > 99"],
  ]),
  ...command("run-claim-pending", [
    ["the version that guards a claim of a run", "guards: { version: run.version },", "guards: {},"],
    ["the jobs in the commit that claims their run (mistake 3)", "      jobs,\n", "      jobs: [],\n"],
  ]),
  ...command("job-execute-start", [
    ["the epoch that guards a start", "guards: {\n      epoch: job.epoch,", "guards: {"],
    [
      "the token that guards a start",
      "token: job.token, attempt: job.attempt }],",
      "attempt: job.attempt }],",
    ],
    ["one start under one token", "token: job.token, attempt: job.attempt }],", "token: job.token }],"],
    ["the version that guards waking a run", "...(wakesRun ? { version: run.version } : {}),", ""],
    ["counting the attempt", "attempt: job.attempt + 1,", "attempt: job.attempt,"],
    [
      "the state that a crashed resumption is resumed from",
      "    suspended: false,\n",
      "    suspended: false,\n    resumes: false,\n",
    ],
  ]),
  ...command(
    "job-execute-start",
    [
      [
        "the key that is written with the start",
        "    ...(key === null\n",
        "    ...(key !== null || key === null\n",
      ],
    ],
    "execute",
  ),
  ...command(
    "job-execute-start",
    [["purity: a clock in a decision (mistake 9)", "    startedAt: NOW,", "    startedAt: Date.now(),"]],
    "purity",
  ),
  ...command(
    "job-execute-finish",
    [
      [
        "the token that guards a finish (mistake 1)",
        "        { stageId: job.stageId, token: job.token },\n",
        "",
      ],
      ["the epoch that guards a finish", "    epoch: job.epoch,\n    jobs:\n", "    jobs:\n"],
      [
        "the version and counter that guard who is last",
        "guards.version = run.version;\n    guards.remaining = run.remaining;",
        "",
      ],
      [
        "the list of subscribers that a settled run relies on",
        "if (move?.registry !== undefined) guards.registry = move.registry;",
        "",
      ],
      [
        "siblings that don't fight over the version (mistake 19)",
        "const versioned = move !== null || failsNow;",
        "const versioned = true;",
      ],
      ["the bound on failures", "state.job.failures + 1 >= state.node.policy.maxAttempts", "false"],
      ["back-off before the next attempt", "dueAt: { in: delayMs } });", "dueAt: NOW });"],
    ],
    "group-failure",
  ),
  ...command(
    "job-execute-finish",
    [
      [
        "the siblings that a failing stage guards",
        "        ...siblings.map(({ stageId, token, attempt }) => ({ stageId, token, attempt })),\n",
        "",
      ],
      [
        "cancelling unstarted siblings",
        "siblings.filter(({ started }) => !started)",
        "siblings.filter(() => false)",
      ],
      ["letting running siblings finish", "siblings.filter(({ started }) => !started)", "siblings"],
      [
        "the version that guards a retry",
        "must not be retried in.\n    guards: { version: run.version,",
        "must not be retried in.\n    guards: {",
      ],
      ["no retries in a run that is failing", "|| state.run.error !== null", ""],
      [
        "the first error of several",
        "const error = run.error ?? end.error;",
        "const error = end.error ?? run.error;",
      ],
    ],
    "group-failure",
  ),
  ...from(
    "src/kernel/commands/job-execute-finish.ts",
    ["src/kernel/commands/job-execute-suspend.test.ts"],
    [
      [
        "the version that guards a suspension",
        "list of early signals.\n    guards: {\n      version: run.version,",
        "list of early signals.\n    guards: {",
      ],
      [
        "the counter that guards falling asleep, for who suspends",
        "...(sleeps ? { active: run.active } : {}),",
        "",
      ],
      [
        "the counter that guards falling asleep, for who completes",
        'if (move?.action === "suspended") guards.active = run.active;',
        "",
      ],
      ["using an early signal up", "    ...(early ? { dropSignals: [early.id] } : {}),\n", ""],
    ],
  ),
  ...from(
    "src/kernel/commands/job-execute-finish.ts",
    ["src/kernel/execute.test.ts"],
    [
      ["the entry that a key is replaced from", "    expect: key.entry,", "    expect: null,"],
      [
        "releasing a key on suspension and failure",
        "return state.key === null ? {} : {",
        "return state.key !== null ? {} : {",
      ],
    ],
  ),
  ...command("run-transition", [
    ["the version that guards a transition", "        version: run.version,\n", ""],
    [
      "the counter that guards a transition to sleep",
      '        ...(move.action === "suspended" ? { active: run.active } : {}),\n',
      "",
    ],
    ["the counter that guards a transition", "        remaining: run.remaining,\n", ""],
    [
      "the list of subscribers that guards a run's end",
      "        ...(move.registry === undefined ? {} : { registry: move.registry }),\n",
      "",
    ],
  ]),
  ...command("run-cancel", [
    [
      "the version that guards a cancel",
      "guards: { version: run.version, remaining: run.remaining, registry }",
      "guards: { remaining: run.remaining, registry }",
    ],
    [
      "the counter that guards a cancel (mistake 7)",
      "version: run.version, remaining: run.remaining, registry }",
      "version: run.version, registry }",
    ],
    [
      "the list of subscribers that guards a cancel",
      "remaining: run.remaining, registry }",
      "remaining: run.remaining }",
    ],
    ["leaving a settled run as it is", "if (isSettled(run.status)) return", "if (!run) return"],
  ]),
  ...command("run-rerun-from", [
    ["the version that guards a rerun", "guards: { version: run.version, remaining", "guards: { remaining"],
    [
      "the counter that guards a rerun",
      "version: run.version, remaining: run.remaining }",
      "version: run.version }",
    ],
    ["raising the epoch", "epoch: run.epoch + 1", "epoch: run.epoch"],
    ["keeping old records readable", "      past: superseded,\n", ""],
    ["refusing a live run", "&& command.force !== true", "&& false"],
  ]),
  ...command("run-fork", [
    ["blobs of the fork's own", "return { ...key, runId };", "return key;"],
    ["the same key, the same fork", "              expect: null,", "              expect: given.entry,"],
  ]),
  ...command(
    "run-signal",
    [
      [
        "the token of the job that a signal wakes",
        "token: job.token, attempt: job.attempt }",
        "attempt: job.attempt }",
      ],
      [
        "the attempt of the job that a signal wakes",
        "token: job.token, attempt: job.attempt }",
        "token: job.token }",
      ],
      ["refusing a settled run", "if (isSettled(run.status)) throw", "if (!run) throw"],
      ["the version that a signal grows", "    state: stateOf(run),\n", ""],
    ],
    "commands/job-execute-suspend",
  ),
  ...from(
    "src/kernel/commands/run-signal.ts",
    ["src/kernel/commands/job-execute-suspend.test.ts"],
    [["the version that guards a signal", "      version: run.version,\n", ""]],
  ),
  ...command("run-reap-stuck", [
    [
      "the version that guards mending a run",
      "const guards = { version: run.version, remaining: run.remaining };",
      "const guards = {};",
    ],
    [
      "a suspended stage without its job counts as lost",
      "stages.filter(({ status }) => isSettled(status))",
      "stages",
    ],
  ]),
  ...command("run-purge", [
    ["the version that guards a purge", "guards: { version: run.version },", "guards: {},"],
    ["never purging a live run", "!isSettled(run.status) || ", ""],
    ["never purging what is owed to a subscriber", "!run.delivered || ", ""],
    [
      "keeping keys for their retention",
      "expiresAt: key.createdAt + keyRetentionMs",
      "expiresAt: loaded.now",
    ],
  ]),
  ...command(
    "stage-poll-suspended",
    [
      ["the token that guards a check's answer", TOKEN, "jobs: []"],
      ["the end of a wait", "job.deadlineAt !== null && job.deadlineAt <= now", "false"],
      [
        "an answer between failing checks",
        "return requeue(state, { checkFailures: 0, dueAt }",
        "return requeue(state, { dueAt }",
      ],
      ["the bound on failing checks", "checkFailures >= node.policy.maxAttempts", "false"],
    ],
    "commands/run-signal",
  ),
  ...command("lease-reap-stale", [
    [
      "the token that guards freeing a lease",
      "const lease = { stageId, token, attempt, leaseUntil };",
      "const lease = { stageId, attempt, leaseUntil };",
    ],
    [
      "the attempt that guards freeing a lease",
      "const lease = { stageId, token, attempt, leaseUntil };",
      "const lease = { stageId, token, leaseUntil };",
    ],
    [
      "the expiry that guards freeing a lease",
      "const lease = { stageId, token, attempt, leaseUntil };",
      "const lease = { stageId, token, attempt };",
    ],
    ["counting crashes (mistake 6)", "job.crashes + (underWay ? 1 : 0)", "job.crashes"],
    ["counting only bodies under way", "job.crashes + (underWay ? 1 : 0)", "job.crashes + 1"],
    [
      "the quarantine of a poison job (mistake 6)",
      ".policy.maxCrashes && underWay",
      ".policy.maxCrashes && false",
    ],
  ]),
  ...command("outbox-flush", [
    [
      "the token that guards taking a cursor (mistake 5)",
      "      cursors: subscribers.map((subscriber) => ({ subscriber, token: run.cursors[subscriber]?.token ?? 0 })),\n",
      "",
    ],
    [
      "the token that guards moving a cursor",
      "      cursors: delivered.map(({ subscriber, cursor }) => ({ subscriber, token: cursor.token })),\n",
      "",
    ],
    [
      "the version that guards the end of delivery",
      "version: run.version, registry: registry.version",
      "registry: registry.version",
    ],
    [
      "the list of subscribers that guards the end of delivery",
      "version: run.version, registry: registry.version",
      "version: run.version",
    ],
    [
      "passing a dead letter over",
      "const at = dead ? refused.event.sequence : position;",
      "const at = position;",
    ],
    ["the bound on deliveries", "failures >= policy.maxDeliveries", "false"],
    ["back-off between deliveries", "refused !== null ? backoff", "refused !== null ? 0"],
  ]),
  ...command("plugin-replay-dlq", [
    [
      "the token that guards putting a dead letter back",
      "          token: run.cursors[subscriber]?.token ?? 0,",
      "          token: (run.cursors[subscriber]?.token ?? 0) + 1,",
    ],
  ]),
];
