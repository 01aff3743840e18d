import type { Block } from "./blocks.ts";
import { isNumberedHeading } from "./plain.ts";
import { createUnwrap } from "./unwrap.ts";

/** The part of a PDF.js text item that the layout is read from. */
export interface PdfRun {
  readonly str: string;
  /** `[a, b, c, d, x, y]` in points from the page's bottom left. */
  readonly transform: readonly number[];
  readonly hasEOL: boolean;
}

/** A printed line. Lengths are in points; `y` grows upwards. */
export interface PdfLine {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** A heading is set at least this much larger than the body. */
const HEADING_SIZE = 1.15;
/** A paragraph begins after a gap this much larger than the usual distance of lines... */
const PARAGRAPH_GAP = 1.3;
/** ...or with an indent of more than this many ems, and less than the most (which would be centred or a column). */
const INDENT_EMS = 0.8;
const WIDEST_INDENT_EMS = 5;
/** A first line that stands on this many pages, but for its digits, is a running head. */
const RUNNING_HEAD_PAGES = 3;

/** Joins a page's runs of text, which PDF.js gives in reading order, into lines. */
export function runsToLines(runs: readonly PdfRun[]): PdfLine[] {
  const lines: PdfLine[] = [];
  let text = "";
  let place: { x: number; y: number; size: number } | undefined;
  const endLine = (): void => {
    if (place && text.trim() !== "") lines.push({ text: text.trim(), ...place });
    text = "";
    place = undefined;
  };
  for (const { str, transform, hasEOL } of runs) {
    if (str !== "") {
      const [, , c = 0, d = 0, x = 0, y = 0] = transform;
      const size = Math.hypot(c, d);
      // Half a line up or down is another line, not a superscript.
      if (place && Math.abs(y - place.y) > place.size / 2) endLine();
      place ??= { x, y, size };
      text += str;
    }
    if (hasEOL) endLine();
  }
  endLine();
  return lines;
}

/** Joins the lines of all pages into headings (by their size, or their numbering) and paragraphs. */
export async function linesToBlocks(pages: readonly (readonly PdfLine[])[]): Promise<Block[]> {
  const body = withoutPageFurniture(pages);
  const all = body.flat();
  const size = commonest(all.map((line) => [line.size, line.text.length]));
  const gaps = body.flatMap((page) => page.slice(1).map((line, above) => (page[above]?.y ?? 0) - line.y));
  const lineGap = commonest(gaps.filter((gap) => gap > 0).map((gap) => [gap, 1]));
  const unwrap = await createUnwrap([all.map((line) => line.text).join("\n")]);
  const blocks: Block[] = [];
  let open: { lines: PdfLine[]; heading: boolean } | undefined;
  const close = (): void => {
    if (!open) return;
    const text = unwrap(open.lines.map((line) => line.text).join("\n"));
    blocks.push({ kind: open.heading || isNumberedHeading(text) ? "heading" : "paragraph", text });
    open = undefined;
  };
  for (const page of body) {
    page.forEach((line, index) => {
      const heading = line.size >= size * HEADING_SIZE;
      const last = open?.lines.at(-1);
      const starts =
        !open ||
        !last ||
        open.heading !== heading ||
        // Over a page's end a sentence goes on; a new one is a new paragraph, as nothing tells the two apart.
        (index === 0 ? heading || /[.!?:]["'”’)]*$/u.test(last.text) : breaksAfter(last, line, lineGap));
      if (starts) {
        close();
        open = { lines: [], heading };
      }
      open?.lines.push(line);
    });
  }
  close();
  return blocks;
}

function breaksAfter(last: PdfLine, line: PdfLine, lineGap: number): boolean {
  const gap = last.y - line.y;
  // A negative gap is the top of the next column.
  if (gap > lineGap * PARAGRAPH_GAP * Math.max(1, line.size / Math.max(last.size, 1))) return true;
  const indent = (line.x - last.x) / Math.max(line.size, 1);
  return gap > 0 && indent > INDENT_EMS && indent < WIDEST_INDENT_EMS;
}

/** The pages without their numbers and running heads. */
function withoutPageFurniture(pages: readonly (readonly PdfLine[])[]): PdfLine[][] {
  const firsts = new Map<string, number>();
  for (const page of pages) {
    const key = furnitureKey(page[0]);
    if (key !== undefined) firsts.set(key, (firsts.get(key) ?? 0) + 1);
  }
  return pages.map((page) =>
    page.filter((line, index) => {
      const edge = index === 0 || index === page.length - 1;
      if (edge && /^[-–—\s]*(?:\d{1,4}|[ivxlc]{1,7})[-–—\s]*$/u.test(line.text)) return false;
      return index > 0 || (firsts.get(furnitureKey(line) ?? "") ?? 0) < RUNNING_HEAD_PAGES;
    }),
  );
}

function furnitureKey(line: PdfLine | undefined): string | undefined {
  return line?.text.replace(/\d+/gu, "#").trim();
}

/** The value, in half points, that weighs most; the smallest of equals. */
function commonest(values: readonly (readonly [value: number, weight: number])[]): number {
  const weights = new Map<number, number>();
  for (const [value, weight] of values) {
    const rounded = Math.round(value * 2) / 2;
    weights.set(rounded, (weights.get(rounded) ?? 0) + weight);
  }
  return [...weights].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]?.[0] ?? 0;
}
