/** What ids, stages and bounds must be. Checked at `build()`, for stages may come from untyped code. */
import { DefinitionError, describe } from "../errors.ts";
import { isSchema } from "./schema.ts";
import { isStage, type Stage } from "./stage.ts";

const idPattern = /^[A-Za-z0-9._:-]{1,128}$/;

/** The longest that timers can count: 2^31 - 1 ms, about 24.8 days. */
const maxMs = 2_147_483_647;

/** What a value must be, and whether it is. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

/** @throws DefinitionError unless it can be an id. `__proto__` can't: ids are keys of objects. */
export function checkId(id: unknown, what: string): asserts id is string {
  if (typeof id === "string" && idPattern.test(id) && id !== "__proto__") return;
  throw new DefinitionError(
    `${what} must be 1 to 128 of the characters A-Z a-z 0-9 . _ : - (and not __proto__), got ${describe(id)}`,
    typeof id === "string" ? id : null,
  );
}

/** @throws DefinitionError unless the rule holds */
export function check(value: unknown, rule: Rule, what: string, stageId: string | null = null): void {
  if (rule.holds(value)) return;
  throw new DefinitionError(`${what} must be ${rule.expected}, got ${describe(value)}`, stageId);
}

const optional = (rule: Rule): Rule => ({
  ...rule,
  holds: (value) => value === undefined || rule.holds(value),
});

const within = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && value >= least && value <= most;

const number = (least: number, most: number): Rule => ({
  expected: `a number from ${least} to ${most}`,
  holds: (value) => within(value, least, most),
});

const whole = (least: number, most: number): Rule => ({
  expected: `a whole number from ${least} to ${most}`,
  holds: (value) => Number.isInteger(value) && within(value, least, most),
});

export const text: Rule = {
  expected: "a text that isn't empty",
  holds: (value) => typeof value === "string" && value !== "",
};

export const description: Rule = optional({
  expected: "a text",
  holds: (value) => typeof value === "string",
});

export const schema: Rule = { expected: "a zod schema", holds: isSchema };

export const optionalSchema: Rule = optional(schema);

const aFunction: Rule = { expected: "a function", holds: (value) => typeof value === "function" };

/** By the path of each field in a stage's definition. */
const stageRules: readonly (readonly [what: string, rule: Rule, read: (stage: Stage) => unknown])[] = [
  ["name", text, (stage) => stage.name],
  ["description", description, (stage) => stage.description],
  [
    "schemas.input",
    { expected: 'a zod schema or "none"', holds: (value) => value === "none" || isSchema(value) },
    (stage) => stage.schemas.input,
  ],
  ["schemas.output", schema, (stage) => stage.schemas.output],
  ["schemas.config", optionalSchema, (stage) => stage.schemas.config ?? undefined],
  [
    "dependencies",
    {
      expected: "an array of stages or their ids",
      holds: (value) =>
        value === null || (Array.isArray(value) && value.every((one) => typeof one === "string")),
    },
    (stage) => stage.dependencies,
  ],
  ["execute", aFunction, (stage) => stage.execute],
  ["checkCompletion", optional(aFunction), (stage) => stage.checkCompletion],
  ["retry.maxAttempts", whole(1, 1000), (stage) => stage.policy.maxAttempts],
  ["retry.maxCrashes", whole(1, 1000), (stage) => stage.policy.maxCrashes],
  ["timeoutMs", optional(whole(1, maxMs)), (stage) => stage.policy.timeoutMs ?? undefined],
  ["retry.backoff.initialMs", whole(0, maxMs), (stage) => stage.policy.backoff.initialMs],
  ["retry.backoff.maxMs", whole(0, maxMs), (stage) => stage.policy.backoff.maxMs],
  ["retry.backoff.factor", number(1, 1000), (stage) => stage.policy.backoff.factor],
  ["retry.backoff.jitter", number(0, 1), (stage) => stage.policy.backoff.jitter],
];

/**
 * @param where the workflow and the step, for messages
 * @throws DefinitionError unless it is a stage that can work wherever it is put
 */
export function checkStage(stage: unknown, where: string): asserts stage is Stage {
  if (!isStage(stage)) {
    const id: unknown = typeof stage === "object" && stage !== null && "id" in stage ? stage.id : null;
    throw new DefinitionError(
      `${where} takes stages made by defineStage, got ${describe(stage)}`,
      typeof id === "string" ? id : null,
    );
  }
  checkId(stage.id, "a stage's id");
  for (const [what, rule, read] of stageRules) {
    const value = read(stage);
    // The message is put together only where it is needed: stages come by the ten thousand.
    if (!rule.holds(value))
      check(value, rule, `${where}: ${what} of stage ${JSON.stringify(stage.id)}`, stage.id);
  }
  const { initialMs, maxMs: longest } = stage.policy.backoff;
  if (longest >= initialMs) return;
  throw new DefinitionError(
    `${where}: retry.backoff.maxMs of stage ${JSON.stringify(stage.id)} must be at least its initialMs of ${initialMs}, got ${longest}`,
    stage.id,
  );
}
