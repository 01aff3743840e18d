import { describe, expect, it } from "vitest";
import { bytes, clockTime, count, duration, percent, shortId, shortTime, signed } from "./format.ts";

describe("duration", () => {
  it.each([
    [-5, "0 ms"],
    [0.4, "0 ms"],
    [430.4, "430 ms"],
    [1000, "1.0 s"],
    [1249, "1.2 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [42_400, "42 s"],
    [123_000, "2 min 3 s"],
    [3_900_000, "1 h 5 min"],
  ])("says %d ms as %s", (ms, text) => expect(duration(ms)).toBe(text));
});

describe("bytes", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [1234, "1.2 kB"],
    [33_543, "34 kB"],
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [50_000_000, "50 MB"],
    [1.5e12, "1.5 TB"],
    [2e15, "2000 TB"],
  ])("says %d as %s", (size, text) => expect(bytes(size)).toBe(text));
});

describe("count", () => {
  it.each([
    [0, "0 words"],
    [1, "1 word"],
    [12_345, "12,345 words"],
  ])("says %d as %s", (number, text) => expect(count(number, "word")).toBe(text));
});

describe("shortId", () => {
  it.each([
    ["tab-12", "tab-12"],
    ["tab-0123456789ab-2", "tab-…89ab-2"],
    ["engine-01a207db-6d0f-74d2-a770-ee9254cdf430", "engine-…cdf430"],
    ["01a207db-6d0f-74d2-a770-ee9254cdf430", "01a2…cdf430"],
  ])("says %s as %s", (id, text) => expect(shortId(id)).toBe(text));
});

describe("signed", () => {
  it.each([
    [0.417, "+0.42"],
    [-0.1, "−0.10"],
    [0, "0.00"],
    [-0.004, "0.00"],
  ])("says %d as %s", (value, text) => expect(signed(value)).toBe(text));
});

describe("percent", () => {
  it.each([
    [0, "0 %"],
    [0.999, "99 %"],
    [1, "100 %"],
    [1.2, "100 %"],
    [-1, "0 %"],
  ])("says %d as %s", (share, text) => expect(percent(share)).toBe(text));
});

describe("times", () => {
  const at = new Date(2026, 10, 3, 14, 3, 9, 120).getTime();

  it("are told to the millisecond", () => expect(clockTime(at)).toBe("14:03:09.120"));

  it("are as short as today, this week and long ago allow", () => {
    expect(shortTime(at, new Date(2026, 10, 3, 23).getTime())).toBe("14:03");
    expect(shortTime(at, new Date(2026, 10, 5, 1).getTime())).toBe("Tue 14:03");
    expect(shortTime(at, new Date(2026, 10, 20).getTime())).toBe("Nov 3 14:03");
  });
});
