/** The shape of every command, checked before anything is read: bad input changes nothing and names the field. */
import { InvalidCommandError, UnknownCommandError } from "../errors.ts";
import type { Command } from "./api.ts";

interface Field {
  readonly expected: string;
  readonly optional?: boolean;
  readonly test: (value: unknown) => boolean;
}

const text = (max: number): Field => ({
  expected: `a string of 1 to ${max} characters`,
  test: (value) => typeof value === "string" && value.length > 0 && value.length <= max,
});
const whole = (min: number, max: number): Field => ({
  expected: `a whole number from ${min} to ${max}`,
  test: (value) => typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
});
const flag: Field = { expected: "true or false", test: (value) => typeof value === "boolean" };
const anything: Field = { expected: "any value", optional: true, test: () => true };
const record: Field = {
  expected: "an object",
  test: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};
const optional = (field: Field): Field => ({ ...field, optional: true });

const SETTLED = ["COMPLETED", "FAILED", "CANCELLED"];
const statuses: Field = {
  expected: `a list of ${SETTLED.join(", ")}`,
  test: (value) => Array.isArray(value) && value.length > 0 && value.every((item) => SETTLED.includes(item)),
};

const ID = text(256);
const KEY = text(512);
const DURATION = whole(0, 100 * 365 * 86_400_000);
const COUNT = whole(1, 10_000);

const FIELDS: { readonly [T in Command["type"]]: Readonly<Record<string, Field>> } = {
  "run.create": {
    workflowId: ID,
    input: anything,
    idempotencyKey: KEY,
    config: optional(record),
    priority: optional(whole(-1000, 1000)),
    annotations: optional(record),
  },
  "run.claimPending": { workerId: ID, maxClaims: optional(whole(1, 1000)) },
  "job.execute": {
    workflowRunId: ID,
    workflowId: ID,
    stageId: ID,
    config: anything,
    idempotencyKey: optional(KEY),
    token: optional(whole(1, Number.MAX_SAFE_INTEGER)),
    advance: optional(flag),
  },
  "run.transition": { workflowRunId: ID },
  "run.cancel": { workflowRunId: ID, reason: optional(text(1000)) },
  "run.rerunFrom": {
    workflowRunId: ID,
    fromStageId: ID,
    idempotencyKey: optional(KEY),
    force: optional(flag),
  },
  "run.fork": {
    workflowRunId: ID,
    fromStageId: ID,
    idempotencyKey: optional(KEY),
    config: optional(record),
  },
  "run.signal": { workflowRunId: ID, name: ID, payload: anything, idempotencyKey: optional(KEY) },
  "run.reapStuck": { stuckThresholdMs: optional(DURATION) },
  "run.purge": {
    olderThanMs: optional(DURATION),
    keep: optional(whole(0, Number.MAX_SAFE_INTEGER)),
    status: optional(statuses),
  },
  "stage.pollSuspended": { maxChecks: optional(COUNT) },
  "lease.reapStale": { staleThresholdMs: DURATION },
  "outbox.flush": { maxEvents: optional(whole(1, 1_000_000)) },
  "plugin.replayDLQ": {
    maxEvents: optional(COUNT),
    workflowRunId: optional(ID),
    eventType: optional(ID),
    subscriber: optional(ID),
  },
};

/** Names of all commands. */
export const COMMAND_TYPES = Object.keys(FIELDS) as readonly Command["type"][];

/**
 * Checks a command's type and fields.
 * @throws UnknownCommandError, InvalidCommandError
 */
export function validate(command: Command): void {
  const given: unknown = command;
  if (typeof given !== "object" || given === null || !("type" in given)) {
    throw new UnknownCommandError(undefined, COMMAND_TYPES);
  }
  const type = command.type;
  if (!Object.hasOwn(FIELDS, type)) throw new UnknownCommandError(type, COMMAND_TYPES);
  const fields = FIELDS[type];
  for (const name in command) {
    if (name !== "type" && !Object.hasOwn(fields, name)) {
      throw new InvalidCommandError(
        type,
        name,
        `left out: the fields are ${Object.keys(fields).join(", ")}`,
        name,
      );
    }
  }
  for (const name in fields) {
    const field = fields[name];
    const value = (given as Record<string, unknown>)[name];
    if (field === undefined || (value === undefined && field.optional)) continue;
    if (!field.test(value)) throw new InvalidCommandError(type, name, field.expected, value);
  }
}
