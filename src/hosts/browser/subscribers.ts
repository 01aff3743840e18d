/** The subscribers of all tabs as one event sink: each name once, however many tabs have it. */
import { NotConnectedError } from "../../errors.ts";
import type { Event, EventType } from "../../model.ts";
import type { EventSink } from "../../ports/event-sink.ts";
import { createEventSink } from "../../runner/event-sink.ts";
import type { Hello } from "./channels.ts";

/** Hands an event to a tab's subscriber of this name. */
type Deliver = (name: string, event: Event) => Promise<unknown>;

/** Which tabs have a subscriber of one name; the first of them is given the events. */
interface Shared {
  readonly tabs: Map<string, { readonly types: readonly string[] | undefined; readonly deliver: Deliver }>;
  unsubscribe: () => void;
}

/** See the file's head. */
export class TabSubscribers {
  readonly sink: EventSink = createEventSink();
  readonly #shared = new Map<string, Shared>();

  add(tabId: string, subscribers: Hello["subscribers"], deliver: Deliver): void {
    for (const { name, types } of subscribers) {
      const shared = this.#shared.get(name) ?? { tabs: new Map(), unsubscribe: () => undefined };
      this.#shared.set(name, shared);
      shared.tabs.set(tabId, { types, deliver });
      if (shared.tabs.size === 1) this.#subscribe(name, shared);
    }
  }

  remove(tabId: string): void {
    for (const [name, shared] of this.#shared) {
      const [first] = shared.tabs.keys();
      if (!shared.tabs.delete(tabId) || first !== tabId) continue;
      shared.unsubscribe();
      if (shared.tabs.size > 0) this.#subscribe(name, shared);
      else this.#shared.delete(name);
    }
  }

  #subscribe(name: string, shared: Shared): void {
    const [first] = shared.tabs.values();
    shared.unsubscribe = this.sink.subscribe({
      name,
      ...(first?.types === undefined ? {} : { types: new Set(first.types as EventType[]) }),
      handle: (event) => deliver(name, shared, event),
    });
  }
}

async function deliver(name: string, { tabs }: Shared, event: Event): Promise<void> {
  for (;;) {
    const [first] = tabs;
    if (first === undefined) throw new NotConnectedError(`subscriber ${name}`, "its tab is gone");
    const [tabId, tab] = first;
    try {
      await tab.deliver(name, event);
      return;
    } catch (error) {
      // Of a tab that is gone the next one is asked; anything else is the subscriber's refusal.
      if (tabs.get(tabId) === tab) throw error;
    }
  }
}
