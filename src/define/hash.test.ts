import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { Graph } from "../model.ts";
import { canonical } from "../ports/canonical.ts";
import { defineWorkflow } from "./builder.ts";
import { anyStage } from "./define.test-helper.ts";
import { graphHash } from "./hash.ts";

const base = defineWorkflow({ id: "w", name: 'odd "stages":[] name', input: z.unknown() });

/** A property that is undefined is absent from the canonical encoding. */
function whole(graph: Graph): string {
  return bytesToHex(sha256(utf8ToBytes(canonical({ ...graph, hash: undefined }))));
}

describe("a graph's hash", () => {
  it.each([1, 2, 500])("of %i stages is that of the whole canonical encoding", (count) => {
    let builder = base.pipe(anyStage("first", { description: 'of "stages":[] too, with ü and \u{1F600}' }));
    for (let n = 1; n < count; n += 1) builder = builder.pipe(anyStage(`stage-${n}`));
    const { graph } = builder.build();
    expect(graph.hash).toBe(whole(graph));
    expect(graph.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("doesn't depend on the order of keys", () => {
    const { hash, ...data } = base.pipe(anyStage("a")).build().graph;
    const stages = data.stages.map((node) => Object.fromEntries(Object.entries(node).toReversed()));
    expect(graphHash({ ...data, stages } as unknown as Graph)).toBe(hash);
  });

  it("tells graphs apart by everything in them", () => {
    const a = anyStage("a");
    const variants = [
      base.pipe(a),
      base.pipe(anyStage("b")),
      base.pipe(anyStage("a", { name: "another" })),
      base.pipe(anyStage("a", { description: "described" })),
      base.pipe(anyStage("a", { dependencies: [] })),
      base.pipe(anyStage("a", { checkCompletion: () => ({ ready: true }) })),
      base.pipe(anyStage("a", { schemas: { ...a.schemas, input: "none" } })),
      base.pipe(anyStage("a", { policy: { ...a.policy, maxAttempts: 4 } })),
      base.pipe(a).pipe(anyStage("b")),
      base.parallel([a, anyStage("b")]),
      defineWorkflow({ id: "w2", name: base.name, input: z.unknown() }).pipe(a),
      defineWorkflow({ id: "w", name: "other", input: z.unknown() }).pipe(a),
      defineWorkflow({ id: "w", name: base.name, description: "described", input: z.unknown() }).pipe(a),
    ];
    const hashes = variants.map((builder) => builder.build().graph.hash);
    expect(new Set(hashes).size).toBe(variants.length);
  });
});
