import { describe, expect, it } from "vitest";
import * as z from "zod";
import { DefinitionError } from "../errors.ts";
import { defineWorkflow, WorkflowBuilder } from "./builder.ts";
import { anyStage } from "./define.test-helper.ts";
import { defineStage } from "./stage.ts";

const Input = z.object({ text: z.string() });
const a = defineStage({
  id: "a",
  name: "A",
  schemas: { input: Input, output: z.object({ n: z.number() }) },
  execute: () => ({ output: { n: 1 } }),
});
const b = defineStage({
  id: "b",
  name: "B",
  schemas: { input: z.object({ n: z.number() }), output: z.string() },
  execute: () => ({ output: "b" }),
});
const c = defineStage({
  id: "c",
  name: "C",
  schemas: { input: z.object({ n: z.number() }), output: z.string() },
  execute: () => ({ output: "c" }),
});
const d = defineStage({
  id: "d",
  name: "D",
  schemas: { input: z.object({ b: z.string(), c: z.string() }), output: z.string() },
  dependencies: [b, c],
  execute: (ctx) => ({ output: ctx.require("b") + ctx.require("c") }),
});
const base = defineWorkflow({ id: "w", name: "W", input: Input });

describe("a builder", () => {
  it("composes pipe and parallel to groups", () => {
    const workflow = base.pipe(a).parallel([b, c]).pipe(d).build();
    expect(workflow.graph.groups).toEqual([["a"], ["b", "c"], ["d"]]);
    expect([...workflow.stages.keys()]).toEqual(["a", "b", "c", "d"]);
    expect(workflow.stages.get("b")).toBe(b);
    expect(workflow).toMatchObject({ id: "w", name: "W", input: Input, output: null });
  });

  it("gives a new builder with each call, so that a base can be continued twice", () => {
    const stem = base.pipe(a);
    const left = stem.pipe(b);
    const right = stem.pipe(c);
    expect(left).not.toBe(stem);
    expect(left.build().graph.groups).toEqual([["a"], ["b"]]);
    expect(right.build().graph.groups).toEqual([["a"], ["c"]]);
    expect(stem.build().graph.groups).toEqual([["a"]]);
    expect(stem.build().graph).toEqual(stem.build().graph);
  });

  it("doesn't follow changes of an array that it was given", () => {
    const stages = [anyStage("x"), anyStage("y")];
    const builder = base.parallel(stages);
    stages.push(anyStage("z"));
    expect(builder.build().graph.groups).toEqual([["x", "y"]]);
  });

  it("made by position is the same as one made by name", () => {
    const Output = z.string();
    const byName = defineWorkflow({ id: "w", name: "W", description: "two", input: Input, output: Output });
    const byPosition = new WorkflowBuilder("w", "W", "two", Input, Output);
    const left = byName.pipe(a).pipe(b).build();
    const right = byPosition.pipe(a).pipe(b).build();
    expect(right.graph).toEqual(left.graph);
    expect(right.output).toBe(Output);
    expect(right.description).toBe("two");
  });

  it("refuses to be made of nothing", () => {
    const define = defineWorkflow as unknown as (definition: unknown) => unknown;
    expect(() => define(undefined)).toThrow(DefinitionError);
  });
});
