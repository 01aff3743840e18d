import { describe, expect, it } from "vitest";
import * as z from "zod";
import { DefinitionError } from "../errors.ts";
import type { RegisteredWorkflow } from "../ports/registry.ts";
import { defineWorkflow } from "./builder.ts";
import { toRegistry } from "./registry.ts";
import type { Schema } from "./schema.ts";
import { defineStage } from "./stage.ts";
import type { Workflow } from "./workflow.ts";

function stage(id: string, config?: Schema) {
  return defineStage({
    id,
    name: id,
    schemas: { input: "none", output: z.number(), config },
    execute: () => ({ output: 1 }),
  });
}

const workflow = defineWorkflow({
  id: "doc",
  name: "Doc",
  input: z.object({ pages: z.array(z.object({ n: z.coerce.number() })) }),
})
  .pipe(
    stage(
      "extract-text",
      z.object({ maxBytes: z.number().default(1024), mode: z.enum(["fast", "exact"]).default("fast") }),
    ),
  )
  .pipe(stage("plain"))
  .pipe(stage("v1.2:ask", z.object({ key: z.string() })))
  .build();

function registered(...workflows: readonly Workflow[]): RegisteredWorkflow {
  const [first] = workflows;
  const found = toRegistry(workflows).get(first?.id ?? "");
  if (found === undefined) throw new Error("not registered");
  return found;
}

async function parseConfig(config: unknown, of: Workflow = workflow): Promise<unknown> {
  return registered(of).parseConfig?.(config as Readonly<Record<string, unknown>>);
}

describe("toRegistry", () => {
  it("finds workflows by id", () => {
    const other = defineWorkflow({ id: "other", name: "Other", input: z.unknown() }).pipe(stage("a")).build();
    const registry = toRegistry([workflow, other]);
    expect(registry.ids()).toEqual(["doc", "other"]);
    expect(registry.get("other")?.graph).toBe(other.graph);
    expect(registry.get("nope")).toBeUndefined();
    expect(registry.get("constructor")).toBeUndefined();
  });

  it("refuses two workflows of one id", () => {
    const again = defineWorkflow({ id: "doc", name: "Again", input: z.unknown() }).pipe(stage("a")).build();
    expect(() => toRegistry([workflow, again])).toThrow(
      new DefinitionError('two workflows have the id "doc"; ids must differ'),
    );
  });

  it("refuses what build() didn't make", () => {
    const builder = defineWorkflow({ id: "doc", name: "Doc", input: z.unknown() }).pipe(stage("a"));
    const make = toRegistry as (workflows: readonly unknown[]) => unknown;
    expect(() => make([builder])).toThrow(
      new DefinitionError(
        "a registry takes workflows made by build(), got an instance of WorkflowBuilder; call build() first",
      ),
    );
    expect(() => make([undefined])).toThrow(
      new DefinitionError("a registry takes workflows made by build(), got undefined"),
    );
  });
});

describe("parseInput", () => {
  it("gives what the schema makes of it, or where it doesn't fit", async () => {
    const { parseInput } = registered(workflow);
    expect(await parseInput?.({ pages: [{ n: "3" }] })).toEqual({ ok: true, value: { pages: [{ n: 3 }] } });
    expect(await parseInput?.({ pages: [{ n: 1 }, { n: "x" }] })).toEqual({
      ok: false,
      issues: [{ path: "pages[1].n", message: expect.any(String) }],
    });
    expect(await parseInput?.(undefined)).toEqual({
      ok: false,
      issues: [{ path: "", message: expect.any(String) }],
    });
  });
});

describe("parseConfig", () => {
  it("fills in the defaults of every stage that has config", async () => {
    expect(await parseConfig({ "v1.2:ask": { key: "k" } })).toEqual({
      ok: true,
      value: { "extract-text": { maxBytes: 1024, mode: "fast" }, "v1.2:ask": { key: "k" } },
    });
    expect(await parseConfig({ "extract-text": { maxBytes: 5 }, "v1.2:ask": { key: "k" } })).toMatchObject({
      value: { "extract-text": { maxBytes: 5, mode: "fast" } },
    });
  });

  it("names every place that doesn't fit, below its stage's id", async () => {
    expect(await parseConfig({ "extract-text": { maxBytes: "big", mode: "slow" } })).toEqual({
      ok: false,
      issues: [
        { path: "extract-text.maxBytes", message: expect.stringContaining("number") },
        { path: "extract-text.mode", message: expect.any(String) },
        { path: '["v1.2:ask"].key', message: expect.stringContaining("string") },
      ],
    });
  });

  it("refuses config that no stage reads", async () => {
    const given = { extractText: { maxBytes: 1 }, toString: {}, plain: { a: 1 }, "v1.2:ask": { key: "k" } };
    const hint = "stages with config: extract-text, v1.2:ask";
    expect(await parseConfig(given)).toEqual({
      ok: false,
      issues: [
        { path: "extractText", message: `workflow "doc" has no such stage; ${hint}` },
        { path: "toString", message: `workflow "doc" has no such stage; ${hint}` },
        { path: "plain", message: "this stage has no config schema, so it takes none" },
      ],
    });
  });

  it("lets an empty or undefined config pass for any of its stages", async () => {
    const given = { plain: {}, "extract-text": undefined, "v1.2:ask": { key: "k" } };
    expect(await parseConfig(given)).toMatchObject({ ok: true, value: { "v1.2:ask": { key: "k" } } });
  });

  it.each([
    [null, "null"],
    ["fast", '"fast"'],
    [[1], "an array of 1"],
    [undefined, "undefined"],
  ])("refuses %j for the whole", async (config, got) => {
    expect(await parseConfig(config)).toEqual({
      ok: false,
      issues: [{ path: "", message: `expected an object of configs by stage id, got ${got}` }],
    });
  });

  it("asks a schema for its own default, and doesn't hand an object to one that takes none", async () => {
    const odd = defineWorkflow({ id: "odd", name: "Odd", input: z.unknown() })
      .pipe(stage("whole", z.object({ a: z.number() }).default({ a: 5 })))
      .pipe(stage("level", z.number().default(3)))
      .pipe(stage("word", z.string()))
      .build();
    expect(await parseConfig({ word: "w" }, odd)).toEqual({
      ok: true,
      value: { whole: { a: 5 }, level: 3, word: "w" },
    });
    expect(await parseConfig({}, odd)).toEqual({
      ok: false,
      issues: [{ path: "word", message: expect.stringMatching(/expected string, received undefined/) }],
    });
  });

  it("says so where no stage has config", async () => {
    const none = defineWorkflow({ id: "none", name: "None", input: z.unknown() }).pipe(stage("a")).build();
    expect(await parseConfig({}, none)).toEqual({ ok: true, value: {} });
    expect(await parseConfig({ b: {} }, none)).toMatchObject({
      issues: [{ message: 'workflow "none" has no such stage; none of its stages has config' }],
    });
  });
});
