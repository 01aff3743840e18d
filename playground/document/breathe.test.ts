import { describe, expect, it } from "vitest";
import { createBreather } from "./breathe.ts";

/** Ends a loop that gives nobody a turn, so that it fails and doesn't hang; far longer than a turn takes. */
const PATIENCE_MS = 2000;

describe("createBreather", () => {
  it("lets timers run in the middle of a long computation", async () => {
    const breathe = createBreather();
    const timer = new AbortController();
    setTimeout(() => timer.abort(), 0);
    const end = performance.now() + PATIENCE_MS;
    // The timer must get its turn: a loop over resolved promises would never let it.
    while (!timer.signal.aborted && performance.now() < end) await breathe();
    expect(timer.signal.aborted).toBe(true);
  });

  it("throws the signal's reason, also when it is aborted during a pause", async () => {
    const controller = new AbortController();
    const breathe = createBreather(controller.signal);
    await breathe();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 0);
    await expect(
      (async () => {
        const end = performance.now() + PATIENCE_MS;
        while (performance.now() < end) await breathe();
      })(),
    ).rejects.toBe(reason);
  });
});
