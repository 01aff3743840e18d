import { createBreather, type WorkOptions } from "./breathe.ts";
import type { Section } from "./document.ts";
import { countWords, quote, sentences } from "./text.ts";
import { findNames, LEXICON, STRONGEST, textValence, type Valence } from "./valence.ts";

export type SentimentLabel = "positive" | "neutral" | "negative";

/** How positive a text is: `score` runs from -1 to 1 (see {@link sentimentScore}). */
export interface Sentiment {
  readonly score: number;
  readonly label: SentimentLabel;
}

/** One section's sentiment with that of its paragraphs. */
export interface SectionSentiment extends Sentiment {
  readonly heading: string;
  readonly words: number;
  /** One score for each paragraph, in order. */
  readonly paragraphs: readonly number[];
}

/** A paragraph worth showing. `section` and `paragraph` count from 0. */
export interface ParagraphSentiment extends Sentiment {
  readonly section: number;
  readonly paragraph: number;
  readonly quote: string;
}

/** The sentiment of a document. */
export interface SentimentReport extends Sentiment {
  readonly lexicon: string;
  /** How many words the lexicon knew. */
  readonly hits: number;
  readonly sections: readonly SectionSentiment[];
  /** The most positive paragraphs, the most positive first; only paragraphs labelled so. */
  readonly mostPositive: readonly ParagraphSentiment[];
  readonly mostNegative: readonly ParagraphSentiment[];
}

/** How to analyse. */
export interface SentimentOptions extends WorkOptions {
  /** How many paragraphs to quote at each end, the most positive and the most negative; default 3. */
  readonly quotes?: number | undefined;
}

/** A score nearer to 0 than this is neutral. */
const NEUTRAL = 0.1;

/**
 * `(P - N) / (P + N + 5)`, from -1 to 1, where P and N are the sums of positive and of negative valences: the relative
 * proportional difference of Lowe, Benoit, Mikhaylov & Laver, "Scaling Policy Preferences from Coded Political Texts",
 * Legislative Studies Quarterly 36 (2011). The added 5, the strongest single word's valence, keeps one or two words
 * from scoring like a page of them. It doesn't depend on the length, so sections can be compared.
 */
export function sentimentScore({ positive, negative }: Pick<Valence, "positive" | "negative">): number {
  return (positive - negative) / (positive + negative + STRONGEST);
}

/** Says `positive` from 0.1 up, `negative` from -0.1 down, and `neutral` between. */
export function sentimentLabel(score: number): SentimentLabel {
  if (score >= NEUTRAL) return "positive";
  return score <= -NEUTRAL ? "negative" : "neutral";
}

/**
 * Scores a document by paragraph and by section with the AFINN word list, which is English: other languages come out
 * neutral.
 *
 * @throws the signal's reason when it is aborted
 */
export async function analyzeSentiment(
  sections: readonly Section[],
  options: SentimentOptions = {},
): Promise<SentimentReport> {
  const breathe = createBreather(options.signal);
  const names = findNames(sections.flatMap((section) => section.paragraphs));
  const total = new Sum();
  const scored: SectionSentiment[] = [];
  const paragraphs: Omit<ParagraphSentiment, "quote">[] = [];
  for (const [index, section] of sections.entries()) {
    const sum = new Sum();
    let words = 0;
    const scores: number[] = [];
    for (const [place, text] of section.paragraphs.entries()) {
      await breathe();
      const valence = textValence(text, names);
      sum.add(valence);
      words += countWords(text);
      const sentiment = rate(valence);
      scores.push(sentiment.score);
      if (sentiment.label !== "neutral") paragraphs.push({ section: index, paragraph: place, ...sentiment });
    }
    total.add(sum);
    scored.push({ heading: section.heading, ...rate(sum), words, paragraphs: scores });
    options.onProgress?.((index + 1) / sections.length, section.heading || `section ${index + 1}`);
  }
  const quoted = (list: typeof paragraphs): ParagraphSentiment[] =>
    list.slice(0, options.quotes ?? 3).map((entry) => {
      const text = sections[entry.section]?.paragraphs[entry.paragraph] ?? "";
      return { ...entry, quote: quote(tellingSentence(text, Math.sign(entry.score), names)) };
    });
  const positive = paragraphs.filter(({ label }) => label === "positive").sort((a, b) => b.score - a.score);
  const negative = paragraphs.filter(({ label }) => label === "negative").sort((a, b) => a.score - b.score);
  return {
    ...rate(total),
    lexicon: LEXICON,
    hits: total.hits,
    sections: scored,
    mostPositive: quoted(positive),
    mostNegative: quoted(negative),
  };
}

/** The sentence that says most plainly what its paragraph was scored for: the largest sum of that sign. */
function tellingSentence(paragraph: string, sign: number, names: ReadonlySet<string>): string {
  let best = { text: paragraph, weight: Number.NEGATIVE_INFINITY };
  for (const text of sentences(paragraph)) {
    const { positive, negative } = textValence(text, names);
    const weight = sign * (positive - negative);
    if (weight > best.weight) best = { text, weight };
  }
  return best.text;
}

class Sum implements Valence {
  positive = 0;
  negative = 0;
  hits = 0;

  add(valence: Valence): void {
    this.positive += valence.positive;
    this.negative += valence.negative;
    this.hits += valence.hits;
  }
}

/** Scores are kept to four places: more is noise, and costs bytes in every stored result. */
function rate(valence: Valence): Sentiment {
  const score = Math.round(sentimentScore(valence) * 1e4) / 1e4;
  return { score, label: sentimentLabel(score) };
}
