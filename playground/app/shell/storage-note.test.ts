import type { StorageReport } from "sluice";
import { describe, expect, it } from "vitest";
import { storageNote } from "./storage-note.ts";

const report = (persisted: boolean | null, usageBytes: number | null = 3_400_000): StorageReport => ({
  kind: "indexeddb",
  durable: true,
  persisted,
  usageBytes,
  quotaBytes: null,
  runs: 3,
});

describe("storageNote", () => {
  it("says what memory can't do", () =>
    expect(storageNote("memory", null)).toContain("gone when it is closed"));

  it("promises only what the browser promised", () => {
    expect(storageNote("indexeddb", report(true))).toMatch(/promised not to remove them.* 3\.4 MB used\.$/u);
    expect(storageNote("indexeddb", report(false))).toMatch(/may remove them when space runs short/u);
    expect(storageNote("indexeddb", report(null, null))).toBe(
      "Runs are kept in this browser, through reloads and crashes.",
    );
  });
});
