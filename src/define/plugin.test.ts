import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors.ts";
import type { Event, EventType } from "../model.ts";
import { definePlugin, type PluginHandlers, toSubscriber } from "./plugin.ts";

function event(type: EventType, sequence: number): Event {
  return {
    id: `run:${sequence}`,
    sequence,
    timestamp: 0,
    workflowRunId: "run",
    workflowId: "w",
    type,
    payload: { epoch: 1 },
  } as unknown as Event;
}

describe("a plugin's subscriber", () => {
  it("hands each event to its handler, and asks for no others", async () => {
    const seen: string[] = [];
    const subscriber = toSubscriber(
      definePlugin({
        name: "mailer",
        handlers: {
          "workflow:completed": async (one) => void seen.push(`done ${one.id} of epoch ${one.payload.epoch}`),
          "stage:failed": (one) => void seen.push(`failed ${one.id}`),
          "stage:skipped": undefined,
        },
      }),
    );
    expect(subscriber.name).toBe("mailer");
    expect(subscriber.types).toEqual(new Set(["workflow:completed", "stage:failed"]));
    await subscriber.handle(event("workflow:completed", 9));
    await subscriber.handle(event("stage:failed", 4));
    await subscriber.handle(event("stage:started", 5));
    expect(seen).toEqual(["done run:9 of epoch 1", "failed run:4"]);
  });

  it("waits for the handler and passes on its error", async () => {
    const subscriber = toSubscriber(
      definePlugin({
        name: "mailer",
        handlers: { "workflow:completed": () => Promise.reject(new RangeError("no mail")) },
      }),
    );
    await expect(subscriber.handle(event("workflow:completed", 1))).rejects.toThrow(RangeError);
  });

  it("keeps the handlers that it was made with", async () => {
    const handlers: { -readonly [K in keyof PluginHandlers]: PluginHandlers[K] } = {
      "workflow:started": () => undefined,
    };
    const plugin = definePlugin({ name: "p", handlers });
    handlers["workflow:failed"] = () => undefined;
    expect(toSubscriber(plugin).types).toEqual(new Set(["workflow:started"]));
    expect(Object.isFrozen(plugin)).toBe(true);
  });
});

describe("definePlugin refuses", () => {
  const noop = () => undefined;
  it.each([
    ["nothing", undefined, "definePlugin takes an object, got undefined"],
    ["an empty name", { name: "", handlers: {} }, "a plugin's name must be 1 to 128"],
    ["a name that is no text", { name: 5, handlers: {} }, "a plugin's name must be 1 to 128"],
    [
      "no handlers",
      { name: "p" },
      'plugin "p": handlers must be an object of functions by event, got undefined',
    ],
    [
      "an unknown event",
      { name: "p", handlers: { "workflow:complete": noop } },
      'plugin "p": there is no event "workflow:complete"; expected one of workflow:created, ',
    ],
    [
      "an inherited name for an event",
      { name: "p", handlers: { toString: noop } },
      'plugin "p": there is no event "toString"',
    ],
    [
      "a handler that is no function",
      { name: "p", handlers: { "workflow:completed": true } },
      'plugin "p": the handler of workflow:completed must be a function, got true',
    ],
  ])("%s", (_, plugin, message) => {
    const define = definePlugin as (plugin: unknown) => unknown;
    expect(() => define(plugin)).toThrow(DefinitionError);
    expect(() => define(plugin)).toThrow(message);
  });
});
