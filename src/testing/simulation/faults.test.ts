import { describe, expect, it } from "vitest";
import { Coverage, FaultPlan, PAIRS, shareOf } from "./faults.ts";
import { Random } from "./random.ts";

/** All that a plan brings about when every phase is met often enough. */
function drain(plan: FaultPlan): string[] {
  const struck: string[] = [];
  for (const phase of new Set(PAIRS.map((pair) => pair.phase))) {
    for (let met = 0; met < 400; met += 1) {
      const fault = plan.strike([phase]);
      if (fault !== null) struck.push(`${phase}|${fault}`);
    }
  }
  return struck;
}

describe("FaultPlan", () => {
  it("brings about its share, and over neighbouring seeds every pair there is", () => {
    const all = new Set<string>();
    for (let seed = 0; seed < 12; seed += 1) {
      const struck = drain(new FaultPlan(shareOf(seed, 60), new Random(seed)));
      expect(struck).toHaveLength(60);
      for (const name of struck) all.add(name);
    }
    expect(all).toEqual(new Set(PAIRS.map(({ phase, fault }) => `${phase}|${fault}`)));
  });

  it("strikes nothing once it is cleared, and again what came to nothing", () => {
    const plan = new FaultPlan(shareOf(1, 60), new Random(1));
    plan.clear();
    expect(drain(plan)).toEqual([]);
    plan.again(["heartbeat", "commit run.create"], "full");
    expect(drain(plan)).toEqual(["commit run.create|full"]);
  });
});

describe("Coverage", () => {
  it("counts, adds up and names what was met too seldom", () => {
    const one = new Coverage();
    one.met("heartbeat", "down");
    const sum = new Coverage();
    for (const pair of PAIRS) sum.met(pair.phase, pair.fault, 2);
    sum.merge(one.counts);
    expect(sum.count({ phase: "heartbeat", fault: "down" })).toBe(3);
    expect(sum.unmet(3)).toHaveLength(PAIRS.length - 1);
    expect(sum.unmet(2)).toEqual([]);
    expect(sum.table()).toMatch(/heartbeat .*down 3/);
  });
});
