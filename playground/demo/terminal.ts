import { stripVTControlCharacters, styleText } from "node:util";

/** The part of a `WriteStream` that is written to. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Puts a style on a text, or, where colours are off, none. */
export type Paint = (style: Style, text: string) => string;

/**
 * Colours on a terminal, unless `NO_COLOR` is set (https://no-color.org) or it is dumb. Asked here, because `styleText`
 * asks about standard output, and progress goes to standard error.
 */
export function createPaint(stream: Terminal, env: Readonly<Record<string, string | undefined>>): Paint {
  const colours = stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * One line of somebody else's text, safe to print: without the escape sequences and control characters by which a
 * document could move the cursor, change the window's title or forge output.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu, "")
    .trim();
}

/** How many columns a printable text takes: East Asian wide characters and emoji take two, marks none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) columns += WIDE.test(char) ? 2 : /\p{M}/u.test(char) ? 0 : 1;
  return columns;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u{3000}-\u{303e}\u{ff01}-\u{ff60}]/u;

/** The text in exactly so many columns: padded with spaces, or cut and closed with an ellipsis. */
export function fit(text: string, columns: number): string {
  const missing = columns - columnsOf(text);
  if (missing >= 0) return text + " ".repeat(missing);
  let kept = "";
  let used = 0;
  for (const char of text) {
    const width = columnsOf(char);
    if (used + width > columns - 1) break;
    kept += char;
    used += width;
  }
  return `${kept}…${" ".repeat(Math.max(0, columns - 1 - used))}`;
}

/** Breaks a text at its spaces into lines of at most so many columns. A longer word gets a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && columnsOf(longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  if (line !== "") lines.push(line);
  return lines;
}

/** Milliseconds for people: `840 ms`, `12.3 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
