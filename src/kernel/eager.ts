/**
 * Delivery from memory. A kernel that creates a run while a host drives it holds the run's cursors from that commit on; events are handed over
 * as soon as their commit is in, and the cursors' moves ride on the run's next entries, so that delivery costs one small entry a run.
 */
import { type Event, isSettled, type Run } from "../model.ts";
import { eventOf } from "../ports/journal.ts";
import type { Committed, CursorWrite, Entry } from "../ports/store.ts";
import { type Delivered, decideMove } from "./commands/outbox-flush.ts";
import type { Core } from "./core.ts";
import { deliverInOrder, type Patience } from "./deliver.ts";
import { createdRun, runAfter } from "./warm.ts";

/** Tries of writing a place: what is lost then is delivered again from the journal. */
const MAX_TRIES = 25;

interface HeldRun {
  /** Its head, which the kernel forgets when the run settles, before the last events are delivered. */
  run: Run;
  readonly cursors: Map<string, { token: number; position: number; written: number }>;
  /** Events not yet handed to every subscriber, in order. */
  queue: Event[];
  /** Sequence of the last event that passed through here. */
  sequence: number;
  delivering: boolean;
  /** Its cursors are given back as soon as nothing is being handed over. */
  ending: boolean;
  /** They are being given back. */
  leaving: boolean;
  /** On this kernel's clock: from then on the cursors may be another's. */
  until: number;
  /** On this kernel's clock: from then on an entry takes the places along. */
  rideAt: number;
}

/**
 * How long a place may stay unwritten while the run goes on. Writing it with every entry cost an eighth of the throughput in memory; what is
 * not written is delivered again after a crash.
 */
const RIDE_EVERY_MS = 1000;

/** The runs whose events this kernel delivers as it commits them. */
export class Eager {
  readonly #core: Core;
  readonly #held = new Map<string, HeldRun>();
  /** When the entries left that hold cursors: a hold is counted from before the commit, whose answer may come late. */
  readonly #leftAt = new WeakMap<Entry, number>();
  #open = 0;
  #idle: (() => void)[] = [];

  constructor(core: Core) {
    this.#core = core;
    core.ride = (entry) => this.#ride(entry);
    core.cursorsLost = (runId) => void this.#held.delete(runId);
    core.follow = (entry, committed, run) => this.#follow(entry, committed, run);
  }

  /** Whether a run's cursors are held here. */
  holds(runId: string): boolean {
    return this.#held.has(runId);
  }

  /** Adds the moves that are not written yet to an entry of the run that leaves anyway. */
  #ride(entry: Entry): Entry {
    if (entry.create !== undefined) {
      if (entry.cursors !== undefined) this.#leftAt.set(entry, this.#core.ports.clock.now());
      return entry;
    }
    const held = this.#held.get(entry.runId);
    if (held === undefined || held.ending || held.leaving || entry.cursors !== undefined || entry.purge)
      return entry;
    const now = this.#core.ports.clock.now();
    if (now < held.rideAt) return entry;
    const cursors: Record<string, CursorWrite> = {};
    const guards: { subscriber: string; token: number }[] = [];
    for (const [name, cursor] of held.cursors) {
      cursors[name] = this.#write(cursor.token + 1, cursor.position, this.#core.ports.name);
      guards.push({ subscriber: name, token: cursor.token });
    }
    held.rideAt = now + RIDE_EVERY_MS;
    const laden = {
      ...entry,
      cursors,
      guards: { ...entry.guards, cursors: [...(entry.guards.cursors ?? []), ...guards] },
    };
    this.#leftAt.set(laden, now);
    return laden;
  }

  #write(token: number, position: number, holder: string | null): CursorWrite {
    const heldUntil = holder === null ? 0 : { in: this.#core.ports.policy.holdMs };
    return { position, token, holder, heldUntil, failures: 0, dueAt: 0 };
  }

  /** Shortened: the store counts by its own clock, which may run faster. */
  #until(from: number): number {
    return from + this.#core.ports.policy.holdMs * 0.8;
  }

  /** Takes up what a commit added. */
  #follow(entry: Entry, committed: Committed, run: Run | null): void {
    if (entry.create !== undefined && entry.cursors !== undefined) {
      const leftAt = this.#leftAt.get(entry) ?? Number.NEGATIVE_INFINITY;
      const cursors = new Map<string, { token: number; position: number; written: number }>();
      for (const [name, { token, position }] of Object.entries(entry.cursors)) {
        cursors.set(name, { token, position, written: position });
      }
      this.#held.set(entry.runId, {
        run: run ?? createdRun(entry, entry.create, committed),
        cursors,
        queue: [],
        sequence: 0,
        delivering: false,
        ending: false,
        leaving: false,
        until: this.#until(leftAt),
        rideAt: leftAt + RIDE_EVERY_MS,
      });
    }
    const held = this.#held.get(entry.runId);
    if (held === undefined) return;
    if (entry.cursors !== undefined) {
      if (!this.#leftAt.has(entry) && !held.leaving) {
        // A flush of this kernel took them: it had read the run before the answer to its creation came.
        this.#held.delete(entry.runId);
        return;
      }
      for (const [name, { token }] of Object.entries(entry.cursors)) {
        const cursor = held.cursors.get(name);
        if (cursor !== undefined && this.#leftAt.has(entry)) cursor.token = token;
      }
    }
    if (held.ending || held.leaving) return;
    if (entry.create === undefined) held.run = run ?? runAfter(held.run, entry, committed);
    if (entry.cursors !== undefined) {
      held.until = this.#until(this.#leftAt.get(entry) ?? Number.NEGATIVE_INFINITY);
      for (const [name, { position }] of Object.entries(entry.cursors)) {
        const cursor = held.cursors.get(name);
        if (cursor !== undefined) cursor.written = position;
      }
    }
    const from = committed.sequence - entry.events.length;
    if (from !== held.sequence) {
      // Another kernel wrote events in between: they are not here, so the journal must be read. What is being handed over now is
      // finished first, or the next holder would give the same event at the same time.
      held.ending = true;
      // With the store out of reach the cursors run out.
      if (!held.delivering) void this.#giveUp(entry.runId, held).catch(() => undefined);
      return;
    }
    let sequence = from;
    for (const body of entry.events) {
      sequence += 1;
      held.queue.push(eventOf(body, held.run, sequence, committed.at));
    }
    held.sequence = committed.sequence;
    if (!held.delivering && held.queue.length > 0) void this.#deliver(entry.runId, held);
  }

  async #deliver(runId: string, held: HeldRun): Promise<void> {
    held.delivering = true;
    this.#open += 1;
    try {
      const { sink, store, clock } = this.#core.ports;
      while (held.queue.length > 0 && this.#held.get(runId) === held) {
        if (store.harden !== undefined) await store.harden();
        const events = held.queue;
        held.queue = [];
        const patience: Patience = {
          clock,
          limit: this.#core.deliveryLimit,
          // Asked before each event: the cursors may be lost, and they may be renewed, while a long queue is handed over.
          until: () => (this.#held.get(runId) === held ? held.until : Number.NEGATIVE_INFINITY),
        };
        for (const subscriber of sink.subscribers) {
          const cursor = held.cursors.get(subscriber.name);
          const first = events[0]?.sequence ?? 0;
          // Subscribed since, or away for a while: what it missed stands in the journal, and comes first.
          if (cursor === undefined || first > cursor.position + 1) {
            await this.#giveUp(runId, held);
            return;
          }
          const last = events.at(-1)?.sequence ?? cursor.position;
          const delivery = deliverInOrder(
            subscriber,
            events,
            cursor.position,
            Number.POSITIVE_INFINITY,
            patience,
          );
          const result = delivery instanceof Promise ? await delivery : delivery;
          cursor.position = result.position;
          if (result.refused !== null || result.position < last) {
            await this.#giveUp(runId, held, { subscriber: subscriber.name, refused: result.refused });
            return;
          }
        }
      }
      if ((held.ending || isSettled(held.run.status)) && this.#held.get(runId) === held)
        await this.#giveUp(runId, held);
    } catch {
      // Out of reach or closed: the cursors run out, and a flush delivers from the journal.
      this.#held.delete(runId);
    } finally {
      held.delivering = false;
      this.#close();
    }
  }

  /** Writes the cursors' places and gives them back: at the run's end, after a refusal, or when events passed elsewhere. */
  async #giveUp(
    runId: string,
    held: HeldRun,
    failed: Pick<Delivered, "subscriber" | "refused"> | null = null,
  ): Promise<void> {
    if (held.leaving || this.#held.get(runId) !== held) return;
    held.leaving = true;
    this.#open += 1;
    try {
      await this.#writePlaces(runId, held, failed);
    } finally {
      if (this.#held.get(runId) === held) this.#held.delete(runId);
      this.#close();
    }
  }

  /** Something that was under way is over. */
  #close(): void {
    this.#open -= 1;
    if (this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #writePlaces(
    runId: string,
    held: HeldRun,
    failed: Pick<Delivered, "subscriber" | "refused"> | null,
  ): Promise<void> {
    let run: Run | undefined = held.run;
    for (let tries = 0; tries < MAX_TRIES && run !== undefined; tries += 1) {
      const delivered = this.#delivered(held, failed);
      const { verdict } = await this.#core.commit(decideMove(run, delivered, await this.#core.given()));
      if (verdict.status !== "stale" || verdict.guard === "run") return;
      // An entry that took the places along may have been under way: then the cursors are still held, under the tokens that it wrote.
      const moved = delivered.some(
        ({ subscriber, cursor }) => held.cursors.get(subscriber)?.token !== cursor.token,
      );
      if (verdict.guard === "cursor" && !moved) return;
      run = (await this.#core.ports.store.load({ of: "run", runId })).runs[0]?.run;
    }
  }

  #delivered(held: HeldRun, failed: Pick<Delivered, "subscriber" | "refused"> | null): readonly Delivered[] {
    return [...held.cursors].map(([subscriber, { token, position, written }]) => ({
      subscriber,
      cursor: {
        position: written,
        token,
        holder: this.#core.ports.name,
        heldUntil: 0,
        failures: 0,
        dueAt: 0,
      },
      position,
      refused: failed?.subscriber === subscriber ? failed.refused : null,
      replayed: [],
    }));
  }

  /**
   * Writes the places of runs that have been quiet for a while, so that a crash doesn't deliver their events again for hours. Nothing is lost by
   * giving their cursors back: their next events come through the journal. Called at every maintenance tick.
   */
  async tidy(): Promise<void> {
    const now = this.#core.ports.clock.now();
    const quiet: Promise<void>[] = [];
    for (const [runId, held] of this.#held) {
      // A run that is still busy writes its places with its next entry: giving it up here sent every third run through the journal.
      if (held.delivering || now < held.rideAt + RIDE_EVERY_MS) continue;
      const unwritten = [...held.cursors.values()].some(({ position, written }) => position > written);
      if (unwritten) quiet.push(this.#giveUp(runId, held));
      else if (held.until <= now) this.#held.delete(runId);
    }
    await Promise.all(quiet);
  }

  /** Resolves when nothing is being delivered or given back. */
  async idle(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Gives everything back: a host that stops. */
  async stop(): Promise<void> {
    while (this.#held.size > 0) {
      // Also what was created while others were given back: it ends as soon as nothing of it is being handed over.
      for (const held of this.#held.values()) held.ending = true;
      await this.idle();
      for (const [runId, held] of [...this.#held]) {
        // With the store out of reach the cursors run out.
        if (!held.delivering) await this.#giveUp(runId, held).catch(() => undefined);
      }
    }
  }
}
