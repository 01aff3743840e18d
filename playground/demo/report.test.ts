import { beforeAll, describe, expect, it } from "vitest";
import { aggregate, type DocumentReport } from "../document/aggregate.ts";
import { extractDocument } from "../document/extract/extract.ts";
import { fixture } from "../document/fixtures/files.ts";
import { extractKeywords } from "../document/keywords/keywords.ts";
import { analyzeSentiment } from "../document/sentiment.ts";
import { renderReport } from "./report.ts";
import { columnsOf, createPaint } from "./terminal.ts";

const paint = createPaint({ write: () => true }, {});
const stages = [
  {
    id: "a",
    name: "Extract text",
    status: "completed",
    progress: 1,
    message: "",
    attempts: 2,
    elapsedMs: 120,
  },
] as const;

const SECTION = { heading: "One", words: 10, score: 0.2, label: "positive", keywords: [] } as const;

let report: DocumentReport;

beforeAll(async () => {
  const document = await extractDocument(fixture("../sample/news-from-nowhere.md"));
  report = aggregate({
    document,
    sentiment: await analyzeSentiment(document.sections),
    keywords: await extractKeywords(document.sections),
  });
});

describe("renderReport", () => {
  it("says what the document is, its moods, its keywords and what the stages took", () => {
    const text = renderReport(report, { paint, columns: 100, stages });
    expect(text).toMatch(
      /^\nNews from Nowhere: five chapters by William Morris\n5,\d{3} words · 5 sections · \d+ paragraphs/u,
    );
    expect(text).toMatch(/CHAPTER XII: CONCERNING THE ARRANGEMENT OF LIFE +−0\.\d\d +█+│\n/u);
    expect(text).toMatch(/CHAPTER XVI: DINNER IN THE HALL OF THE BLOOMSBURY MARKET +\+0\.\d\d {11}│█+\n/u);
    expect(text).toMatch(/Most positive\n\n {2}\+0\.\d\d {2}\S[^\n]+\n(?: {9}[^\n]+\n){0,2} {9}CHAPTER/u);
    expect(text).toMatch(/Most negative\n\n {2}−0\.\d\d {2}\S/u);
    expect(text).toMatch(
      /Keywords {2}\(YAKE!.*\)\n\n {3}1 {2}government +0\.0\d+ +\d+× {2}most in CHAPTER XI:/u,
    );
    expect(text).toMatch(/Stages\n\n {2}Extract text {2}completed {2}2 attempts +120 ms\n$/u);
  });

  it("keeps within the width", () => {
    for (const columns of [60, 80, 110]) {
      const lines = renderReport(report, { paint, columns, stages }).split("\n");
      const body = lines.filter((line) => !/^Keywords|^Sentiment|·/u.test(line));
      expect(Math.max(...body.map(columnsOf))).toBeLessThanOrEqual(columns);
    }
  });

  it("prints nothing of a document's control characters", () => {
    const evil = { ...report, title: "Tea\x1b[2J", sections: [{ ...SECTION, heading: "\x1b]0;x\x07One" }] };
    const text = renderReport(evil, { paint, columns: 80, stages });
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("cuts a long list of sections, and has words for nothing found", () => {
    const long = { ...report, sections: Array.from({ length: 63 }, () => SECTION), keywords: [] };
    const text = renderReport({ ...long, mostPositive: [] }, { paint, columns: 80, stages: [] });
    expect(text).toContain("… and 3 more sections");
    expect(text).toMatch(/Keywords.*\n\n {2}none\n/u);
    expect(text).not.toContain("Most positive");
  });
});
