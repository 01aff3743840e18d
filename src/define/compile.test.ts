import { describe, expect, it } from "vitest";
import * as z from "zod";
import { DefinitionError } from "../errors.ts";
import { type AnyWorkflowBuilder, defineWorkflow, WorkflowBuilder } from "./builder.ts";
import { anyStage, stageOf } from "./define.test-helper.ts";
import type { Stage } from "./stage.ts";

const base: AnyWorkflowBuilder = defineWorkflow({ id: "w", name: "W", input: z.unknown() });
const text = z.object({ text: z.string() });
const score = z.object({ score: z.number() });

function thrownBy(build: () => unknown): DefinitionError {
  try {
    build();
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function problem(builder: AnyWorkflowBuilder): { message: string; stageId: string | null } {
  const { message, stageId } = thrownBy(() => builder.build());
  return { message, stageId };
}

describe("a graph", () => {
  const first = anyStage("first", {
    description: "the first",
    schemas: { input: z.unknown(), output: z.unknown(), config: null },
    checkCompletion: () => ({ ready: true }),
  });
  const second = anyStage("second", {
    dependencies: ["first"],
    schemas: { input: "none", output: z.unknown(), config: null },
  });

  it("has a node for each stage", () => {
    const { graph } = base.pipe(first).pipe(second).build();
    expect(graph).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      workflowId: "w",
      name: "W",
      groups: [["first"], ["second"]],
      kinds: ["pipe", "pipe"],
      stages: [
        {
          id: "first",
          name: "Stage first",
          description: "the first",
          group: 0,
          input: "previous",
          dependencies: null,
          checks: true,
          policy: first.policy,
        },
        {
          id: "second",
          name: "Stage second",
          group: 1,
          input: "none",
          dependencies: ["first"],
          checks: false,
          policy: second.policy,
        },
      ],
    });
    expect("description" in graph).toBe(false);
  });

  it("is frozen in all its depth, bounds that were not made by defineStage included", () => {
    const policy = { ...first.policy, backoff: { ...first.policy.backoff } };
    const dependencies = ["first"];
    const { graph } = base.pipe(first).pipe(anyStage("b", { policy, dependencies })).build();
    const loose: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) loose.push(path);
      for (const [key, part] of Object.entries(value)) walk(part, `${path}.${key}`);
    };
    walk(graph, "graph");
    expect(loose).toEqual([]);
  });

  it("survives structured cloning: it is data", () => {
    const { graph } = base.pipe(first).pipe(second).build();
    expect(structuredClone(graph)).toEqual(graph);
  });

  it("may be 10,000 stages wide or deep", () => {
    const stages = Array.from({ length: 10_000 }, (_, n) => anyStage(`s-${n}`));
    const wide = base
      .parallel(stages)
      .pipe(anyStage("last", { dependencies: ["s-9999"] }))
      .build();
    expect(wide.graph.groups.map((group) => group.length)).toEqual([10_000, 1]);
    const deep = stages.reduce<AnyWorkflowBuilder>((builder, stage) => builder.pipe(stage), base).build();
    expect(deep.graph.groups.length).toBe(10_000);
    expect(deep.graph.stages.at(-1)).toMatchObject({ id: "s-9999", group: 9999 });
  });
});

describe("build refuses", () => {
  it("a workflow without stages", () => {
    expect(problem(base).message).toBe(
      'workflow "w" has no stages; add one with pipe, or several with parallel',
    );
  });

  it.each([
    ["", "W", undefined, z.unknown(), undefined, `a workflow's id must be`],
    ["a b", "W", undefined, z.unknown(), undefined, `a workflow's id must be`],
    [7, "W", undefined, z.unknown(), undefined, `a workflow's id must be`],
    ["w", "", undefined, z.unknown(), undefined, 'workflow "w": its name must be'],
    ["w", undefined, undefined, z.unknown(), undefined, 'workflow "w": its name must be'],
    ["w", "W", 7, z.unknown(), undefined, 'workflow "w": its description must be'],
    [
      "w",
      "W",
      undefined,
      undefined,
      undefined,
      'workflow "w": its input must be a zod schema, got undefined',
    ],
    ["w", "W", undefined, z.unknown(), {}, 'workflow "w": its output must be a zod schema, got an object'],
  ])("a workflow with a wrong field (%#)", (id, name, description, input, output, message) => {
    const Builder = WorkflowBuilder as unknown as new (...args: unknown[]) => AnyWorkflowBuilder;
    const builder = new Builder(id, name, description, input, output).pipe(anyStage("a"));
    expect(problem(builder).message).toContain(message);
  });

  it.each(["", " ", "a b", "ä", "a/b", "x".repeat(129), "__proto__", 5, undefined])(
    "the stage id %j",
    (id) => {
      const { message, stageId } = problem(base.pipe(anyStage("a", { id })));
      expect(message).toContain("a stage's id must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -");
      expect(stageId).toBe(typeof id === "string" ? id : null);
    },
  );

  it.each(["x".repeat(128), "A-Z.0_9:b", "constructor", "0"])("not the stage id %j", (id) => {
    expect(base.pipe(anyStage(id)).build().graph.groups).toEqual([[id]]);
  });

  const policy = (changes: object) => ({ policy: { ...anyStage("x").policy, ...changes } });
  const backoff = (changes: object) => policy({ backoff: { ...anyStage("x").policy.backoff, ...changes } });
  const schemas = (changes: object) => ({ schemas: { ...anyStage("x").schemas, ...changes } });
  it.each([
    ["name", { name: "" }],
    ["name", { name: undefined }],
    ["description", { description: 5 }],
    ["schemas.input", schemas({ input: undefined })],
    ["schemas.input", schemas({ input: "any" })],
    ["schemas.output", schemas({ output: "none" })],
    ["schemas.config", schemas({ config: {} })],
    ["dependencies", { dependencies: "a" }],
    ["dependencies", { dependencies: [{ id: "a" }] }],
    ["execute", { execute: undefined }],
    ["checkCompletion", { checkCompletion: true }],
    ["retry.maxAttempts", policy({ maxAttempts: 0 })],
    ["retry.maxAttempts", policy({ maxAttempts: -1 })],
    ["retry.maxAttempts", policy({ maxAttempts: 1.5 })],
    ["retry.maxAttempts", policy({ maxAttempts: 1001 })],
    ["retry.maxAttempts", policy({ maxAttempts: Number.NaN })],
    ["retry.maxAttempts", policy({ maxAttempts: "3" })],
    ["retry.maxCrashes", policy({ maxCrashes: 0 })],
    ["retry.maxCrashes", policy({ maxCrashes: 1001 })],
    ["timeoutMs", policy({ timeoutMs: 0 })],
    ["timeoutMs", policy({ timeoutMs: 2 ** 31 })],
    ["timeoutMs", policy({ timeoutMs: Number.POSITIVE_INFINITY })],
    ["retry.backoff.initialMs", backoff({ initialMs: -1 })],
    ["retry.backoff.initialMs", backoff({ initialMs: 2 ** 31, maxMs: 2 ** 31 })],
    ["retry.backoff.maxMs", backoff({ initialMs: 100, maxMs: 99 })],
    ["retry.backoff.maxMs", backoff({ maxMs: 2 ** 31 })],
    ["retry.backoff.factor", backoff({ factor: 0 })],
    ["retry.backoff.factor", backoff({ factor: Number.NaN })],
    ["retry.backoff.factor", backoff({ factor: 1001 })],
    ["retry.backoff.jitter", backoff({ jitter: -0.1 })],
    ["retry.backoff.jitter", backoff({ jitter: 1.1 })],
  ])("%s out of bounds (%#)", (what, changes) => {
    const { message, stageId } = problem(base.pipe(anyStage("a", changes)));
    expect(message).toMatch(
      new RegExp(`^workflow "w": pipe: ${what.replaceAll(".", "\\.")} of stage "a" must be .+, got .+`),
    );
    expect(stageId).toBe("a");
  });

  it.each([
    [policy({ maxAttempts: 1, maxCrashes: 1, timeoutMs: 1 })],
    [policy({ maxAttempts: 1000, maxCrashes: 1000, timeoutMs: 2 ** 31 - 1 })],
    [backoff({ initialMs: 0, maxMs: 0, factor: 1, jitter: 0 })],
    [backoff({ initialMs: 2 ** 31 - 1, maxMs: 2 ** 31 - 1, factor: 1000, jitter: 1 })],
  ])("not the outermost bounds (%#)", (changes) => {
    expect(() => base.pipe(anyStage("a", changes)).build()).not.toThrow();
  });

  it.each([
    ["a plain object", { id: "a", execute: () => 1 }, "an object", "a"],
    ["nothing", undefined, "undefined", null],
    ["an id", "a", '"a"', null],
  ])("%s for a stage", (_, stage, got, stageId) => {
    const message = `takes stages made by defineStage, got ${got}`;
    expect(problem(base.pipe(stage as unknown as Stage))).toEqual({
      message: `workflow "w": pipe ${message}`,
      stageId,
    });
    const group = [anyStage("b"), stage] as Stage[];
    expect(problem(base.parallel(group))).toEqual({
      message: `workflow "w": parallel ${message}`,
      stageId,
    });
  });

  it.each([
    ["an empty array", [], "takes one stage or more, got none"],
    ["a bare stage", anyStage("a"), "takes an array of stages, got an object"],
    ["nothing", undefined, "takes an array of stages, got undefined"],
  ])("%s for a group", (_, stages, message) => {
    expect(problem(base.parallel(stages as Stage[])).message).toBe(`workflow "w": parallel ${message}`);
  });

  it("an id twice: in the pipe, over groups, in one group", () => {
    const [a, b] = [anyStage("a"), anyStage("b")];
    const twice = {
      message: 'workflow "w": stage "a" is in it twice; every stage needs an id of its own',
      stageId: "a",
    };
    expect(problem(base.pipe(a).pipe(a))).toEqual(twice);
    expect(problem(base.parallel([a, b] as Stage[]).pipe(anyStage("a")))).toEqual(twice);
    expect(problem(base.parallel([a, b, a] as Stage[]))).toEqual(twice);
  });

  it("a dependency that isn't before it: unknown, later, a sibling, itself", () => {
    const needing = (id: string) => anyStage("a", { dependencies: [id] });
    const [b, c] = [anyStage("b"), anyStage("c")];
    const message = (id: string, expected: string) => ({
      message: `workflow "w": stage "a" depends on "${id}", which is not before it; expected ${expected}`,
      stageId: "a",
    });
    const none = "none, for it is in the first group";
    expect(problem(base.pipe(b).pipe(c).pipe(needing("nope")))).toEqual(message("nope", 'one of "b", "c"'));
    expect(problem(base.pipe(needing("b")).pipe(b))).toEqual(message("b", none));
    expect(problem(base.parallel([b, needing("b")] as Stage[]))).toEqual(message("b", none));
    expect(problem(base.pipe(needing("a")))).toEqual(message("a", none));
    expect(() => base.pipe(b).pipe(c).pipe(needing("b")).build()).not.toThrow();
  });

  it("lists no more than ten ids in a message", () => {
    const stages = Array.from({ length: 30 }, (_, n) => anyStage(`s${n}`));
    const { message } = problem(base.parallel(stages).pipe(anyStage("a", { dependencies: ["nope"] })));
    expect(message).toContain('"s9" and 20 more');
    expect(message).not.toContain('"s10"');
  });

  it("a pipe that doesn't fit, naming both stages", () => {
    const builder = base.pipe(stageOf("first", "none", score)).pipe(stageOf("second", text, score));
    expect(problem(builder)).toEqual({
      message: `workflow "w": the input of stage "second" doesn't fit the output of stage "first": text is required, and is not there`,
      stageId: "second",
    });
  });

  it("a first stage that the workflow's input doesn't fit", () => {
    const builder: AnyWorkflowBuilder = defineWorkflow({ id: "w", name: "W", input: score });
    expect(problem(builder.pipe(stageOf("a", text, score))).message).toBe(
      `workflow "w": the input of stage "a" doesn't fit the workflow's input: text is required, and is not there`,
    );
  });

  it("a stage after a group that wants what no sibling gives", () => {
    const group = base.parallel([stageOf("a", "none", score), stageOf("b", "none", text)] as Stage[]);
    expect(problem(group.pipe(stageOf("c", z.object({ a: score, x: text }), score))).message).toBe(
      `workflow "w": the input of stage "c" doesn't fit the outputs, by stage id, of the parallel stages "a", "b": x is required, and is not there`,
    );
    expect(problem(group.pipe(stageOf("c", z.object({ a: text }), score))).message).toContain(
      "a.text is required, and is not there",
    );
    expect(() => group.pipe(stageOf("c", z.object({ a: score, b: text }), score)).build()).not.toThrow();
    expect(() => group.pipe(stageOf("c", "none", score)).build()).not.toThrow();
  });

  it("an output schema that the last output doesn't fit", () => {
    const builder: AnyWorkflowBuilder = new WorkflowBuilder("w", "W", undefined, z.unknown(), text);
    expect(problem(builder.pipe(stageOf("a", "none", score))).message).toBe(
      `workflow "w": its output schema doesn't fit the output of stage "a": text is required, and is not there`,
    );
    expect(() => builder.pipe(stageOf("a", "none", text)).build()).not.toThrow();
  });
});
