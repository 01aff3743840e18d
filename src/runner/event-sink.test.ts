import { describe, expect, it } from "vitest";
import { definePlugin } from "../define/plugin.ts";
import { DefinitionError, DuplicateSubscriberError, InvalidOptionError } from "../errors.ts";
import type { Event } from "../model.ts";
import { createEventSink, toEventSink } from "./event-sink.ts";
import { createPluginRunner } from "./plugin-runner.ts";

const event = (sequence: number, type: Event["type"] = "workflow:started"): Event =>
  ({
    id: `r:${sequence}`,
    sequence,
    timestamp: 0,
    workflowRunId: "r",
    workflowId: "w",
    type,
    payload: {},
  }) as Event;
const subscriber = (name: string) => ({ name, handle: () => undefined });

describe("createEventSink", () => {
  it("replaces its list when it changes, and never changes one", () => {
    const sink = createEventSink([subscriber("a")]);
    const first = sink.subscribers;
    const end = sink.subscribe(subscriber("b"));
    const second = sink.subscribers;
    end();
    end();
    expect([first, second, sink.subscribers].map((list) => list.map(({ name }) => name))).toEqual([
      ["a"],
      ["a", "b"],
      ["a"],
    ]);
    expect(second).not.toBe(first);
    expect(sink.subscribers).toBe(sink.subscribers);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it("refuses a name twice, and what isn't a subscriber", () => {
    const sink = createEventSink();
    sink.subscribe(subscriber("a"));
    expect(() => sink.subscribe(subscriber("a"))).toThrow(DuplicateSubscriberError);
    expect(() => createEventSink([subscriber("a"), subscriber("a")])).toThrow(DuplicateSubscriberError);
    for (const wrong of [undefined, {}, { name: "", handle: () => 1 }, { name: "x" }]) {
      expect(() => sink.subscribe(wrong as never)).toThrow(InvalidOptionError);
    }
    for (const types of [["stage:started"], "stage:started", null, {}]) {
      expect(() => sink.subscribe({ ...subscriber("b"), types } as never)).toThrow("a Set of event types");
    }
    expect(sink.subscribers).toHaveLength(1);
    expect(() => createEventSink(null as never)).toThrow(InvalidOptionError);
    sink.subscribe({ ...subscriber("b"), types: new Set(["stage:started"]) });
    expect(sink.subscribers).toHaveLength(2);
  });
});

describe("toEventSink", () => {
  it("takes a sink, a function, or an object that publishes", async () => {
    const got: unknown[] = [];
    const sink = createEventSink();
    expect(toEventSink(sink)).toBe(sink);
    expect(toEventSink(undefined).subscribers).toEqual([]);
    await toEventSink((one) => void got.push(one.sequence)).subscribers[0]?.handle(event(1));
    const target = {
      got,
      publish(events: readonly Event[]) {
        this.got.push(events.map(({ sequence }) => sequence));
      },
    };
    const [published] = toEventSink(target).subscribers;
    await published?.handle(event(2));
    expect(got).toEqual([1, [2]]);
    expect(published?.name).toBe("sink");
  });

  it.each([null, 5, {}])("refuses %j", (given) => {
    expect(() => toEventSink(given as never)).toThrow(InvalidOptionError);
  });
});

describe("createPluginRunner", () => {
  const got: string[] = [];
  const plugin = (name: string, failsAt?: number) =>
    definePlugin({
      name,
      handlers: {
        "workflow:started": async ({ sequence }) => {
          if (sequence === failsAt) throw new Error(`${name} refuses ${sequence}`);
          got.push(`${name} ${sequence}`);
        },
      },
    });

  it("subscribes each plugin under its name until it is stopped", () => {
    const eventSink = createEventSink([subscriber("other")]);
    const runner = createPluginRunner({ plugins: [plugin("a"), plugin("b")], eventSink });
    expect(runner.eventSink).toBe(eventSink);
    expect(eventSink.subscribers.map(({ name }) => name)).toEqual(["other", "a", "b"]);
    runner.stop();
    expect(eventSink.subscribers.map(({ name }) => name)).toEqual(["other"]);
  });

  it("subscribes none if one's name is taken", () => {
    const eventSink = createEventSink([subscriber("b")]);
    expect(() => createPluginRunner({ plugins: [plugin("a"), plugin("b")], eventSink })).toThrow(
      DuplicateSubscriberError,
    );
    expect(() => createPluginRunner({ plugins: [plugin("a"), plugin("a")] })).toThrow(
      DuplicateSubscriberError,
    );
    expect(eventSink.subscribers).toHaveLength(1);
  });

  it.each([undefined, {}, { plugins: {} }, { plugins: [], eventSink: {} }])(
    "refuses to be made of %j",
    (given) => {
      expect(() => createPluginRunner(given as never)).toThrow(InvalidOptionError);
    },
  );

  it("refuses a plugin without handlers, and subscribes none", () => {
    const eventSink = createEventSink();
    const plugins = [plugin("a"), { name: "b" }] as never;
    expect(() => createPluginRunner({ plugins, eventSink })).toThrow(DefinitionError);
    expect(eventSink.subscribers).toEqual([]);
    const none = createPluginRunner({ plugins: [] });
    return expect(none.processEvents(undefined as never)).rejects.toThrow(InvalidOptionError);
  });

  it("delivers by hand, in order, past failures, which it reports", async () => {
    got.length = 0;
    const runner = createPluginRunner({ plugins: [plugin("a", 2), plugin("b")] });
    const events = [event(1), event(2), event(3, "stage:started"), event(4)];
    const { processed, failures } = await runner.processEvents(events);
    expect(got).toEqual(["a 1", "a 4", "b 1", "b 2", "b 4"]);
    expect(processed).toBe(3);
    expect(failures).toEqual([
      { plugin: "a", event: events[1], error: expect.objectContaining({ message: "a refuses 2" }) },
    ]);
  });
});
