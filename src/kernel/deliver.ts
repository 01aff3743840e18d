/** Handing events to one subscriber, in order, until one is refused. */
import { DeliveryTimeoutError } from "../errors.ts";
import type { DeadLetter, Event } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { Subscriber } from "../ports/event-sink.ts";

/** How far a delivery came. */
export interface DeliveryResult {
  readonly position: number;
  /** Events that were handed over: filtered ones are passed over uncounted. */
  readonly handed: number;
  readonly refused: { readonly event: Event; readonly error: unknown } | null;
}

/** How long a delivery may take. */
export interface Patience {
  readonly clock: Clock;
  /** Longest single delivery, in milliseconds. */
  readonly timeoutMs: number;
  /** No further event is begun from then on: the cursor may be another's. On `clock`. */
  readonly until: number;
}

/** Whatever else a handler returns, as `(event) => list.push(event)` does, is no refusal. */
function isPromise(handling: unknown): handling is Promise<void> {
  return typeof handling === "object" && handling !== null && "then" in handling;
}

function inTime(handling: Promise<void>, subscriber: string, { clock, timeoutMs }: Patience): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => reject(new DeliveryTimeoutError(subscriber, timeoutMs)));
    handling.then(resolve, reject).finally(cancel);
  });
}

/** Whether a subscriber wants an event. */
export function wants(subscriber: Subscriber, event: { readonly type: Event["type"] }): boolean {
  return subscriber.types === undefined || subscriber.types.has(event.type);
}

/**
 * Delivers in order. Stops at the first refusal, or after `limit` events were handed over.
 */
export async function deliverInOrder(
  subscriber: Subscriber,
  events: readonly Event[],
  position: number,
  limit: number,
  patience: Patience,
): Promise<DeliveryResult> {
  let at = position;
  let handed = 0;
  for (const event of events) {
    if (event.sequence <= at) continue;
    if (wants(subscriber, event)) {
      if (handed >= limit || patience.clock.now() >= patience.until) break;
      try {
        const handling = subscriber.handle(event);
        // Awaiting a handler that is not asynchronous would cost a turn for every event.
        if (isPromise(handling)) await inTime(handling, subscriber.name, patience);
      } catch (error) {
        return { position: at, handed, refused: { event, error } };
      }
      handed += 1;
    }
    at = event.sequence;
  }
  return { position: at, handed, refused: null };
}

/** Delivers dead letters that were put back, late and marked. */
export async function deliverReplayed(
  subscriber: Subscriber,
  letters: readonly { readonly letter: DeadLetter; readonly event: Event }[],
  patience: Patience,
): Promise<{ letter: DeadLetter; error: unknown }[]> {
  const results: { letter: DeadLetter; error: unknown }[] = [];
  for (const { letter, event } of letters) {
    if (patience.clock.now() >= patience.until) break;
    try {
      const handling = subscriber.handle({ ...event, replayed: true });
      if (isPromise(handling)) await inTime(handling, subscriber.name, patience);
      results.push({ letter, error: null });
    } catch (error) {
      results.push({ letter, error: error ?? new Error("the subscriber refused without a reason") });
    }
  }
  return results;
}
