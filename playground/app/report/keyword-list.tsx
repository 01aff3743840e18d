import type { DocumentReport } from "../../document/aggregate.ts";
import { count } from "../ui/format.ts";
import { keywordBars } from "./scale.ts";

/** The keywords by rank, each with a bar and where it stands most. */
export function KeywordList({ keywords }: { readonly keywords: DocumentReport["keywords"] }) {
  const lengths = keywordBars(keywords);
  if (keywords.length === 0) return <p className="empty">No phrase stands out in this document.</p>;
  return (
    <ol className="keywords">
      {keywords.map(({ phrase, score, count: times, where }, index) => {
        const place = where[0] === undefined ? "" : `most in ${where[0].heading}`;
        return (
          <li key={phrase} title={`score ${score.toPrecision(2)}; ${place}`}>
            <span className="keyword-rank">{index + 1}</span>
            <span className="keyword-phrase">{phrase}</span>
            <span className="keyword-count">{count(times, "time")}</span>
            <svg className="keyword-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect width="100" height="4" className="bar-ground" />
              <rect width={100 * (lengths[index] ?? 0)} height="4" className="bar-value" />
            </svg>
          </li>
        );
      })}
    </ol>
  );
}
