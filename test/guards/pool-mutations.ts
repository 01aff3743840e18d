/** What the pool of stage workers keeps to. */
import { from, type Mutation } from "./mutation.ts";

const POOL = "src/hosts/browser/pool";
const DEATHS = [`${POOL}/deaths.test.ts`];

export const ofPool: readonly Mutation[] = [
  ...from(`${POOL}/member.ts`, DEATHS, [
    [
      "fencing an attempt that blocks its thread",
      "if (!execution.isSettled && execution.strikes >= FENCE) return true;",
      "",
    ],
    [
      "failing only what overran",
      "if (!execution.isSettled && this.#isOverdue(execution)) {",
      "if (!execution.isSettled) {",
    ],
    [
      "leaving an attempt its time while it waits for its thread",
      "return begunAt !== null && limitMs",
      "return limitMs",
    ],
    [
      "giving another worker what isn't taken",
      "execution.strikes >= MOVE && canMove",
      "execution.strikes >= 1e9 && canMove",
    ],
    ["ending a thread that ignores that it was told to stop", "if (!execution.isAnswered) return true;", ""],
    [
      "letting neighbours come to their end",
      "return this.isRetiring && live === 0;",
      "return this.isRetiring;",
    ],
    ["avoiding who doesn't take its tasks", "(this.isStalled || this.isRetiring ? 1_000_000 : 0)", "0"],
  ]),
  ...from(`${POOL}/pool.ts`, DEATHS, [
    [
      "hearing of a death by its lock",
      'entry.unwatch = whenFree(locks, name, () => this.#lose(workerId, "crashed"));',
      "",
    ],
  ]),
  ...from(
    `${POOL}/pool.ts`,
    [`${POOL}/pool.test.ts`],
    [["sending a task only to who has its code", "if (!member.remote.handlers.has(handler)) continue;", ""]],
  ),
  ...from(`${POOL}/serve-stages.ts`, DEATHS, [
    [
      "holding the lock before the hello",
      "await holdForLife(locks, lock);",
      "void holdForLife(locks, lock);",
    ],
  ]),
  ...from(
    `${POOL}/remote-executor.ts`,
    [`${POOL}/remote-executor.test.ts`],
    [
      [
        "sending of a wide run's config one stage's part",
        "own === undefined ? {} : { [stage.id]: own }",
        "config.value",
      ],
    ],
  ),
  ...from(
    `${POOL}/serve-executor.ts`,
    [`${POOL}/remote-executor.test.ts`],
    [["reading a large config once", "blobPath(last.key) !== blobPath(config.key)", "last !== null"]],
  ),
  ...from(
    `${POOL}/comlink-link.ts`,
    [`${POOL}/comlink-link.test.ts`],
    [
      ["saying that a message arrived before it is handled", "turn < REPLY_TURNS", "turn < 0"],
      [
        "batches",
        "while (this.#outbox.length > 0 && this.#isOpen) {\n      const batch = this.#outbox;\n      this.#outbox = [];",
        "while (this.#outbox.length > 0 && this.#isOpen) {\n      const batch = this.#outbox.splice(0, 1);",
      ],
    ],
  ),
  ...from(
    `${POOL}/workers.ts`,
    [`${POOL}/workers.test.ts`],
    [
      [
        "starting a broken module less and less often",
        "slot.backoff.failed());\n    this.#options.onError",
        "1);\n    this.#options.onError",
      ],
    ],
  ),
];
