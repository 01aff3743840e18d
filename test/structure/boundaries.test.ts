import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { type Manifest, wrongArrows } from "./arrows.ts";
import { isTestFile, readSources, root } from "./files.ts";
import { importsOf } from "./imports.ts";

const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;

const testRunner =
  /^(vitest|jest|mocha|chai|ava|uvu|tap|jasmine|bun:test|node:test|@(vitest|jest|playwright)\/.*)(\/|$)/;

describe("the architecture's arrows", () => {
  it("are kept by every file", () => {
    const tree = readSources(["src", "adapters", "playground", "docs"]);
    const walked = [...tree].flatMap(([file, text]) => importsOf(file, text));
    expect(tree.size, "files walked").toBeGreaterThan(40);
    expect(walked.length, "imports walked").toBeGreaterThan(100);
    expect(wrongArrows(tree, manifest)).toEqual([]);
  });

  it("leave the testing entry free of test runners, so that users' programs don't load one", () => {
    const shipped = [...readSources(["src/testing"])].filter(([file]) => !isTestFile(file));
    expect(shipped.length, "files walked").toBeGreaterThan(0);
    const runners = shipped.flatMap(([file, text]) =>
      importsOf(file, text)
        .filter(({ specifier }) => testRunner.test(specifier))
        .map(({ specifier, line }) => `${file}:${line} ${specifier}`),
    );
    expect(runners).toEqual([]);
  });
});

describe("wrongArrows", () => {
  const fixture: Manifest = {
    name: "sluice",
    exports: { ".": { source: "./src/index.ts" }, "./memory": { source: "./adapters/memory/index.ts" } },
    dependencies: { devalue: "1" },
    peerDependencies: { zod: "4" },
  };
  const arrows = (file: string, text: string): string[] => wrongArrows(new Map([[file, text]]), fixture);

  it.each([
    ["src/model.ts", `import type { Store } from "./ports/store.ts";`],
    ["src/ports/store.ts", `import { decide } from "../kernel/decide.ts";`],
    ["src/kernel/kernel.ts", `import { defineStage } from "../define/stage.ts";`],
    ["src/kernel/kernel.ts", `export type { Runner } from "../runner/runner.ts";`],
    ["src/kernel/kernel.ts", `type R = import("../runner/runner.ts").Runner;`],
    ["src/errors.ts", `import type { Store } from "./ports/store.ts";`],
    ["src/define/stage.ts", `import { retry } from "../kernel/retry.ts";`],
    ["src/runner/runner.ts", `const host = await import("../hosts/node/host.ts");`],
    ["src/hosts/browser/pool.ts", `new Worker(new URL("../../client/worker.ts", import.meta.url));`],
    ["src/client/engine.ts", `import { MemoryStore } from "../../adapters/memory/index.ts";`],
    ["src/client/engine.ts", `import { MemoryStore } from "sluice/memory";`],
    ["src/hosts/browser/serve-kernel.ts", `import { MemoryStore } from "../../../adapters/memory/index.ts";`],
    ["src/hosts/browser/kernel-worker.ts", `import { engine } from "../../client/engine.ts";`],
    ["src/client/engine.ts", `import { cases } from "../testing/index.ts";`],
    ["src/kernel/kernel.ts", `import { engine } from "sluice";`],
    ["src/kernel/kernel.ts", `import { fixture } from "./kernel.test-helper.ts";`],
    ["src/kernel/kernel.ts", `/// <reference path="../runner/runner.ts" />`],
    ["src/odd/room.ts", `import type { Run } from "../model.ts";`],
    ["src/runner/runner.ts", `import { readFile } from "node:fs/promises";`],
    ["src/testing/conformance.ts", `import { expect } from "vitest";`],
    ["src/runner/runner.ts", `import fc from "fast-check";`],
    ["adapters/memory/index.ts", `import { retry } from "../../src/kernel/retry.ts";`],
    ["adapters/memory/index.ts", `import { schema } from "../postgres/schema.ts";`],
    ["adapters/tables/commit.ts", `import { memoryStore } from "../memory/index.ts";`],
    ["playground/demo/main.ts", `import { Kernel } from "../../src/kernel/kernel.ts";`],
    ["docs/examples/first.ts", `import { demo } from "../../playground/demo/main.ts";`],
    ["src/kernel/kernel.test.ts", `import { demo } from "../../playground/demo/main.ts";`],
    ["src/kernel/kernel.ts", `import type { Run } from "/srv/sluice/src/model.ts";`],
  ])("objects to %s with %s", (file, text) => {
    const [first, ...rest] = arrows(file, `\n${text}`);
    expect(first).toMatch(new RegExp(`^${file.replaceAll(".", "\\.")}:2 imports `));
    expect(rest).toEqual([]);
  });

  it.each([
    ["src/ports/store.ts", `import type { Run } from "../model.ts";`],
    [
      "src/kernel/commands/create.ts",
      `import { fail } from "../../errors.ts"; import { stringify } from "devalue";`,
    ],
    ["src/define/stage.ts", `import * as z from "zod"; import { parse } from "zod/mini";`],
    [
      "src/hosts/node/host.ts",
      `import { availableParallelism } from "node:os"; import "../../runner/runner.ts";`,
    ],
    ["src/testing/conformance.ts", `import type { Store } from "../ports/store.ts";`],
    [
      "src/hosts/browser/kernel-worker.ts",
      `import { MemoryStore } from "../../../adapters/memory/index.ts";`,
    ],
    ["src/index.ts", `export * from "./client/engine.ts"; export * from "./define/stage.ts";`],
    [
      "adapters/memory/index.ts",
      `import type { Store } from "../../src/ports/store.ts"; import "./blobs.ts"; import "../tables/rows.ts";`,
    ],
    [
      "src/kernel/kernel.test.ts",
      `import { expect } from "vitest"; import { MemoryStore } from "sluice/memory";`,
    ],
    ["playground/demo/main.ts", `import { createEngine } from "sluice"; import "../shared/stages.ts";`],
    ["playground/app.tsx", `import { useState } from "react"; const a = <p>{new URL("x", "http://y")}</p>;`],
    ["test/bench/main.ts", `import { Kernel } from "../../src/kernel/kernel.ts";`],
    ["src/kernel/kernel.ts", `// import "../runner/runner.ts"\nconst text = 'import "../runner/runner.ts"';`],
  ])("accepts %s with %s", (file, text) => {
    expect(arrows(file, text)).toEqual([]);
  });
});
