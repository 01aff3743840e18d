import type { Event, EventType } from "../model.ts";

/** A named receiver of events. Its place in each run's journal is kept under its name. */
export interface Subscriber {
  readonly name: string;
  /** Only these types are handed over; all by default. */
  readonly types?: ReadonlySet<EventType>;
  /**
   * Handles one event, which it shares with the other subscribers: it must not change it. A rejection is a failed delivery: it is tried again with back-off, and after `maxDeliveries` failures the event is its
   * dead letter. May be given an event twice (a crash between delivery and the cursor's move): deduplicate by `event.id`.
   */
  handle(event: Event): void | Promise<void>;
}

/** Where committed events go. */
export interface EventSink {
  readonly subscribers: readonly Subscriber[];
  /** Adds a subscriber; a second one of the same name is an error. The answer removes it. */
  subscribe(subscriber: Subscriber): () => void;
}
