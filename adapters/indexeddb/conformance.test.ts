import "fake-indexeddb/auto";
import { describe, it } from "vitest";
import { storeConformance } from "../../src/testing/index.ts";
import { createHarness } from "./conformance.test-helper.ts";

describe("the IndexedDB store on fake-indexeddb", () => {
  for (const { name, run } of storeConformance({ create: createHarness })) it(name, run);
});
