import { describe, expect, it } from "vitest";
import { columnsOf, createPaint, duration, fit, printable, wrap } from "./terminal.ts";

describe("createPaint", () => {
  const write = () => true;

  it("colours a terminal, and nothing else", () => {
    expect(createPaint({ isTTY: true, write }, {})("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(createPaint({ write }, {})("red", "x")).toBe("x");
    expect(createPaint({ isTTY: true, write }, { NO_COLOR: "1" })("red", "x")).toBe("x");
    expect(createPaint({ isTTY: true, write }, { TERM: "dumb" })("red", "x")).toBe("x");
  });
});

describe("printable", () => {
  it("lets no escape sequence, control character or change of direction through", () => {
    expect(printable("a\x1b[2Jb\x1b]0;title\x07c\x07\u009b31md\u202ee\r\nf\tg")).toBe("abcde f g");
  });
});

describe("columns", () => {
  it("counts what a terminal shows", () => {
    expect([columnsOf("naïve"), columnsOf("nai\u0308ve"), columnsOf("日本"), columnsOf("😀")]).toEqual([
      5, 5, 4, 2,
    ]);
  });

  it("fits a text by padding or cutting it, never beyond the columns", () => {
    expect(fit("tea", 5)).toBe("tea  ");
    expect(fit("teapot", 5)).toBe("teap…");
    expect(fit("日本語", 4)).toBe("日… ");
    for (const columns of [1, 2, 3, 4, 5]) expect(columnsOf(fit("日本語", columns))).toBe(columns);
  });

  it("wraps at spaces", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("extraordinary", 5)).toEqual(["extraordinary"]);
    expect(wrap("", 5)).toEqual([]);
  });
});

describe("duration", () => {
  it("is short at every size", () => {
    expect([0.4, 840, 999.4, 12_345, 59_900, 59_960, 125_000].map(duration)).toEqual([
      "0 ms",
      "840 ms",
      "999 ms",
      "12.3 s",
      "59.9 s",
      "1 min 0 s",
      "2 min 5 s",
    ]);
  });
});
