import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { memoryStore } from "../../adapters/memory/index.ts";
import { definePlugin, defineStage, defineWorkflow, type Workflow } from "../define/index.ts";
import type { Event } from "../model.ts";
import { createEventSink } from "../runner/event-sink.ts";
import { deferred } from "../runner/runner.test-helper.ts";
import { flow, stage } from "../hosts/pump.test-helper.ts";
import { engineRig } from "./client.test-helper.ts";
import { createEngine } from "./engine.ts";

const Words = z.object({ text: z.string() });
const count = defineStage({
  id: "count",
  name: "Count",
  schemas: {
    input: Words,
    output: z.object({ words: z.number() }),
    config: z.object({ by: z.number().default(1) }),
  },
  execute: ({ input, config }) => ({ output: { words: input.text.split(" ").length * config.by } }),
});
const shout = defineStage({
  id: "shout",
  name: "Shout",
  schemas: { input: Words, output: z.string() },
  execute: ({ input }) => ({ output: input.text.toUpperCase() }),
});
const words = defineWorkflow({ id: "words", name: "Words", input: Words }).pipe(count).build();
const both = defineWorkflow({ id: "both", name: "Both", input: Words }).parallel([count, shout]).build();

describe("engine.start and result", () => {
  it("give a run's output, typed by its workflow", async () => {
    const { engine } = await engineRig({ workflows: [words, both] });
    const run = await engine.start(words, { text: "a b c" });
    const result = await run.result();
    expectTypeOf(result).toEqualTypeOf<{ words: number }>();
    expect(result).toEqual({ words: 3 });
    expect(await run.status()).toBe("COMPLETED");
    const two = await (await engine.start(both, { text: "a b" })).result();
    expectTypeOf(two).toEqualTypeOf<{ count: { words: number }; shout: string }>();
    expect(two).toEqual({ count: { words: 2 }, shout: "A B" });
    // @ts-expect-error the input is checked against the workflow that was named
    await expect(engine.start(words, { text: 5 })).rejects.toMatchObject({ code: "INVALID_WORKFLOW_INPUT" });
  });

  it("take config, priority and annotations along", async () => {
    const { engine, store } = await engineRig({ workflows: [words] });
    const run = await engine.start(
      words,
      { text: "a b c" },
      { config: { count: { by: 10 } }, priority: 7, annotations: { by: "me" } },
    );
    expect(await run.result()).toEqual({ words: 30 });
    expect((await store.run(run.id))?.run.priority).toBe(7);
    expect((await store.events({ run: run.id }))[1]).toMatchObject({
      type: "annotation:created",
      payload: { name: "by", value: "me" },
    });
  });

  it("take a workflow's id where its type isn't known", async () => {
    const { engine } = await engineRig({ workflows: [words] });
    expect(await (await engine.start("words", { text: "a" })).result()).toEqual({ words: 1 });
    await expect(engine.start("other", {})).rejects.toMatchObject({ code: "UNKNOWN_WORKFLOW" });
    await expect(engine.start(both, { text: "a" })).rejects.toMatchObject({ code: "UNKNOWN_WORKFLOW" });
    const unbuilt = defineWorkflow({ id: "words", name: "Words", input: Words }).pipe(count);
    for (const wrong of [undefined, null, 7, {}, unbuilt]) {
      await expect(engine.start(wrong as never, {})).rejects.toMatchObject({
        code: "INVALID_OPTION",
        option: "workflow",
      });
    }
  });

  it("refuse another version of a workflow than the engine's", async () => {
    const { engine } = await engineRig({ workflows: [words] });
    const other = defineWorkflow({ id: "words", name: "Words", input: Words }).pipe(shout).build();
    await expect(engine.start(other, { text: "a" })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "workflow",
    });
  });

  it("parse the last output by the workflow's output schema", async () => {
    const build = (output: z.ZodType): Workflow =>
      defineWorkflow({ id: "out", name: "Out", input: z.unknown(), output })
        .pipe(stage("a", () => ({ output: { n: 1 } })))
        .build();
    const fits = await engineRig({ workflows: [build(z.object({ n: z.number().transform((n) => n + 1) }))] });
    expect(await (await fits.engine.start("out", 1)).result()).toEqual({ n: 2 });
    const misfits = await engineRig({ workflows: [build(z.object({ n: z.number().min(5) }))] });
    await expect((await misfits.engine.start("out", 1)).result()).rejects.toMatchObject({
      code: "INVALID_WORKFLOW_OUTPUT",
      issues: [{ path: "n" }],
    });
  });

  it("leave out what was skipped", async () => {
    const skip = (id: string) => stage(id, () => ({ skipped: true }));
    const { engine } = await engineRig({
      workflows: [flow("one", skip("a")), flow("two", [skip("a"), stage("b")])],
    });
    expect(await (await engine.start("one", 1)).result()).toBeUndefined();
    expect(await (await engine.start("two", 1)).result()).toEqual({ b: "b" });
  });

  it("bring Blobs and large values through", async () => {
    const file = new File(["x".repeat(100_000)], "a.txt");
    const { engine } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", async (ctx) => ({
            output: { file: ctx.input, text: await (ctx.input as File).text() },
          })),
        ),
      ],
    });
    const output = (await (await engine.start("w", file)).result()) as { file: File; text: string };
    expect([output.file.name, output.file.size, output.text.length]).toEqual(["a.txt", 100_000, 100_000]);
  });

  it("tell how a run failed, and that it was cancelled", async () => {
    const { engine, clock } = await engineRig({
      workflows: [
        flow(
          "fails",
          stage("a", () => Promise.reject(Object.assign(new Error("broken"), { retryable: false }))),
        ),
        flow(
          "waits",
          stage("b", () => new Promise<void>(() => undefined)),
        ),
      ],
    });
    await expect((await engine.start("fails", 1)).result()).rejects.toMatchObject({
      code: "RUN_FAILED",
      record: { message: "broken", stageId: "a" },
    });
    const run = await engine.start("waits", 1);
    const result = run.result();
    const settled = expect(result).rejects.toMatchObject({ code: "RUN_CANCELLED" });
    await clock.settle();
    expect([await run.cancel("enough"), await run.cancel()]).toEqual([true, false]);
    await settled;
    expect(await run.status()).toBe("CANCELLED");
  });

  it("hear of a purge", async () => {
    const { engine, clock } = await engineRig({ workflows: [words] });
    const run = await engine.start(words, { text: "a" });
    await run.result();
    await clock.advance(10);
    expect(await engine.kernel.dispatch({ type: "run.purge", olderThanMs: 0 })).toEqual({ purged: 1 });
    await expect(run.result()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(run.status()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await expect(run.events().next()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

describe("an idempotency key", () => {
  it("gives the same run, to callers at the same time as well", async () => {
    const { engine } = await engineRig({ workflows: [words] });
    const start = () => engine.start(words, { text: "a b" }, { idempotencyKey: "k" });
    const runs = [...(await Promise.all(Array.from({ length: 20 }, start))), await start()];
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
    expect((await engine.runs()).rows).toHaveLength(1);
    const other = engine.start(words, { text: "c" }, { idempotencyKey: "k" });
    await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });

  it("waits for one who sends it past this engine", async () => {
    const gate = deferred();
    let hold = true;
    const slow = z.object({ text: z.string() }).refine(async () => {
      if (hold) await gate.promise;
      return true;
    });
    const workflow = defineWorkflow({ id: "slow", name: "Slow", input: slow }).pipe(count).build();
    const { engine, clock } = await engineRig({ workflows: [workflow] });
    const command = {
      type: "run.create",
      workflowId: "slow",
      input: { text: "a" },
      idempotencyKey: "k",
    } as const;
    const direct = engine.kernel.dispatch(command);
    hold = false;
    const started = engine.start(workflow, { text: "a" }, { idempotencyKey: "k" });
    await clock.advance(50);
    gate.resolve();
    await clock.advance(500);
    expect((await started).id).toBe((await direct).workflowRunId);
  });

  it("isn't waited for by an engine that is stopped", async () => {
    const gate = deferred();
    const slow = z.object({ text: z.string() }).refine(() => gate.promise.then(() => true));
    const workflow = defineWorkflow({ id: "slow", name: "Slow", input: slow }).pipe(count).build();
    const { engine, clock } = await engineRig({ workflows: [workflow] });
    const direct = engine.kernel.dispatch({
      type: "run.create",
      workflowId: "slow",
      input: { text: "a" },
      idempotencyKey: "k",
    });
    const refused = expect(
      engine.start(workflow, { text: "a" }, { idempotencyKey: "k" }),
    ).rejects.toMatchObject({ code: "STOPPED" });
    await clock.advance(10);
    await clock.until(engine.stop());
    await clock.advance(500);
    await refused;
    gate.resolve();
    await direct;
  });
});

describe("an engine", () => {
  it("finds runs by id or key, whoever started them", async () => {
    const { engine, store, clock } = await engineRig({ workflows: [words] });
    const { engine: other } = await engineRig({ workflows: [words], store, clock });
    const run = await other.start(words, { text: "a b" }, { idempotencyKey: "mine" });
    for (const name of [run.id, "mine"]) {
      const found = await engine.get(name);
      expect([found?.id, found?.workflowId, await found?.result()]).toEqual([run.id, "words", { words: 2 }]);
    }
    expect(await engine.get("nobody's")).toBeNull();
  });

  it("gives the result of a run of an older graph", async () => {
    const old = await engineRig({ workflows: [flow("w", stage("a"), [stage("b"), stage("c")])] });
    const run = await old.engine.start("w", 1);
    await run.result();
    await old.engine.stop();
    const workflows = [flow("w", stage("a"), stage("c"))];
    const { engine } = await engineRig({ workflows, store: old.store, clock: old.clock });
    expect(await (await engine.get(run.id))?.result()).toEqual({ b: "b", c: "c" });
    expect(await (await engine.start("w", 1)).result()).toBe("c");
  });

  it("lists runs and logs, and tells how safe its data is", async () => {
    const { engine } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", (ctx) => ctx.log("WARN", "careful")),
        ),
      ],
    });
    const run = await engine.start("w", 1);
    await run.result();
    expect((await engine.runs({ status: ["COMPLETED"] })).rows.map(({ id }) => id)).toEqual([run.id]);
    expect((await engine.logs({ runId: run.id })).flatMap(({ lines }) => lines)).toMatchObject([
      { level: "WARN", message: "careful" },
    ]);
    expect(await engine.storage()).toMatchObject({ kind: "memory", durable: false, runs: 1 });
  });

  it("shares a store's work with others, and each waits for what any of them does", async () => {
    const by: string[] = [];
    const gate = deferred();
    const workflows = [
      flow(
        "w",
        stage("a", async ({ runId }) => {
          by.push(runId);
          await gate.promise;
        }),
      ),
    ];
    const one = await engineRig({ workflows, concurrency: 2, workerId: "one" });
    const other = await engineRig({
      workflows,
      concurrency: 2,
      workerId: "other",
      store: one.store,
      clock: one.clock,
    });
    const runs = await Promise.all([0, 1, 2, 3].map((n) => one.engine.start("w", n)));
    await one.clock.settle();
    expect(by).toHaveLength(4);
    const workers = await Promise.all(runs.map(async ({ id }) => (await one.store.run(id))?.jobs[0]?.worker));
    expect([...workers].sort()).toEqual(["one", "one", "other", "other"]);
    gate.resolve();
    const results = await Promise.all(runs.map(async ({ id }) => (await other.engine.get(id))?.result()));
    expect(results).toEqual(["a", "a", "a", "a"]);
  });

  it("hears of a result that the feed lost", async () => {
    const store = memoryStore();
    const deaf = new Proxy(store, {
      get(target, name) {
        if (name === "subscribe") return () => () => undefined;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { engine, clock } = await engineRig({ workflows: [flow("w", stage("a"))], store: deaf });
    const run = await engine.start("w", 1);
    const result = run.result();
    await clock.advance(1000);
    expect(await result).toBe("a");
  });

  it("gives plugins and its sink their events", async () => {
    const got: string[] = [];
    const plugin = definePlugin({
      name: "p",
      handlers: { "workflow:completed": async () => void got.push("plugin") },
    });
    const { engine, clock } = await engineRig({
      workflows: [words],
      plugins: [plugin],
      eventSink: ({ type }: Event) => void (type === "workflow:completed" && got.push("sink")),
    });
    await (await engine.start(words, { text: "a" })).result();
    await clock.settle();
    expect(got.sort()).toEqual(["plugin", "sink"]);
    const eventSink = createEventSink([{ name: "p", handle: () => undefined }]);
    expect(() => createEngine({ workflows: [], store: memoryStore(), plugins: [plugin], eventSink })).toThrow(
      expect.objectContaining({ code: "DUPLICATE_SUBSCRIBER" }),
    );
  });

  it("waits for running bodies when it stops, answers their waiters, and then refuses", async () => {
    const gate = deferred();
    const { engine, clock, store } = await engineRig({
      workflows: [
        flow(
          "w",
          stage("a", () => gate.promise),
        ),
        flow(
          "endless",
          stage("b", () => new Promise<void>(() => undefined)),
        ),
      ],
      concurrency: 2,
    });
    const run = await engine.start("w", 1);
    const lost = await engine.start("endless", 1);
    const waited = run.result();
    const refused = expect(lost.result()).rejects.toMatchObject({ code: "STOPPED" });
    const events = lost.events();
    await clock.settle();
    const stopped = engine.stop({ graceMs: 100 });
    gate.resolve();
    await clock.advance(100);
    await stopped;
    expect(await waited).toBe("a");
    await refused;
    await expect(engine.start("w", 1)).rejects.toMatchObject({ code: "STOPPED" });
    for (const act of [
      () => run.cancel(),
      () => run.rerunFrom("a"),
      () => run.fork("a"),
      () => run.signal("s"),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: "STOPPED" });
    }
    expect(await run.result(), "what is settled can still be read").toBe("a");
    const rest: unknown[] = [];
    await expect(
      (async () => {
        for await (const event of events) rest.push(event);
      })(),
    ).rejects.toMatchObject({ code: "STOPPED" });
    expect(rest.length).toBeGreaterThan(0);
    expect(clock.pending).toBe(0);
    await engine.destroy();
    await expect(store.runs({})).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });

  it("begins what a finish leased although the engine is just looking for other work", async () => {
    const workflow = defineWorkflow({ id: "fan", name: "fan", input: z.number() })
      .pipe(stage("a"))
      .parallel([stage("b"), stage("c")])
      .build();
    const engine = createEngine({ workflows: [workflow], store: memoryStore() });
    const run = await engine.start("fan", 1);
    await run.result();
    const started = (await engine.events({ runId: run.id })).filter(({ type }) => type === "stage:started");
    expect(started.map(({ payload }) => payload)).toMatchObject(
      ["a", "b", "c"].map((stageId) => ({ stageId, attempt: 1 })),
    );
    await engine.stop();
  });
});
