import type { BlobRef, Payload, RunBody } from "sluice";
import { describe, expect, it } from "vitest";
import { documentLabel } from "./document-name.ts";

const key = { runId: "r", epoch: 1, stageId: "", attempt: 0, name: "b0" };
const blob: BlobRef = { path: ["file"], key, size: 1200, type: "text/plain" };
const body = (input: Payload): RunBody => ({
  runId: "r",
  input,
  config: { kind: "value", value: {} },
});

describe("documentLabel", () => {
  it("prefers the name that the run was started with", () => {
    const file = { ...blob, file: { name: "b.txt", lastModified: 0 } };
    const input: Payload = { kind: "value", value: { file: null, name: "a.txt" }, blobs: [file] };
    expect(documentLabel(body(input), "Run")).toEqual({ name: "a.txt", size: 1200 });
  });

  it("falls back to the file's own name", () => {
    const file = { ...blob, file: { name: "b.txt", lastModified: 0 } };
    expect(documentLabel(body({ kind: "value", value: { file: null }, blobs: [file] }), "Run").name).toBe(
      "b.txt",
    );
    expect(documentLabel(body({ kind: "blob", codec: "c", key, size: 9, blobs: [file] }), "Run").name).toBe(
      "b.txt",
    );
  });

  it("calls a run without a document by what it is", () => {
    expect(documentLabel(null, "Lengths")).toEqual({ name: "Lengths", size: null });
    expect(documentLabel(body({ kind: "value", value: 7 }), "Lengths")).toEqual({
      name: "Lengths",
      size: null,
    });
  });
});
