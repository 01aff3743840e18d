import { describe, expect, it } from "vitest";
import { simulate } from "./simulate.ts";

// `npm run guards` takes out one guard at a time and wants to know soon whether anybody notices.
const SEEDS = process.env["SLUICE_SIMULATION"] === "short" ? 25 : 50;

describe("the simulator", () => {
  it(`finds no broken promise in ${SEEDS} seeds`, { timeout: 300_000 }, async () => {
    let steps = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const report = await simulate(seed);
      const replay = `replay it with: npm run simulate -- --seed ${seed} --trace`;
      expect(report.violations, replay).toEqual([]);
      steps += report.steps.claims + report.steps.commits + report.steps.deliveries;
    }
    expect(steps).toBeGreaterThan(SEEDS * 500);
  });

  it("does the same for the same seed, and something else for another", { timeout: 30_000 }, async () => {
    const once = await simulate(4);
    const again = await simulate(4);
    const other = await simulate(5);
    expect(again).toEqual(once);
    expect(other.hash).not.toBe(once.hash);
  });
});
