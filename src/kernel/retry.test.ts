import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "./retry.ts";

const backoff = { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 0 };

describe("backoffMs", () => {
  it("grows by its factor from the first delay to the longest", () => {
    const delays = [1, 2, 3, 6, 7, 100].map((failures) => backoffMs(backoff, failures, 0.9));
    expect(delays).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000]);
  });

  it("takes up to its jitter off by chance", () => {
    const jittery = { ...backoff, jitter: 0.5 };
    expect([0, 0.5, 0.99].map((random) => backoffMs(jittery, 1, random))).toEqual([1000, 750, 505]);
    expect(backoffMs({ ...backoff, jitter: 1 }, 3, 0.999)).toBe(4);
  });

  it("may be constant, or none at all, however many failures there were", () => {
    expect([1, 5, 5000].map((failures) => backoffMs({ ...backoff, factor: 1 }, failures, 0))).toEqual([
      1000, 1000, 1000,
    ]);
    expect([1, 5, 5000].map((failures) => backoffMs({ ...backoff, initialMs: 0 }, failures, 0))).toEqual([
      0, 0, 0,
    ]);
  });

  it("is always a whole number of milliseconds between none and the longest", () => {
    const shape = fc.record({
      initialMs: fc.nat(100_000),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      maxMs: fc.nat(10_000_000),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (any, failures, random) => {
          const delay = backoffMs(any, failures, random);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(any.maxMs);
        },
      ),
      { seed: 1 },
    );
  });
});
