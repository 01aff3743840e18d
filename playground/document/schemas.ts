/**
 * The stages' schemas. Each is annotated with the interface that the modules work with, so that the two can't part:
 * the interfaces are what people read, the schemas what the engine checks at every border.
 */
import * as z from "zod";
import type { DocumentReport } from "./aggregate.ts";
import type { ExtractedDocument } from "./document.ts";
import type { KeywordReport } from "./keywords/keywords.ts";
import type { SentimentReport } from "./sentiment.ts";

type Exactly<T> = z.ZodType<T, T>;

const Count = z.int().min(0);
const Format = z.enum(["text", "html", "markdown", "pdf"]);
const Sentiment = z.object({
  score: z.number().min(-1).max(1),
  label: z.enum(["positive", "neutral", "negative"]),
});

/** What the workflow starts with. */
export const DocumentInput = z.object({
  file: z.instanceof(Blob),
  /** For the extension and for messages; default: the `name` of a `File`. */
  name: z.string().optional(),
});

export const Document: Exactly<ExtractedDocument> = z.object({
  name: z.string().optional(),
  title: z.string().optional(),
  author: z.string().optional(),
  format: Format,
  encoding: z.string().optional(),
  sections: z.array(z.object({ heading: z.string(), paragraphs: z.array(z.string()).readonly() })).readonly(),
  stats: z.object({ words: Count, characters: Count, paragraphs: Count, sections: Count }),
});

const QuotedParagraphs = z
  .array(Sentiment.extend({ section: Count, paragraph: Count, quote: z.string() }))
  .readonly();

export const SentimentResult: Exactly<SentimentReport> = Sentiment.extend({
  lexicon: z.string(),
  hits: Count,
  sections: z
    .array(
      Sentiment.extend({ heading: z.string(), words: Count, paragraphs: z.array(z.number()).readonly() }),
    )
    .readonly(),
  mostPositive: QuotedParagraphs,
  mostNegative: QuotedParagraphs,
});

export const KeywordResult: Exactly<KeywordReport> = z.object({
  method: z.string(),
  keywords: z
    .array(
      z.object({
        phrase: z.string(),
        score: z.number().positive(),
        count: Count,
        sections: z.array(z.object({ section: Count, count: Count })).readonly(),
      }),
    )
    .readonly(),
});

const Passages = z.array(Sentiment.extend({ heading: z.string(), quote: z.string() })).readonly();

export const Report: Exactly<DocumentReport> = z.object({
  title: z.string(),
  author: z.string().optional(),
  format: Format,
  words: Count,
  characters: Count,
  paragraphs: Count,
  readingMinutes: z.int().min(1),
  sentiment: Sentiment.extend({ lexicon: z.string(), hits: Count }),
  sections: z
    .array(Sentiment.extend({ heading: z.string(), words: Count, keywords: z.array(z.string()).readonly() }))
    .readonly(),
  mostPositive: Passages,
  mostNegative: Passages,
  keywordMethod: z.string(),
  keywords: z
    .array(
      z.object({
        phrase: z.string(),
        score: z.number().positive(),
        count: Count,
        sections: Count,
        where: z.array(z.object({ heading: z.string(), count: Count })).readonly(),
      }),
    )
    .readonly(),
});
