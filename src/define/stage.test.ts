import { describe, expect, it } from "vitest";
import * as z from "zod";
import { DefinitionError } from "../errors.ts";
import { defineStage, isStage, type RetryOptions } from "./stage.ts";

const schemas = { input: "none", output: z.number() } as const;
const execute = () => ({ output: 1 });

function withRetry(retry: RetryOptions) {
  return defineStage({ id: "a", name: "A", schemas, execute, retry }).policy;
}

describe("defineStage", () => {
  it("fills in the bounds", () => {
    const stage = defineStage({ id: "a", name: "A", schemas, execute });
    expect(stage.policy).toEqual({
      maxAttempts: 3,
      maxCrashes: 5,
      timeoutMs: null,
      backoff: { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 0.5 },
    });
    expect(stage.dependencies).toBeNull();
    expect(stage.schemas).toEqual({ input: "none", output: schemas.output, config: null });
  });

  it("keeps what is given", () => {
    const checkCompletion = () => ({ ready: false });
    const config = z.object({ max: z.number() });
    const stage = defineStage({
      id: "a",
      name: "A",
      description: "first",
      schemas: { ...schemas, config },
      execute,
      checkCompletion,
      timeoutMs: 500,
      retry: { maxAttempts: 1, maxCrashes: 2, backoff: { initialMs: 10, factor: 3, maxMs: 90, jitter: 0 } },
    });
    expect(stage).toMatchObject({ id: "a", name: "A", description: "first", execute, checkCompletion });
    expect(stage.schemas.config).toBe(config);
    expect(stage.policy).toEqual({
      maxAttempts: 1,
      maxCrashes: 2,
      timeoutMs: 500,
      backoff: { initialMs: 10, factor: 3, maxMs: 90, jitter: 0 },
    });
  });

  it("moves the default of one end of the back-off when only the other is given", () => {
    expect(withRetry({ backoff: { initialMs: 120_000 } }).backoff).toMatchObject({
      initialMs: 120_000,
      maxMs: 120_000,
    });
    expect(withRetry({ backoff: { maxMs: 100 } }).backoff).toMatchObject({ initialMs: 100, maxMs: 100 });
    expect(withRetry({ backoff: { factor: 4 } }).backoff).toMatchObject({ initialMs: 1000, maxMs: 60_000 });
  });

  it("takes dependencies as stages and as ids, each once", () => {
    const a = defineStage({ id: "a", name: "A", schemas, execute });
    const b = defineStage({ id: "b", name: "B", schemas, execute, dependencies: [a, "c", "a"] });
    expect(b.dependencies).toEqual(["a", "c"]);
  });

  it("can't be changed afterwards", () => {
    const stage = defineStage({ id: "a", name: "A", schemas, execute, dependencies: ["b"] });
    for (const part of [stage, stage.schemas, stage.policy, stage.policy.backoff, stage.dependencies]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it.each([
    ["nothing", undefined, "defineStage takes an object, got undefined", null],
    ["a function", () => 1, "defineStage takes an object, got a function", null],
    [
      "no schemas",
      { id: "a", execute },
      'stage "a": schemas must be an object of zod schemas, got undefined',
      "a",
    ],
    ["a number as retry", { id: "a", schemas, retry: 5 }, 'stage "a": retry must be an object, got 5', "a"],
    [
      "an array as backoff",
      { id: "a", schemas, retry: { backoff: [1] } },
      'stage "a": retry.backoff must be an object, got an array of 1',
      "a",
    ],
  ])("refuses %s", (_, definition, message, stageId) => {
    const define = defineStage as (definition: unknown) => unknown;
    expect(() => define(definition)).toThrow(new DefinitionError(message, stageId));
  });
});

describe("isStage", () => {
  it("knows what defineStage made, and copies of it", () => {
    const stage = defineStage({ id: "a", name: "A", schemas, execute });
    expect(isStage(stage)).toBe(true);
    expect(isStage({ ...stage, id: "b" })).toBe(true);
  });

  it.each([[{ id: "a", name: "A", execute }], [null], ["a"], [undefined]])("is false of %o", (value) => {
    expect(isStage(value)).toBe(false);
  });
});
