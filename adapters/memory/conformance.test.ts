import { describe, it } from "vitest";
import { type StoreHarness, storeConformance } from "../../src/testing/index.ts";
import { memoryStore } from "./index.ts";

function create({ record }: { readonly record?: "changes" }): StoreHarness {
  let now = 1_700_000_000_000;
  let writesLeft = Number.POSITIVE_INFINITY;
  const faults = {
    write(): void {
      if (writesLeft === 0) throw new Error("the process died here");
      writesLeft -= 1;
    },
  };
  const store = memoryStore({
    clock: { now: () => now },
    faults,
    ...(record === undefined ? {} : { record }),
  });
  return {
    store,
    async advance(ms) {
      now += ms;
      // Listeners are told in a later turn.
      await Promise.resolve();
    },
    crash: {
      at(write) {
        writesLeft = write;
      },
      async recover() {
        writesLeft = Number.POSITIVE_INFINITY;
        return store;
      },
    },
  };
}

describe("the memory store", () => {
  for (const { name, run } of storeConformance({
    create: async (options) => create(options),
    without: ["reopen"],
  })) {
    it(name, run);
  }
});
