/** Where committed events go: a list of subscribers that can grow and shrink while a kernel runs. */
import { DuplicateSubscriberError, InvalidOptionError } from "../errors.ts";
import type { Event } from "../model.ts";
import type { EventSink, Subscriber } from "../ports/event-sink.ts";
import { checkList, checkMethods, checkName } from "./options.ts";

/** Something that takes events, without a name and a filter of its own. */
export type EventTarget =
  | { publish(events: readonly Event[]): void | Promise<void> }
  | ((event: Event) => void | Promise<void>);

/** The name under which an {@link EventTarget} keeps its place in each run's events. */
const TARGET_NAME = "sink";

/**
 * Makes an event sink.
 *
 * @example
 * const sink = createEventSink();
 * const stop = sink.subscribe({ name: "audit", handle: (event) => audit.append(event) });
 *
 * @throws DuplicateSubscriberError for two subscribers of one name
 */
export function createEventSink(subscribers: readonly Subscriber[] = []): EventSink {
  // Replaced, never changed: a kernel sees by its identity that it must register what is new.
  let list: readonly Subscriber[] = [];
  const sink: EventSink = {
    get subscribers() {
      return list;
    },
    subscribe(subscriber) {
      checkMethods("createEventSink", "subscriber", subscriber, ["handle"]);
      checkName("createEventSink", "subscriber.name", subscriber.name);
      checkTypes(subscriber.types);
      if (list.some(({ name }) => name === subscriber.name))
        throw new DuplicateSubscriberError(subscriber.name);
      list = Object.freeze([...list, subscriber]);
      return () => {
        list = Object.freeze(list.filter((one) => one !== subscriber));
      };
    },
  };
  checkList("createEventSink", "subscribers", subscribers, "a list of subscribers");
  for (const subscriber of subscribers) sink.subscribe(subscriber);
  return sink;
}

function checkTypes(types: unknown): void {
  const isSet = Object.prototype.toString.call(types) === "[object Set]";
  if (types === undefined || isSet) return;
  throw new InvalidOptionError("createEventSink", "subscriber.types", "a Set of event types", types);
}

/** An event sink as it is, or an {@link EventTarget} as the one subscriber of a new sink. */
export function toEventSink(
  given: EventSink | EventTarget | undefined,
  where = "createEventSink",
): EventSink {
  if (given === undefined) return createEventSink();
  if (typeof given === "function") return createEventSink([{ name: TARGET_NAME, handle: given }]);
  if (typeof given === "object" && given !== null) {
    if ("subscribers" in given && "subscribe" in given) return given;
    if ("publish" in given) {
      return createEventSink([{ name: TARGET_NAME, handle: (event) => given.publish([event]) }]);
    }
  }
  throw new InvalidOptionError(
    where,
    "eventSink",
    "made by createEventSink, a function, or an object with publish",
    given,
  );
}
