/** One seed on the memory store, with whatever nobody handled counted against it. */
import { memoryStore } from "sluice/memory";
import { type SeedReport, simulateSeed } from "sluice/testing";

/** Simulates a seed. A promise that nobody awaited and that rejected ends the process of an application: it is a violation like any other. */
export async function simulate(seed: number, listener?: (line: string) => void): Promise<SeedReport> {
  const unhandled: string[] = [];
  const note = (error: unknown): void => {
    unhandled.push(error instanceof Error ? (error.stack ?? String(error)) : String(error));
  };
  process.on("unhandledRejection", note);
  try {
    const report = await simulateSeed({
      seed,
      store: ({ clock, faults }) => memoryStore({ clock, faults }),
      ...(listener === undefined ? {} : { listener }),
    });
    const violations = unhandled.map((message) => ({ rule: "unhandled rejection", message }));
    return { ...report, violations: [...report.violations, ...violations] };
  } finally {
    process.off("unhandledRejection", note);
  }
}
