import { createEngine, RunFailedError } from "sluice";
import { memoryStore } from "sluice/memory";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixture } from "./fixtures/files.ts";
import { pipeline } from "./stages.ts";

let engine: ReturnType<typeof createEngine>;

beforeEach(() => {
  engine = createEngine({ workflows: [pipeline], store: memoryStore() });
});

afterEach(() => engine.destroy());

describe("the document pipeline", () => {
  it("is extract text -> (sentiment analysis | keyword extraction) -> aggregate", () => {
    expect(pipeline.graph.groups).toEqual([
      ["extract-text"],
      ["sentiment-analysis", "keyword-extraction"],
      ["aggregate"],
    ]);
  });

  it("turns a file into a report, and logs and reports progress on the way", async () => {
    const run = await engine.start(pipeline, { file: fixture("excerpt.html") });
    const report = await run.result();
    expect(report).toMatchObject({ title: "News from Nowhere", author: "William Morris", format: "html" });
    expect(report.keywords.length).toBeGreaterThan(5);
    const types = new Map<string, string[]>();
    for await (const { type, payload } of run.events()) {
      const stage = "stageId" in payload ? (payload.stageId ?? "") : "";
      types.set(stage, [...(types.get(stage) ?? []), type]);
    }
    const logs = await engine.logs({ runId: run.id });
    for (const { id } of pipeline.graph.stages) {
      expect(types.get(id)).toEqual(
        expect.arrayContaining(["stage:started", "stage:progress", "stage:completed"]),
      );
      if (id !== "aggregate") expect(logs.some(({ stageId }) => stageId === id)).toBe(true);
    }
  });

  it("takes its config: how many keywords, how many quotes", async () => {
    const config = { "keyword-extraction": { limit: 3 }, "sentiment-analysis": { quotes: 1 } };
    const run = await engine.start(pipeline, { file: fixture("excerpt.txt") }, { config });
    const report = await run.result();
    expect(report.keywords).toHaveLength(3);
    expect([report.mostPositive.length, report.mostNegative.length]).toEqual([1, 1]);
    await expect(
      engine.start(
        pipeline,
        { file: fixture("excerpt.txt") },
        { config: { "keyword-extraction": { limit: 0 } } },
      ),
    ).rejects.toMatchObject({ code: "INVALID_STAGE_CONFIG" });
  });

  it("goes by the name that it is given, as a plain Blob has none", async () => {
    const file = new Blob(["# Tea\n\nIt was *hot*."]);
    const run = await engine.start(pipeline, { file, name: "tea.md" });
    expect(await run.result()).toMatchObject({ title: "Tea", format: "markdown" });
  });

  it("fails at the first attempt on a document that can't be read, with the document's own code", async () => {
    const run = await engine.start(pipeline, { file: new Blob(["a\0b"]), name: "data.txt" });
    const error = await run.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RunFailedError);
    expect((error as RunFailedError).record).toMatchObject({
      name: "DocumentError",
      code: "DOCUMENT_BINARY",
      stageId: "extract-text",
      message: '"data.txt" holds binary data; expected text, HTML, Markdown or PDF',
    });
    const attempts = [];
    for await (const event of run.events()) if (event.type === "stage:started") attempts.push(event);
    expect(attempts).toHaveLength(1);
  });
});
