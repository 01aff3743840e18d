/** What an engine refuses, what its options can't say, and that a refusal has done nothing. */
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import { definePlugin } from "../define/index.ts";
import { flow, stage } from "../hosts/pump.test-helper.ts";
import { createEventSink } from "../runner/event-sink.ts";
import { engineRig } from "./client.test-helper.ts";
import { createEngine, type LocalEngine } from "./engine.ts";

const echo = flow(
  "echo",
  stage("count", ({ input }) => ({ output: input })),
);

describe("an engine's refusals", () => {
  it.each([
    ["workflows", { workflows: undefined }],
    ["concurrency", { concurrency: 0 }],
    ["workerId", { workerId: "" }],
    ["maintenanceMs", { maintenanceMs: -1 }],
    ["policy.leaseMs", { policy: { leaseMs: -1 } }],
    ["store", { store: null }],
    ["plugins", { plugins: {} }],
    ["eventSink", { eventSink: 5 }],
    ["policy", { policy: 5 }],
    ["concurency", { concurency: 1 }],
    ["registry", { registry: {} }],
  ])("refuses an option %s that can't be, and leaves nobody subscribed", (option, given) => {
    const eventSink = createEventSink();
    const plugins = [definePlugin({ name: "p", handlers: {} })];
    const options = { workflows: [], store: memoryStore(), plugins, eventSink, ...given } as never;
    expect(() => createEngine(options)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        option,
        message: expect.stringMatching(/^createEngine: /) as string,
      }),
    );
    expect(eventSink.subscribers).toEqual([]);
  });

  it("refuses to be made of nothing, and plugins that aren't any", () => {
    expect(() => createEngine(undefined as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "options" }),
    );
    const eventSink = createEventSink();
    const plugins = [definePlugin({ name: "p", handlers: {} }), { name: "q" }] as never;
    expect(() => createEngine({ workflows: [], store: memoryStore(), plugins, eventSink })).toThrow(
      expect.objectContaining({ code: "INVALID_DEFINITION" }),
    );
    expect(eventSink.subscribers).toEqual([]);
  });

  it("takes its plugins off the caller's sink when it stops, so that another engine can have them", async () => {
    const eventSink = createEventSink([{ name: "other", handle: () => undefined }]);
    const plugins = [definePlugin({ name: "p", handlers: {} })];
    const { engine, clock } = await engineRig({ workflows: [echo], plugins, eventSink });
    await (await engine.start(echo, { text: "a" })).result();
    const stopped = engine.stop();
    await clock.settle();
    await stopped;
    expect(eventSink.subscribers.map(({ name }) => name)).toEqual(["other"]);
    const next = await engineRig({ workflows: [echo], plugins, eventSink });
    expect(eventSink.subscribers.map(({ name }) => name)).toEqual(["other", "p"]);
    await next.engine.stop();
  });

  it.each([{ graceMs: -1 }, { graceMs: Number.NaN }, null])(
    "goes on after a stop that was refused: %j",
    async (wrong) => {
      const { engine } = await engineRig({ workflows: [echo] });
      await expect(engine.stop(wrong as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
      expect(await (await engine.start(echo, { text: "a" })).result()).toEqual({ text: "a" });
      await engine.stop();
      await expect(engine.start(echo, { text: "a" })).rejects.toMatchObject({ code: "STOPPED" });
    },
  );

  it.each<[string, (engine: LocalEngine) => unknown]>([
    ["null as options", (engine) => engine.start(echo, { text: "a" }, null as never)],
    ["a key as options", (engine) => engine.start(echo, { text: "a" }, "key" as never)],
    ["null as filter", (engine) => engine.runs(null as never)],
    ["no query of logs", (engine) => engine.logs(undefined as never)],
    ["a query of logs without a run", (engine) => engine.logs({} as never)],
  ])("refuses %s", async (_, act) => {
    const { engine } = await engineRig({ workflows: [echo] });
    await expect(act(engine)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("doesn't let options say what a command is about", async () => {
    const { engine } = await engineRig({ workflows: [echo] });
    const options = { type: "run.cancel", workflowId: "other", input: { text: "a b" } } as never;
    expect(await (await engine.start(echo, { text: "a" }, options)).result()).toEqual({ text: "a" });
  });

  it("finds by a key what was started with it, not a fork with the same one", async () => {
    const { engine } = await engineRig({ workflows: [echo] });
    const run = await engine.start(echo, { text: "a" });
    await run.result();
    const fork = await run.fork("count", { idempotencyKey: "k" });
    expect(await engine.get("k")).toBeNull();
    const started = await engine.start(echo, { text: "a" }, { idempotencyKey: "k" });
    await (await run.fork("count", { idempotencyKey: "other" })).result();
    expect(fork.id).not.toBe(started.id);
    expect((await engine.get("k"))?.id).toBe(started.id);
  });
});
