/** The same client on the same kernel, once in process and once from afar. */
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { memoryStore } from "../../../adapters/memory/index.ts";
import type { Engine } from "../../client/api.ts";
import { EngineClient } from "../../client/client.ts";
import { createEngine } from "../../client/engine.ts";
import { defineStage, defineWorkflow } from "../../define/index.ts";
import { randomIds, systemClock } from "../../runner/platform.ts";
import { linkPair } from "../browser/channels.ts";
import { flow, stage } from "../pump.test-helper.ts";
import { createPump } from "../pump.ts";
import { createKernel } from "../../runner/create-kernel.ts";
import { localBackend } from "./backend.ts";
import { Peer } from "./peer.ts";
import { FEED, remoteBackend } from "./remote-backend.ts";
import { serveBackend, serveFeed } from "./serve.ts";

const count = defineStage({
  id: "count",
  name: "Count",
  schemas: {
    input: z.object({ text: z.string() }),
    output: z.object({ words: z.number() }),
    config: z.object({ by: z.number().default(1) }),
  },
  execute: ({ input, config }) => ({ output: { words: input.text.split(" ").length * config.by } }),
});
const Input = z.object({ text: z.string().trim(), at: z.number().default(() => Math.random()) });
const words = defineWorkflow({ id: "words", name: "Words", input: Input }).pipe(count).build();

/** A client far from a kernel that has no schemas. */
function far() {
  const clock = systemClock();
  const store = memoryStore({ clock });
  const code = createKernel({ store, workflows: [words] });
  const graphs = new Map([[words.id, { graph: words.graph }]]);
  const registry = { get: (id: string) => graphs.get(id), ids: () => [...graphs.keys()] };
  const kernel = createKernel({ store, registry, executor: code.ports.executor });
  const pump = createPump({ kernel, workerId: "w", concurrency: 4 });
  pump.start();
  const backend = localBackend(kernel, (command, workflow) => pump.startRun(command, workflow));
  const [near, end] = linkPair();
  const server = new Peer({ clock, handlers: serveBackend(backend), name: "the client" });
  server.attach(end);
  const stopFeed = serveFeed(backend, clock, (changes) => server.tell(FEED, [changes]));
  const remote = remoteBackend({ clock, handlers: {}, name: "the engine" });
  remote.peer.attach(near);
  const onStop = async (): Promise<void> => {
    await pump.stop();
    stopFeed();
  };
  const engine = new EngineClient({
    backend: remote,
    clock,
    ids: randomIds(),
    workflows: [],
    isRemote: true,
    onStop,
  });
  return { engine: engine as Engine, store };
}

const near = (): { engine: Engine } => ({
  engine: createEngine({ workflows: [words], store: memoryStore() }),
});

describe.each<[string, () => { engine: Engine }]>([
  ["in process", near],
  ["from afar", far],
])("an engine %s", (_, make) => {
  it("runs, and tells all there is to know of a run", async () => {
    const { engine } = make();
    const changes: string[] = [];
    const stop = engine.subscribe((some) =>
      changes.push(...some.map((change) => (change.kind === "commit" ? change.status : change.kind))),
    );
    const run = await engine.start(
      words,
      { text: " a b c " },
      { config: { count: { by: 2 } }, idempotencyKey: "k" },
    );
    expect(await run.result()).toEqual({ words: 6 });
    const snapshot = await engine.inspect("k");
    expect(snapshot).toMatchObject({
      run: { id: run.id, status: "COMPLETED" },
      graph: words.graph,
      jobs: [],
      signals: [],
      letters: [],
    });
    const [record] = snapshot?.stages ?? [];
    expect(record).toMatchObject({ stageId: "count", status: "COMPLETED", attempt: 1 });
    expect(await engine.value(record?.output ?? { kind: "value", value: null })).toEqual({ words: 6 });
    expect(await engine.value(snapshot?.body?.input ?? { kind: "value", value: null })).toMatchObject({
      text: "a b c",
    });
    const events = await engine.events({ runId: run.id });
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(await engine.events({ runId: run.id, after: 4 })).toEqual(events.slice(4));
    expect(await engine.inspect("none")).toBeNull();
    await run.rerunFrom("count");
    await run.result();
    expect((await engine.pastAttempts(run.id)).map(({ epoch }) => epoch)).toEqual([1]);
    expect(changes).toContain("COMPLETED");
    stop();
    changes.length = 0;
    await (await engine.start(words, { text: "a" })).result();
    expect(changes).toEqual([]);
    await engine.stop();
  });

  it("knows a key again, whatever a schema's defaults make of its input", async () => {
    const { engine } = make();
    const first = await engine.start(words, { text: "a" }, { idempotencyKey: "k" });
    const again = await engine.start(words, { text: "a" }, { idempotencyKey: "k" });
    expect(again.id).toBe(first.id);
    await expect(engine.start(words, { text: "b" }, { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    await first.result();
    await engine.stop();
  });

  it("purges, and has nothing to put back where nothing was refused", async () => {
    const { engine } = make();
    const run = await engine.start(words, { text: "a" });
    await run.result();
    expect(await engine.deadLetters()).toEqual([]);
    expect(await engine.replayDeadLetters()).toBe(0);
    expect(await engine.purge({ olderThanMs: 0 })).toBe(1);
    expect(await engine.inspect(run.id)).toBeNull();
    expect(await engine.blobs(run.id)).toEqual([]);
    expect(await engine.changeLog()).toEqual([]);
    await engine.stop();
  });
});

/** What an engine says to whatever can't be. */
async function refusals(engine: Engine): Promise<string[]> {
  class Point {
    x = 1;
  }
  const run = await engine.start(words, { text: "a" });
  await run.result();
  const acts: Promise<unknown>[] = [
    engine.start(words, { text: 5 } as never),
    engine.start(words, { text: "a", extra: () => 1 } as never),
    engine.start(words, { text: "a", extra: new Point() } as never),
    engine.start(words, { text: "a" }, { config: { count: { by: "x" } } }),
    engine.start(words, { text: "a" }, { config: { cuont: {} } }),
    engine.start(words, { text: "a" }, { config: 5 as never }),
    engine.start(words, { text: "a" }, { priority: 5000 }),
    engine.start(words, { text: "a" }, { annotations: { f: () => 1 } }),
    run.signal("s", () => 1),
    run.signal("s", { point: new Point() }),
    run.fork("nope"),
    run.rerunFrom("nope"),
    engine.purge({ keep: -1 }),
    engine.replayDeadLetters({ maxEvents: 0 }),
    engine.logs({} as never),
    engine.events({ runId: "" }),
  ];
  const told = acts.map((act) =>
    act.then(
      () => "no refusal",
      (error: { code: string; message: string }) =>
        `${error.constructor.name} ${error.code}: ${error.message.replaceAll(run.id, "RUN")}`,
    ),
  );
  return Promise.all(told);
}

describe("an engine from afar", () => {
  it("refuses what one in process refuses, with the same errors", async () => {
    const [here, there] = [near(), far()];
    const expected = await refusals(here.engine);
    // The instance is in a part that the schema drops.
    expect(expected.filter((text) => text === "no refusal")).toHaveLength(1);
    expect(expected.filter((text) => text.includes("INVALID_PAYLOAD"))).toHaveLength(4);
    expect(await refusals(there.engine)).toEqual(expected);
    await here.engine.stop();
    await there.engine.stop();
  });

  it("starts what the kernel has never heard of, by the graph that it sends along", async () => {
    const { engine, store } = far();
    const other = flow("other", stage("x"));
    const run = await engine.start(other, 1);
    expect((await store.run(run.id))?.graph).toEqual(other.graph);
    expect(await run.status()).toBe("PENDING");
    await expect(engine.start("another", 1)).rejects.toMatchObject({ code: "UNKNOWN_WORKFLOW" });
    await engine.stop();
  });

  it("parses a result by the schema of the workflow that was started", async () => {
    const { engine } = far();
    const run = await engine.start(words, { text: "a" });
    await run.result();
    const found = await engine.get(run.id);
    expect(await found?.result()).toEqual({ words: 1 });
    await engine.stop();
  });
});
