import type { DocumentReport, KeywordPlace } from "../../document/aggregate.ts";

/** A section's bar in the mood chart: fractions of the chart's width and of half its height. */
export interface MoodBar {
  readonly index: number;
  readonly left: number;
  readonly width: number;
  /** From -1 to 1. */
  readonly score: number;
}

/** No section is narrower than this share of an even division: a heading of two words must still be seen. */
const NARROWEST = 0.35;

/** Sets the sections side by side, each as wide as its share of the words, none too narrow to be seen. */
export function moodBars(sections: DocumentReport["sections"]): readonly MoodBar[] {
  const least = (NARROWEST * total(sections.map(({ words }) => words))) / Math.max(1, sections.length);
  const weights = sections.map(({ words }) => Math.max(words, least, 1));
  const all = total(weights);
  let left = 0;
  return sections.map(({ score }, index) => {
    const width = (weights[index] ?? 0) / all;
    const bar = { index, left, width, score };
    left += width;
    return bar;
  });
}

/** The chart's end of the scale: the strongest score, rounded up to the next quarter, and never so little that noise looks strong. */
export function moodLimit(sections: DocumentReport["sections"]): number {
  const strongest = Math.max(0, ...sections.map(({ score }) => Math.abs(score)));
  return Math.min(1, Math.max(0.25, Math.ceil(strongest * 4) / 4));
}

/**
 * How long each keyword's bar is, from 0 to 1. YAKE!'s scores span powers of ten and are better the smaller they are, so the bars
 * show `-log10(score)` against the best; the last is kept long enough to be seen as a bar.
 */
export function keywordBars(keywords: readonly Pick<KeywordPlace, "score">[]): readonly number[] {
  const weights = keywords.map(({ score }) => -Math.log10(Math.max(score, Number.MIN_VALUE)));
  const most = Math.max(...weights);
  const least = Math.min(...weights);
  const floor = Math.min(least - (most - least) * 0.25, 0.9 * least);
  return weights.map((weight) => (most === floor ? 1 : (weight - floor) / (most - floor)));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
