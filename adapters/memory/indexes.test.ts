import { describe, it } from "vitest";
import { checkIndexes } from "../tables/indexes.test-helper.ts";
import { memoryStore } from "./index.ts";

describe("the memory store's indexes", () => {
  it("say what the rows say", async () => {
    await checkIndexes(async (clock) => {
      let writesLeft = Number.POSITIVE_INFINITY;
      const write = (): void => {
        if (writesLeft === 0) throw new Error("died");
        writesLeft -= 1;
      };
      return {
        store: memoryStore({ clock, faults: { write } }),
        diesAfter: (writes) => {
          writesLeft = writes ?? Number.POSITIVE_INFINITY;
        },
      };
    }, 150);
  });
});
