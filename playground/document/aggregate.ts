import type { DocumentFormat, ExtractedDocument } from "./document.ts";
import type { KeywordReport } from "./keywords/keywords.ts";
import type { ParagraphSentiment, Sentiment, SentimentReport } from "./sentiment.ts";

/** What the three stages before found. */
export interface Findings {
  readonly document: ExtractedDocument;
  readonly sentiment: SentimentReport;
  readonly keywords: KeywordReport;
}

/** One section in the report. */
export interface SectionReport extends Sentiment {
  readonly heading: string;
  readonly words: number;
  /** Up to three of the document's keywords that belong most to this section. */
  readonly keywords: readonly string[];
}

/** A passage quoted for its sentiment. */
export interface Passage extends Sentiment {
  readonly heading: string;
  readonly quote: string;
}

/** A keyword with the places where it occurs most. */
export interface KeywordPlace {
  readonly phrase: string;
  /** YAKE!'s score: the lower, the more telling. */
  readonly score: number;
  readonly count: number;
  /** In how many sections it occurs. */
  readonly sections: number;
  /** Up to three sections with the most occurrences, most first. */
  readonly where: readonly { readonly heading: string; readonly count: number }[];
}

/** Everything found about a document, ready to be shown. */
export interface DocumentReport {
  readonly title: string;
  readonly author?: string | undefined;
  readonly format: DocumentFormat;
  readonly words: number;
  readonly characters: number;
  readonly paragraphs: number;
  /** Whole minutes, at least 1. */
  readonly readingMinutes: number;
  readonly sentiment: Sentiment & { readonly lexicon: string; readonly hits: number };
  readonly sections: readonly SectionReport[];
  readonly mostPositive: readonly Passage[];
  readonly mostNegative: readonly Passage[];
  readonly keywordMethod: string;
  readonly keywords: readonly KeywordPlace[];
}

/** Silent reading of English prose: Brysbaert, "How many words do we read per minute?", J. Memory & Language 109 (2019). */
const WORDS_PER_MINUTE = 238;

const PLACES = 3;

/** Joins what the stages found about one document into a report. */
export function aggregate({ document, sentiment, keywords }: Findings): DocumentReport {
  const heading = (section: number): string =>
    document.sections[section]?.heading || `Section ${section + 1}`;
  const passage = ({ section, quote, score, label }: ParagraphSentiment): Passage => ({
    heading: heading(section),
    quote,
    score,
    label,
  });
  const title =
    document.title ?? document.sections.find((section) => section.heading !== "")?.heading ?? document.name;
  return {
    title: title ?? "Untitled document",
    author: document.author,
    format: document.format,
    words: document.stats.words,
    characters: document.stats.characters,
    paragraphs: document.stats.paragraphs,
    readingMinutes: Math.max(1, Math.round(document.stats.words / WORDS_PER_MINUTE)),
    sentiment: {
      score: sentiment.score,
      label: sentiment.label,
      lexicon: sentiment.lexicon,
      hits: sentiment.hits,
    },
    sections: sentiment.sections.map(({ words, score, label }, index) => ({
      heading: heading(index),
      words,
      score,
      label,
      keywords: keywordsOf(index, keywords),
    })),
    mostPositive: sentiment.mostPositive.map(passage),
    mostNegative: sentiment.mostNegative.map(passage),
    keywordMethod: keywords.method,
    keywords: keywords.keywords.map(({ phrase, score, count, sections }) => ({
      phrase,
      score,
      count,
      sections: sections.length,
      where: [...sections]
        .sort((a, b) => b.count - a.count || a.section - b.section)
        .slice(0, PLACES)
        .map((place) => ({ heading: heading(place.section), count: place.count })),
    })),
  };
}

/**
 * The keywords that belong most to a section: by their occurrences here times the share of all their occurrences that
 * is here, so that what stands everywhere gives way to what stands here alone.
 */
function keywordsOf(section: number, { keywords }: KeywordReport): string[] {
  return keywords
    .map(({ phrase, count, sections }) => {
      const here = sections.find((place) => place.section === section)?.count ?? 0;
      return { phrase, weight: (here * here) / count };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, PLACES)
    .map(({ phrase }) => phrase);
}
