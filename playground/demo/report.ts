import type { DocumentReport, Passage } from "../document/aggregate.ts";
import type { SentimentLabel } from "../document/sentiment.ts";
import { columnsOf, duration, fit, type Paint, printable, type Style, wrap } from "./terminal.ts";
import type { StageView } from "./track.ts";

/** How to lay a report out. */
export interface ReportLayout {
  readonly paint: Paint;
  /** Width in columns; held between 60 and 110. */
  readonly columns: number;
  readonly stages: readonly StageView[];
}

/** More sections than this are cut short: nobody reads a bar chart of a thousand rows. */
const MOST_SECTIONS = 60;
/** Columns on each side of a sentiment bar's middle. */
const HALF_BAR = 10;

const LABEL_STYLES: Readonly<Record<SentimentLabel, Style>> = {
  positive: "green",
  neutral: "dim",
  negative: "red",
};

/** Renders a document's report as text for a terminal or a file; every line ends in a line end. */
export function renderReport(report: DocumentReport, { paint, columns, stages }: ReportLayout): string {
  const width = Math.min(110, Math.max(60, columns));
  return [
    ...header(report, paint),
    "",
    ...sentimentBySection(report, paint, width),
    ...passages("Most positive", report.mostPositive, paint, width),
    ...passages("Most negative", report.mostNegative, paint, width),
    "",
    ...keywordList(report, paint, width),
    "",
    ...stageList(stages, paint),
    "",
  ].join("\n");
}

function header(report: DocumentReport, paint: Paint): string[] {
  const by = report.author === undefined ? "" : ` by ${printable(report.author)}`;
  const facts = [
    count(report.words, "word"),
    count(report.sections.length, "section"),
    count(report.paragraphs, "paragraph"),
    `${readingTime(report.readingMinutes)} to read`,
    FORMATS[report.format],
  ];
  return ["", `${paint("bold", printable(report.title))}${by}`, facts.join(" · ")];
}

const FORMATS = { text: "plain text", html: "HTML", markdown: "Markdown", pdf: "PDF" } as const;

function sentimentBySection(report: DocumentReport, paint: Paint, width: number): string[] {
  const { score, label, lexicon, hits } = report.sentiment;
  const mood = paint(LABEL_STYLES[label], `${signed(score)} ${label}`);
  const shown = report.sections.slice(0, MOST_SECTIONS);
  const headingColumns = Math.min(
    width - 2 * HALF_BAR - 12,
    Math.max(...shown.map((section) => columnsOf(printable(section.heading))), 10),
  );
  const rows = shown.map((section) => {
    const heading = fit(printable(section.heading), headingColumns);
    return `  ${heading} ${signed(section.score)} ${paint(LABEL_STYLES[section.label], bar(section.score))}`.trimEnd();
  });
  const more = report.sections.length - shown.length;
  return [
    `${paint("bold", "Sentiment")}  ${mood}  ${paint("dim", `(−1 to +1; ${count(hits, "word")} rated by ${lexicon})`)}`,
    "",
    ...rows,
    ...(more > 0 ? [paint("dim", `  … and ${count(more, "more section")}`)] : []),
  ];
}

/** A bar that grows to the left or right of a middle line. */
function bar(score: number): string {
  const length = Math.round(Math.abs(score) * HALF_BAR);
  const left = score < 0 ? "█".repeat(length).padStart(HALF_BAR) : " ".repeat(HALF_BAR);
  return `${left}│${score > 0 ? "█".repeat(length) : ""}`;
}

function passages(title: string, list: readonly Passage[], paint: Paint, width: number): string[] {
  if (list.length === 0) return [];
  const lines = list.flatMap((passage) => [
    ...wrap(printable(passage.quote), width - 9).map((line, index) =>
      index === 0 ? `  ${signed(passage.score)}  ${line}` : `         ${line}`,
    ),
    paint("dim", `         ${fit(printable(passage.heading), width - 9).trimEnd()}`),
  ]);
  return ["", paint("bold", title), "", ...lines];
}

function keywordList(report: DocumentReport, paint: Paint, width: number): string[] {
  const title = `${paint("bold", "Keywords")}  ${paint("dim", `(${report.keywordMethod}: the lower the score, the more telling)`)}`;
  if (report.keywords.length === 0) return [title, "", "  none"];
  const phraseColumns = Math.min(
    30,
    Math.max(...report.keywords.map(({ phrase }) => columnsOf(printable(phrase)))),
  );
  const rows = report.keywords.map(({ phrase, score, count: times, where }, index) => {
    const head = `  ${String(index + 1).padStart(2)}  ${fit(printable(phrase), phraseColumns)}`;
    const figures = `${score.toPrecision(2).padStart(8)}  ${`${times}×`.padStart(6)}`;
    const place = where[0] ? `  most in ${printable(where[0].heading)}` : "";
    const room = width - columnsOf(head) - figures.length - 2;
    return `${head}  ${figures}${paint("dim", fit(place, room).trimEnd())}`;
  });
  return [title, "", ...rows];
}

function stageList(stages: readonly StageView[], paint: Paint): string[] {
  const nameColumns = Math.max(0, ...stages.map(({ name }) => columnsOf(name)));
  return [
    paint("bold", "Stages"),
    "",
    ...stages.map(({ name, status, attempts, elapsedMs }) => {
      const time = elapsedMs === null ? "" : duration(elapsedMs).padStart(8);
      return `  ${fit(name, nameColumns)}  ${fit(status, 9)}  ${fit(count(attempts, "attempt"), 10)} ${time}`.trimEnd();
    }),
  ];
}

function signed(score: number): string {
  // The minus sign proper is as wide as the plus.
  return `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(2)}`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function readingTime(minutes: number): string {
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
