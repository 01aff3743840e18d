import { createEngine, defineStage, defineWorkflow, type RunSnapshot, type StageNode } from "sluice";
import { memoryStore } from "sluice/memory";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { inputOf, outputOf } from "./payloads.ts";

const text = z.object({ text: z.string() });
const echo = <Id extends string>(id: Id) =>
  defineStage({
    id,
    name: id,
    schemas: { input: text, output: text },
    execute: ({ input }) => ({ output: { text: `${input.text} ${id}` } }),
  });
const join = defineStage({
  id: "join",
  name: "join",
  schemas: { input: z.object({ b: text, c: text }), output: z.number() },
  execute: () => ({ output: 1 }),
});
const apart = defineStage({
  id: "apart",
  name: "apart",
  schemas: { input: "none", output: z.number() },
  execute: () => ({ output: 2 }),
});
const workflow = defineWorkflow({ id: "w", name: "W", input: text })
  .pipe(echo("a"))
  .parallel([echo("b"), echo("c")])
  .pipe(join)
  .pipe(apart)
  .build();

async function finished(): Promise<RunSnapshot> {
  const engine = createEngine({ workflows: [workflow], store: memoryStore() });
  try {
    const run = await engine.start(workflow, { text: "x" });
    await run.result();
    const snapshot = await engine.inspect(run.id);
    if (snapshot === null) throw new Error("the run is gone");
    return snapshot;
  } finally {
    await engine.stop();
  }
}

function node(id: string): StageNode {
  const found = workflow.graph.stages.find((stage) => stage.id === id);
  if (found === undefined) throw new Error(`no stage ${id}`);
  return found;
}

/** Stage, epoch and attempt. The attempt is the engine's: a lease that was given back counts none, but has a number. */
const id = (stageId: string) => expect.stringMatching(new RegExp(`^${stageId}\\.1\\.\\d+$`, "u"));
const value = (content: unknown) => expect.objectContaining({ kind: "value", value: content });

describe("inputOf", () => {
  it("is the workflow's input, the output before, the outputs before by stage, or nothing", async () => {
    const snapshot = await finished();
    const parts = (id: string) => {
      const input = inputOf(snapshot, node(id));
      return input.kind === "parts" ? input.parts : input.kind;
    };
    expect(parts("a")).toEqual([{ id: "input", from: null, payload: value({ text: "x" }) }]);
    expect(parts("b")).toEqual([{ id: id("a"), from: null, payload: value({ text: "x a" }) }]);
    expect(parts("join")).toEqual([
      { id: id("b"), from: "b", payload: value({ text: "x a b" }) },
      { id: id("c"), from: "c", payload: value({ text: "x a c" }) },
    ]);
    expect(parts("apart")).toBe("none");
  });

  it("says that it isn't there yet", async () => {
    const snapshot = { ...(await finished()), stages: [] };
    expect(inputOf(snapshot, node("b"))).toEqual({ kind: "not-yet" });
  });
});

describe("outputOf", () => {
  it("is the record's, or null before there is one", async () => {
    const snapshot = await finished();
    expect(outputOf(snapshot, "join")).toEqual({ id: id("join"), from: null, payload: value(1) });
    expect(outputOf({ ...snapshot, stages: [] }, "join")).toBeNull();
  });
});
