import type { DocumentReport } from "../../document/aggregate.ts";
import { signed } from "../ui/format.ts";

/** The sections in words: what the chart shows, and the keywords that belong most to each. */
export function SectionTable(props: {
  readonly sections: DocumentReport["sections"];
  readonly marked: number | null;
  readonly onMark: (index: number | null) => void;
}) {
  const { sections, marked, onMark } = props;
  return (
    <table className="section-table" onPointerLeave={() => onMark(null)}>
      <caption className="hidden-text">Sentiment by section</caption>
      <thead>
        <tr>
          <th scope="col">Section</th>
          <th scope="col" className="figure">
            Words
          </th>
          <th scope="col" className="figure">
            Sentiment
          </th>
          <th scope="col" className="section-keywords">
            Keywords
          </th>
        </tr>
      </thead>
      <tbody>
        {sections.map(({ heading, words, score, label, keywords }, index) => (
          // Sections have no name of their own: two may have the same heading.
          <tr key={index} data-marked={index === marked} onPointerEnter={() => onMark(index)}>
            <th scope="row" title={heading}>
              {heading}
            </th>
            <td className="figure">{words.toLocaleString("en")}</td>
            <td className="figure">
              <span className={`mood-word mood-${label}`}>
                <span className="mood-label">{label}</span>
                {signed(score)}
              </span>
            </td>
            <td className="section-keywords" title={keywords.join(", ")}>
              {keywords.join(", ")}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
