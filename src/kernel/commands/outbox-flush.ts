/**
 * `outbox.flush`: the three decisions around a delivery. A cursor is leased first, so that two flushers never give the same event at the
 * same time; then events are delivered outside any transaction; then the cursor moves, and a refused event backs off or becomes a dead letter.
 */
import { toRecord } from "../../errors.ts";
import type { Cursor, DeadLetter, Event } from "../../model.ts";
import { isSettled, type Run } from "../../model.ts";
import { type CursorWrite, type Entry, NOW, type Scope } from "../../ports/store.ts";
import { type Given, isUndelivered, stateOf } from "../decision.ts";

/** Runs with undelivered events whose cursors are free. */
export function scopeFlush(subscribers: readonly string[], maxEvents: number): Scope {
  return { of: "outbox", subscribers, limit: 200, maxEvents };
}

/** How one subscriber stands after a delivery round on one run. */
export interface Delivered {
  readonly subscriber: string;
  /** The cursor as this flusher leased it. */
  readonly cursor: Cursor;
  /** Sequence of the last event that was delivered or passed over. */
  readonly position: number;
  /** The event after `position`, if it was refused. */
  readonly refused: { readonly event: Event; readonly error: unknown } | null;
  /** Dead letters that were delivered after all (`error` is null), and those that were refused again. */
  readonly replayed: readonly { readonly letter: DeadLetter; readonly error: unknown }[];
}

/** Leases cursors of one run. */
export function decideHold(run: Run, subscribers: readonly string[], holder: string, given: Given): Entry {
  const cursors: Record<string, CursorWrite> = {};
  for (const name of subscribers) {
    const before = run.cursors[name];
    cursors[name] = {
      position: before?.position ?? 0,
      token: (before?.token ?? 0) + 1,
      holder,
      heldUntil: { in: given.policy.holdMs },
      failures: before?.failures ?? 0,
      dueAt: before?.dueAt ?? 0,
    };
  }
  return {
    id: given.entry,
    runId: run.id,
    command: "outbox.flush",
    guards: {
      cursors: subscribers.map((subscriber) => ({ subscriber, token: run.cursors[subscriber]?.token ?? 0 })),
    },
    cursors,
    events: [],
  };
}

/** Moves the cursors of one run and gives them back. The last one of a settled run also says that all is delivered. */
export function decideMove(run: Run, delivered: readonly Delivered[], given: Given): Entry {
  const { policy, registry } = given;
  const cursors: Record<string, CursorWrite> = {};
  const letters: NonNullable<Entry["letters"]>[number][] = [];
  const dropLetters: { subscriber: string; sequence: number }[] = [];
  const moved = new Map<string, number>();
  for (const { subscriber, cursor, position, refused, replayed } of delivered) {
    const progressed = position > cursor.position;
    const before = progressed ? 0 : cursor.failures;
    const failures = refused === null ? before : before + 1;
    const dead = refused !== null && failures >= policy.maxDeliveries;
    const backoff = { in: policy.deliveryBackoffMs * 2 ** (failures - 1) };
    const at = dead ? refused.event.sequence : position;
    cursors[subscriber] = {
      position: at,
      // Grows with every write: a flusher that read the cursor before this move must not put it back.
      token: cursor.token + 1,
      holder: null,
      heldUntil: 0,
      failures: dead ? 0 : failures,
      dueAt: dead ? 0 : refused !== null ? backoff : progressed ? 0 : cursor.dueAt,
    };
    moved.set(subscriber, at);
    if (dead) {
      const { event, error } = refused;
      letters.push({
        runId: run.id,
        subscriber,
        sequence: event.sequence,
        type: event.type,
        error: toRecord(error, "DELIVERY_FAILED"),
        failures,
        at: NOW,
        replaying: false,
      });
    }
    for (const { letter, error } of replayed) {
      if (error === null) dropLetters.push({ subscriber, sequence: letter.sequence });
      else {
        letters.push({
          ...letter,
          error: toRecord(error, "DELIVERY_FAILED"),
          failures: letter.failures + 1,
          at: NOW,
          replaying: false,
        });
      }
    }
  }
  // On a settled run every move grows the version: of two flushers that each give the last events to their own subscriber, the second
  // must see the first one's move, or neither would say that all is delivered.
  const settled = isSettled(run.status);
  return {
    id: given.entry,
    runId: run.id,
    command: "outbox.flush",
    guards: {
      cursors: delivered.map(({ subscriber, cursor }) => ({ subscriber, token: cursor.token })),
      ...(settled ? { version: run.version, registry: registry.version } : {}),
    },
    ...(settled
      ? { state: stateOf(run, { delivered: !isUndelivered(run, registry, run.sequence, moved) }) }
      : {}),
    cursors,
    ...(letters.length === 0 ? {} : { letters }),
    ...(dropLetters.length === 0 ? {} : { dropLetters }),
    events: [],
  };
}
