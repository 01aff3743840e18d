import { createBreather, type WorkOptions } from "../breathe.ts";
import type { Section } from "../document.ts";
import { sentences } from "../text.ts";
import { forgetRarest } from "./forget.ts";
import { readPhrases, type Term } from "./phrases.ts";
import { NEVER_ALONE } from "./stopwords.ts";
import { TermTable } from "./term-scores.ts";

/** A phrase that says what a document is about. */
export interface Keyword {
  /** As it is most often written in the document. */
  readonly phrase: string;
  /** YAKE!'s score: above 0, and the lower, the more telling. */
  readonly score: number;
  readonly count: number;
  /** Where it stands: the section's index, from 0, and how often there; in order. */
  readonly sections: readonly { readonly section: number; readonly count: number }[];
}

/** The keywords of a document, the most telling first. */
export interface KeywordReport {
  readonly method: string;
  readonly keywords: readonly Keyword[];
}

/** How to look for keywords. */
export interface KeywordOptions extends WorkOptions {
  /** At most so many; default 20. */
  readonly limit?: number | undefined;
}

/** The method, named in results. */
export const KEYWORD_METHOD = "YAKE! (Campos et al. 2020)";

/** Phrases of at most so many words. */
const LONGEST_PHRASE = 3;

/** In a text of more words than this a phrase that stands only once is chance. */
const LONG_TEXT = 1000;

/**
 * Finds the phrases that tell most about a document, by YAKE!: Campos, Mangaravite, Pasquali, Jorge, Nunes & Jatowt,
 * "YAKE! Keyword extraction from single documents using multiple local features", Information Sciences 509 (2020),
 * 257-289. Written from the paper's formulas: each word gets a score S(t) from its casing, position, frequency,
 * neighbours and spread; a phrase gets `Π S(t) / (count · (1 + Σ S(t)))`. It needs no other documents and no training.
 *
 * Three things differ from the paper: phrases hold no stopwords, and are no lone adjectives of the commonest; a phrase
 * must occur twice in a text of over 1,000 words; and of phrases that hold each other the better stays, where the paper compares spellings.
 *
 * @throws the signal's reason when it is aborted
 */
export async function extractKeywords(
  sections: readonly Section[],
  options: KeywordOptions = {},
): Promise<KeywordReport> {
  const breathe = createBreather(options.signal);
  const table = new TermTable();
  const phrases = new Map<string, Candidate>();
  let words = 0;
  for (const [index, section] of sections.entries()) {
    for (const paragraph of section.paragraphs) {
      await breathe();
      for (const sentence of sentences(paragraph)) {
        const runs = readPhrases(sentence);
        table.addSentence(runs);
        for (const run of runs) {
          words += run.length;
          collectPhrases(run, index, phrases);
        }
        forgetRarest(phrases);
      }
    }
    options.onProgress?.((0.9 * (index + 1)) / sections.length, section.heading || `section ${index + 1}`);
  }
  const scores = table.scores();
  await breathe();
  const leastCount = words > LONG_TEXT ? 2 : 1;
  const ranked: (Candidate & { score: number })[] = [];
  for (const candidate of phrases.values()) {
    const [first = "", ...others] = candidate.keys;
    if (candidate.count < leastCount || (others.length === 0 && NEVER_ALONE.has(first))) continue;
    ranked.push({ ...candidate, score: phraseScore(candidate, scores) });
  }
  ranked.sort((a, b) => a.score - b.score || b.count - a.count);
  const chosen = pickDistinct(ranked, options.limit ?? 20);
  options.onProgress?.(1, `${chosen.length} keywords of ${phrases.size.toLocaleString("en")} phrases`);
  return {
    method: KEYWORD_METHOD,
    keywords: chosen.map(({ surfaces, score, count, sections: places }) => ({
      phrase: mostFrequent(surfaces),
      score,
      count,
      sections: Array.from(places, ([section, times]) => ({ section, count: times })),
    })),
  };
}

interface Candidate {
  readonly keys: readonly string[];
  readonly surfaces: Map<string, number>;
  readonly sections: Map<number, number>;
  count: number;
}

function collectPhrases(run: readonly Term[], section: number, phrases: Map<string, Candidate>): void {
  for (let from = 0; from < run.length; from += 1) {
    for (
      let to = from + 1;
      to <= Math.min(run.length, from + LONGEST_PHRASE) && !run[to - 1]?.stop;
      to += 1
    ) {
      const terms = run.slice(from, to);
      const key = terms.map((term) => term.key).join(" ");
      let candidate = phrases.get(key);
      if (!candidate) {
        candidate = {
          keys: terms.map((term) => term.key),
          surfaces: new Map(),
          sections: new Map(),
          count: 0,
        };
        phrases.set(key, candidate);
      }
      candidate.count += 1;
      increment(candidate.sections, section);
      increment(candidate.surfaces, terms.map((term) => term.surface).join(" "));
    }
  }
}

function phraseScore({ keys, count }: Candidate, scores: ReadonlyMap<string, number>): number {
  let product = 1;
  let sum = 0;
  for (const key of keys) {
    const score = scores.get(key) ?? 1;
    product *= score;
    sum += score;
  }
  return product / (count * (1 + sum));
}

/** The best of the ranked, without those that share all their words with a better one. */
function pickDistinct<T extends Candidate>(ranked: readonly T[], limit: number): T[] {
  const chosen: T[] = [];
  const taken: Set<string>[] = [];
  for (const candidate of ranked) {
    if (chosen.length >= limit) break;
    const stems = new Set(candidate.keys.map(singular));
    if (taken.some((other) => holds(other, stems) || holds(stems, other))) continue;
    chosen.push(candidate);
    taken.push(stems);
  }
  return chosen;
}

function holds(words: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const word of others) if (!words.has(word)) return false;
  return true;
}

/** Near enough to tell that `house` and `houses` are one word. */
function singular(word: string): string {
  return word.length > 3 ? word.replace(/(?<=[^s])s$/u, "") : word;
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function mostFrequent(counts: ReadonlyMap<string, number>): string {
  let best = "";
  for (const [key, count] of counts) if (count > (counts.get(best) ?? 0)) best = key;
  return best;
}
