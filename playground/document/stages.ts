/** The first example: a document's text, its mood and its subjects, in four stages. */
import { defineStage, defineWorkflow, type StageContext } from "sluice";
import * as z from "zod";
import { aggregate } from "./aggregate.ts";
import type { WorkOptions } from "./breathe.ts";
import { extractDocument } from "./extract/extract.ts";
import { extractKeywords } from "./keywords/keywords.ts";
import { Document, DocumentInput, KeywordResult, Report, SentimentResult } from "./schemas.ts";
import { analyzeSentiment } from "./sentiment.ts";

/** Text, HTML, Markdown or PDF to titled sections of plain paragraphs. */
export const extract = defineStage({
  id: "extract-text",
  name: "Extract text",
  schemas: { input: DocumentInput, output: Document },
  async execute(ctx) {
    const { file, name } = ctx.input;
    ctx.log("INFO", "reading a document", { bytes: file.size, type: file.type });
    const document = await extractDocument(file, { name, ...workOptions(ctx) });
    const { format, encoding, stats } = document;
    ctx.log("INFO", "extracted its text", { format, encoding, ...stats });
    return { output: document };
  },
});

/** The mood of each paragraph and section, by AFINN. */
export const sentiment = defineStage({
  id: "sentiment-analysis",
  name: "Sentiment analysis",
  schemas: {
    input: Document,
    output: SentimentResult,
    config: z.object({ quotes: z.int().min(0).max(20).default(3) }),
  },
  async execute(ctx) {
    const output = await analyzeSentiment(ctx.input.sections, { ...ctx.config, ...workOptions(ctx) });
    ctx.log("INFO", "rated the document", { score: output.score, label: output.label, hits: output.hits });
    if (output.hits === 0) ctx.log("WARN", "no word is in the lexicon, which is English");
    return { output };
  },
});

/** The phrases that tell most about the document, by YAKE!. */
export const keywords = defineStage({
  id: "keyword-extraction",
  name: "Keyword extraction",
  schemas: {
    input: Document,
    output: KeywordResult,
    config: z.object({ limit: z.int().min(1).max(100).default(20) }),
  },
  async execute(ctx) {
    const output = await extractKeywords(ctx.input.sections, { ...ctx.config, ...workOptions(ctx) });
    ctx.log("INFO", "ranked keywords", { found: output.keywords.length, first: output.keywords[0]?.phrase });
    return { output };
  },
});

/** Joins what the others found. */
export const report = defineStage({
  id: "aggregate",
  name: "Aggregate",
  schemas: { input: "none", output: Report },
  dependencies: [extract, sentiment, keywords],
  execute(ctx) {
    const output = aggregate({
      document: ctx.require("extract-text"),
      sentiment: ctx.require("sentiment-analysis"),
      keywords: ctx.require("keyword-extraction"),
    });
    ctx.onProgress({ progress: 1, message: output.title });
    return { output };
  },
});

/** `extract text -> (sentiment analysis | keyword extraction) -> aggregate`. */
export const pipeline = defineWorkflow({
  id: "doc-processor",
  name: "Document processor",
  description: "Extracts a document's text, rates its mood, finds its keywords, and reports.",
  input: DocumentInput,
})
  .pipe(extract)
  .parallel([sentiment, keywords])
  .pipe(report)
  .build();

/** Hands the stage's signal and its progress on to the modules, which know nothing of the engine. */
function workOptions(ctx: Pick<StageContext, "signal" | "onProgress">): WorkOptions {
  return {
    signal: ctx.signal,
    onProgress: (progress, message) => ctx.onProgress({ progress, message }),
  };
}
