import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ciede2000, contrast, deuteranopia, difference, parseHex, type Rgb } from "./colour.test-helper.ts";

const css = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** The custom properties that are `light-dark(#…, #…)`, of one theme. */
function colours(file: string, theme: "light" | "dark"): ReadonlyMap<string, Rgb> {
  const found = css(file).matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/gu);
  return new Map(
    Array.from(found, ([, name = "", light = "", dark = ""]) => [
      name,
      parseHex(theme === "light" ? light : dark),
    ]),
  );
}

describe("ciede2000", () => {
  // Of the test data in Sharma, Wu & Dalal 2005.
  it.each([
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
    [[50, 2.5, 0], [61, -5, 29], 22.8977],
    [[50, 2.49, -0.001], [50, -2.49, 0.0011], 7.2195],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ] as const)("of %j and %j is %d", (one, other, expected) => {
    expect(ciede2000(one, other)).toBeCloseTo(expected, 4);
    expect(ciede2000(other, one)).toBeCloseTo(expected, 4);
  });
});

describe.each(["light", "dark"] as const)("the status colours in the %s theme", (theme) => {
  const statuses = [...colours("status.css", theme)];
  const tokens = colours("tokens.css", theme);

  it("are there", () => expect(statuses.length).toBe(9));

  it("stay apart for everybody and for people without green cones", () => {
    const close = statuses.flatMap(([name, one], index) =>
      statuses.slice(index + 1).flatMap(([other, another]) => {
        const seen = difference(one, another);
        const simulated = difference(deuteranopia(one), deuteranopia(another));
        return Math.min(seen, simulated) > 10 ? [] : [{ name, other, seen, simulated }];
      }),
    );
    expect(close).toEqual([]);
  });

  it("can be read on every ground that they stand on", () => {
    const faint = statuses.flatMap(([name, colour]) =>
      ["page", "panel", "sunken", "hover", "chosen"].flatMap((ground) => {
        const back = tokens.get(ground);
        if (back === undefined) throw new Error(`no colour ${ground}`);
        return contrast(colour, back) >= 4.5 ? [] : [{ name, ground, ratio: contrast(colour, back) }];
      }),
    );
    expect(faint).toEqual([]);
  });
});

describe.each(["light", "dark"] as const)("text in the %s theme", (theme) => {
  const tokens = colours("tokens.css", theme);
  const of = (name: string): Rgb => tokens.get(name) ?? parseHex(`no colour ${name}`);

  it.each(
    ["page", "panel", "sunken", "hover", "chosen"].flatMap((ground) =>
      ["ink", "ink-soft", "accent"].map((text) => [text, ground]),
    ),
  )("%s can be read on %s", (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["on-ink", "ink"],
    ["alarm", "alarm-back"],
    ["ink", "alarm-back"],
  ])("%s can be read on %s", (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it("leaves the edges of controls visible", () => {
    expect(contrast(of("line-strong"), of("panel"))).toBeGreaterThanOrEqual(3);
  });
});
