import type { DocumentReport } from "../../document/aggregate.ts";

/**
 * A run's result as the document pipeline's report, or null if it is something else: results come from a store in which runs of other
 * workflows, or of an older build, may stand. What the page reads of it is checked; the stage's own schema checked it whole.
 */
export function reportOf(value: unknown): DocumentReport | null {
  if (!isRecord(value) || typeof value.title !== "string" || typeof value.words !== "number") return null;
  const { sentiment, sections, keywords, mostPositive, mostNegative } = value;
  const isReport =
    isRecord(sentiment) &&
    typeof sentiment.score === "number" &&
    isListOf(sections, (item) => typeof item.heading === "string" && typeof item.score === "number") &&
    isListOf(keywords, (item) => typeof item.phrase === "string" && typeof item.score === "number") &&
    isListOf(mostPositive, isPassage) &&
    isListOf(mostNegative, isPassage);
  return isReport ? (value as unknown as DocumentReport) : null;
}

function isPassage(item: Readonly<Record<string, unknown>>): boolean {
  return typeof item.quote === "string" && typeof item.score === "number";
}

function isListOf(value: unknown, check: (item: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isRecord(item) && check(item));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
