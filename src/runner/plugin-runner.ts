/** Plugins as subscribers of an event sink. */
import { definePlugin, type Plugin, toSubscriber } from "../define/plugin.ts";
import { DuplicateSubscriberError } from "../errors.ts";
import type { Event } from "../model.ts";
import type { EventSink, Subscriber } from "../ports/event-sink.ts";
import { createEventSink } from "./event-sink.ts";
import { checkList, checkMethods, checkObject } from "./options.ts";

/** What became of events that were delivered by hand. */
export interface PluginReport {
  /** Events that no plugin failed on. */
  readonly processed: number;
  readonly failures: readonly { readonly plugin: string; readonly event: Event; readonly error: unknown }[];
}

/** Plugins that run. Made by {@link createPluginRunner}. */
export interface PluginRunner {
  /** The sink that the plugins are subscribed to. */
  readonly eventSink: EventSink;
  /**
   * Hands events to every plugin by hand: each plugin in turn gets all of them in order. A failure is reported and doesn't stop the others.
   * The plugins' places in the runs' events don't move.
   */
  processEvents(events: readonly Event[]): Promise<PluginReport>;
  /** Ends the plugins' subscriptions. Their places are kept: a plugin of the same name goes on from there. */
  stop(): void;
}

/**
 * Subscribes plugins, each under its own name: one that fails holds up neither the others nor other runs.
 *
 * @param options.eventSink the sink that the kernel was, or will be, made with
 * @throws DuplicateSubscriberError for a name that there is already; DefinitionError as `definePlugin`; InvalidOptionError. No plugin is
 * subscribed then
 * @example
 * const eventSink = createEventSink();
 * const runner = createPluginRunner({ plugins: [mailer], eventSink });
 * const kernel = createKernel({ store, workflows, eventSink });
 */
export function createPluginRunner(options: {
  readonly plugins: readonly Plugin[];
  readonly eventSink?: EventSink;
}): PluginRunner {
  return pluginRunner(options, "createPluginRunner");
}

/** {@link createPluginRunner} under the name of whoever its caller called. */
export function pluginRunner(options: Parameters<typeof createPluginRunner>[0], where: string): PluginRunner {
  checkObject(where, "options", options, "an object with plugins");
  const { plugins, eventSink = createEventSink() } = options;
  checkList(where, "plugins", plugins, "a list of plugins made by definePlugin");
  checkMethods(where, "eventSink", eventSink, ["subscribe"]);
  const subscribers = plugins.map((plugin) => toSubscriber(definePlugin(plugin)));
  const names = new Set(eventSink.subscribers.map(({ name }) => name));
  for (const { name } of subscribers) {
    if (names.has(name)) throw new DuplicateSubscriberError(name);
    names.add(name);
  }
  const ends = subscribers.map((subscriber) => eventSink.subscribe(subscriber));
  return {
    eventSink,
    processEvents: (events) => deliver(subscribers, events),
    stop: () => {
      for (const end of ends) end();
    },
  };
}

async function deliver(subscribers: readonly Subscriber[], events: readonly Event[]): Promise<PluginReport> {
  checkList("PluginRunner.processEvents", "events", events, "a list of events");
  const failures: PluginReport["failures"][number][] = [];
  for (const subscriber of subscribers) {
    for (const event of events) {
      if (subscriber.types?.has(event.type) === false) continue;
      try {
        await subscriber.handle(event);
      } catch (error) {
        failures.push({ plugin: subscriber.name, event, error });
      }
    }
  }
  const failed = new Set(failures.map(({ event }) => event));
  return { processed: events.filter((event) => !failed.has(event)).length, failures };
}
