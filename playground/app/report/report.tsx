import { useState } from "react";
import type { DocumentReport, Passage } from "../../document/aggregate.ts";
import { signed } from "../ui/format.ts";
import { KeywordList } from "./keyword-list.tsx";
import { MoodChart } from "./mood-chart.tsx";
import { SectionTable } from "./section-table.tsx";

const formats = { text: "Plain text", html: "HTML", markdown: "Markdown", pdf: "PDF" } as const;

/** What the document pipeline found, readably. */
export function Report({ report }: { readonly report: DocumentReport }) {
  const [marked, setMarked] = useState<number | null>(null);
  const { sentiment } = report;
  return (
    <article className="report">
      <header className="report-head">
        <h2>{report.title}</h2>
        {report.author === undefined ? null : <p>by {report.author}</p>}
      </header>
      <dl className="facts">
        <Fact name="Sentiment" value={signed(sentiment.score)} note={sentiment.label} />
        <Fact name="Words" value={report.words.toLocaleString("en")} />
        <Fact name="Sections" value={report.sections.length.toLocaleString("en")} />
        <Fact name="Paragraphs" value={report.paragraphs.toLocaleString("en")} />
        <Fact name="Reading time" value={readingTime(report.readingMinutes)} />
        <Fact name="Format" value={formats[report.format]} />
      </dl>
      <div className="report-columns">
        <section className="report-mood">
          <h3>Sentiment by section</h3>
          <p className="note">
            {sentiment.hits === 0
              ? `No word is in the lexicon (${sentiment.lexicon}), which is English.`
              : `${sentiment.hits.toLocaleString("en")} words rated by ${sentiment.lexicon}, from −1 to +1. Each bar is as wide as its section is long.`}
          </p>
          <MoodChart sections={report.sections} marked={marked} onMark={setMarked} />
          <SectionTable sections={report.sections} marked={marked} onMark={setMarked} />
        </section>
        <section className="report-keywords">
          <h3>Keywords</h3>
          <p className="note">
            Ranked by {report.keywordMethod}; a longer bar tells more about the document.
          </p>
          <KeywordList keywords={report.keywords} />
        </section>
        <Passages title="Most positive" passages={report.mostPositive} />
        <Passages title="Most negative" passages={report.mostNegative} />
      </div>
    </article>
  );
}

function Fact({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {note === undefined ? null : <span className={`mood-word mood-${note}`}>{note}</span>}
      </dd>
    </div>
  );
}

function Passages({ title, passages }: { readonly title: string; readonly passages: readonly Passage[] }) {
  if (passages.length === 0) return null;
  return (
    <section className="passages">
      <h3>{title}</h3>
      <ul>
        {passages.map(({ quote, heading, score, label }, index) => (
          <li key={index}>
            <blockquote>{quote}</blockquote>
            <p className="note">
              <span className={`mood-word mood-${label}`}>{signed(score)}</span> {heading}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function readingTime(minutes: number): string {
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
