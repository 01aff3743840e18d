/** Handing events to one subscriber, in order, until one is refused. */
import { DeliveryTimeoutError } from "../errors.ts";
import type { DeadLetter, Event } from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { Subscriber } from "../ports/event-sink.ts";
import type { TimeLimit } from "./time-limit.ts";

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
  /** Longest single delivery. */
  readonly limit: TimeLimit;
  /** No further event is begun from then on: the cursor may be another's. On `clock`. */
  until(): number;
}

/** Whatever else a handler returns, as `(event) => list.push(event)` does, is no refusal. */
function isPromise(handling: unknown): handling is Promise<void> {
  return typeof handling === "object" && handling !== null && "then" in handling;
}

function inTime(handling: Promise<void>, subscriber: string, { limit }: Patience): Promise<void> {
  return limit.within(handling, () => new DeliveryTimeoutError(subscriber, limit.ms));
}

/** Whether a subscriber wants an event. */
export function wants(subscriber: Subscriber, event: { readonly type: Event["type"] }): boolean {
  return subscriber.types === undefined || subscriber.types.has(event.type);
}

/**
 * Delivers in order. Stops at the first refusal, or after `limit` events were handed over. A promise only where a handler gives one: an answer that
 * is waited for in vain costs a turn for every commit.
 */
export function deliverInOrder(
  subscriber: Subscriber,
  events: readonly Event[],
  position: number,
  limit: number,
  patience: Patience,
): DeliveryResult | Promise<DeliveryResult> {
  let at = position;
  let handed = 0;
  const from = (first: number): DeliveryResult | Promise<DeliveryResult> => {
    for (let index = first; index < events.length; index += 1) {
      const event = events[index];
      if (event === undefined || event.sequence <= at) continue;
      if (wants(subscriber, event)) {
        if (handed >= limit || patience.clock.now() >= patience.until()) break;
        const refused = (error: unknown): DeliveryResult => ({
          position: at,
          handed,
          refused: { event, error },
        });
        let handling: unknown;
        try {
          handling = subscriber.handle(event);
        } catch (error) {
          return refused(error);
        }
        if (isPromise(handling)) {
          return inTime(handling, subscriber.name, patience).then(() => {
            handed += 1;
            at = event.sequence;
            return from(index + 1);
          }, refused);
        }
        handed += 1;
      }
      at = event.sequence;
    }
    return { position: at, handed, refused: null };
  };
  return from(0);
}

/** Delivers dead letters that were put back, late and marked. */
export async function deliverReplayed(
  subscriber: Subscriber,
  letters: readonly { readonly letter: DeadLetter; readonly event: Event }[],
  patience: Patience,
): Promise<{ letter: DeadLetter; error: unknown }[]> {
  const results: { letter: DeadLetter; error: unknown }[] = [];
  for (const { letter, event } of letters) {
    if (patience.clock.now() >= patience.until()) break;
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
