import { describe, expect, it } from "vitest";
import { aggregate } from "../../document/aggregate.ts";
import { extractDocument } from "../../document/extract/extract.ts";
import { extractKeywords } from "../../document/keywords/keywords.ts";
import { analyzeSentiment } from "../../document/sentiment.ts";
import { reportOf } from "./report-of.ts";

describe("reportOf", () => {
  it("knows what the document pipeline makes", async () => {
    const text = "CHAPTER 1\n\nA lovely day at the lock.\n\nCHAPTER 2\n\nA terrible night.";
    const document = await extractDocument(new File([text], "a.txt"));
    const [sentiment, keywords] = await Promise.all([
      analyzeSentiment(document.sections),
      extractKeywords(document.sections),
    ]);
    const report = aggregate({ document, sentiment, keywords });
    expect(reportOf(report)).toBe(report);
  });

  it.each([null, 7, "report", [], {}, { title: "t", words: 1 }, { title: "t", words: 1, sentiment: null }])(
    "takes %j for something else",
    (value) => expect(reportOf(value)).toBeNull(),
  );
});
