import { useId } from "react";
import type { DocumentReport } from "../../document/aggregate.ts";
import { signed } from "../ui/format.ts";
import { moodBars, moodLimit } from "./scale.ts";

/** The chart's own units; it is stretched to the width there is. */
const WIDTH = 1000;
const HALF = 70;
/** A bar of score 0 is still a line. */
const LEAST = 1.5;

/**
 * The mood of a document from its first section to its last: each section a bar as wide as its share of the words, up where it is positive and
 * down where it is negative. The table beneath says the same in words.
 */
export function MoodChart(props: {
  readonly sections: DocumentReport["sections"];
  readonly marked: number | null;
  readonly onMark: (index: number | null) => void;
}) {
  const { sections, marked, onMark } = props;
  const title = useId();
  const limit = moodLimit(sections);
  const gap = Math.min(6, (WIDTH / Math.max(1, sections.length)) * 0.18);
  return (
    <figure className="mood">
      <span className="mood-axis" aria-hidden="true">
        <span>{signed(limit)}</span>
        <span>0</span>
        <span>{signed(-limit)}</span>
      </span>
      <svg
        viewBox={`0 0 ${WIDTH} ${2 * HALF}`}
        preserveAspectRatio="none"
        role="img"
        aria-labelledby={title}
        onPointerLeave={() => onMark(null)}
      >
        <title id={title}>{summaryOf(sections)}</title>
        {[0.5, 1.5].map((at) => (
          <line key={at} x1="0" x2={WIDTH} y1={at * HALF} y2={at * HALF} className="mood-grid" />
        ))}
        {moodBars(sections).map(({ index, left, width, score }) => {
          const height = Math.max(LEAST, (Math.abs(score) / limit) * HALF);
          const label = sections[index]?.label ?? "neutral";
          return (
            <g key={index} onPointerEnter={() => onMark(index)}>
              <rect
                x={left * WIDTH}
                y="0"
                width={width * WIDTH}
                height={2 * HALF}
                className="mood-column"
                data-marked={index === marked}
              />
              <rect
                x={left * WIDTH + gap / 2}
                y={score >= 0 ? HALF - height : HALF}
                width={Math.max(1, width * WIDTH - gap)}
                height={height}
                className={`mood-bar mood-${label}`}
              />
            </g>
          );
        })}
        <line x1="0" x2={WIDTH} y1={HALF} y2={HALF} className="mood-zero" />
      </svg>
    </figure>
  );
}

function summaryOf(sections: DocumentReport["sections"]): string {
  const sorted = sections.toSorted((a, b) => b.score - a.score);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return "No sections";
  if (sections.length === 1) return `Sentiment of the only section: ${signed(best.score)}`;
  return `Sentiment of ${sections.length} sections in order, from ${signed(worst.score)} (${worst.heading}) to ${signed(best.score)} (${best.heading})`;
}
