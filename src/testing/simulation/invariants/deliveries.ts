/** What a subscriber is given: in order, without gaps, at least once, only what was committed, by one holder of its cursor at a time. */
import type { Event, EventType, Run } from "../../../model.ts";
import type { Entry } from "../../../ports/store.ts";
import type { Applied, Model } from "../model.ts";
import { difference, same } from "../same.ts";
import type { Actor, Report } from "./report.ts";

interface Given {
  readonly handled: Set<number>;
  readonly dead: Set<number>;
  /** Everything up to here was handled, passed over as a dead letter, filtered, or not owed. */
  done: number;
  /** The last event begun under a cursor's token. */
  token: number;
  last: number;
  /** Deliveries under way, by token. */
  readonly open: Set<number>;
}

/** A subscriber as the rules know it. */
export interface SubscriberRule {
  readonly name: string;
  readonly types?: ReadonlySet<EventType>;
}

/** Deliveries by run and subscriber. */
export class DeliveryRules {
  readonly #given = new Map<string, Given>();
  readonly #report: Report;
  readonly #model: Model;
  readonly #subscribers: ReadonlyMap<string, SubscriberRule>;
  readonly #maxDeliveries: number;

  constructor(report: Report, model: Model, subscribers: readonly SubscriberRule[], maxDeliveries: number) {
    this.#report = report;
    this.#model = model;
    this.#subscribers = new Map(subscribers.map((subscriber) => [subscriber.name, subscriber]));
    this.#maxDeliveries = maxDeliveries;
  }

  /** A subscriber is being given an event; the answer is called when it took it (true) or refused. */
  begin(subscriber: string, event: Event, actor: Actor, now: number): (took: boolean) => void {
    const runId = event.workflowRunId;
    const given = this.#of(runId, subscriber);
    const what = `event ${event.id} for ${subscriber}`;
    const { replayed, ...plain } = event;
    const committed = this.#model.journal(runId)[event.sequence - 1];
    if (committed === undefined)
      this.#report("committed events", `${what} was delivered and is not committed`);
    else if (!same(plain, committed)) {
      this.#report("committed events", `${what} is not as it was committed: ${difference(plain, committed)}`);
    }
    if (replayed) {
      if (!given.dead.has(event.sequence))
        this.#report("replays", `${what} was replayed and was no dead letter`);
      return (took) => {
        if (took) given.handled.add(event.sequence);
      };
    }
    const head = this.#model.runs.get(runId)?.head;
    const cursor = head?.cursors[subscriber];
    const token = cursor?.token ?? 0;
    if (
      cursor === undefined ||
      cursor.holder === null ||
      !actor.names.includes(cursor.holder) ||
      cursor.heldUntil <= now
    ) {
      this.#report(
        "cursors",
        `${actor.names.join("/")} delivered ${what} under a cursor that ${cursor?.holder ?? "nobody"} held until ${(cursor?.heldUntil ?? 0) - now} ms from now`,
      );
    } else if (event.sequence <= cursor.position) {
      this.#report("order", `${what} was delivered again after its cursor had passed it`);
    }
    if (given.token === token && event.sequence <= given.last) {
      this.#report("order", `${what} was delivered after ${given.last} under the same cursor`);
    }
    if (given.open.has(token))
      this.#report("order", `${what} was delivered while another delivery was under way`);
    this.#gap(given, subscriber, event);
    given.token = token;
    given.last = event.sequence;
    given.open.add(token);
    return (took) => {
      given.open.delete(token);
      if (took) {
        given.handled.add(event.sequence);
        this.#pass(given, runId, subscriber);
      }
    };
  }

  #gap(given: Given, subscriber: string, event: Event): void {
    this.#pass(given, event.workflowRunId, subscriber);
    if (event.sequence > given.done + 1) {
      this.#report("gaps", `event ${event.id} was delivered to ${subscriber} before ${given.done + 1}`);
    }
    const since = this.#sinceOf(subscriber);
    if (event.timestamp < since) {
      this.#report("subscribing", `event ${event.id} is older than the subscription of ${subscriber}`);
    }
  }

  #sinceOf(subscriber: string): number {
    return this.#model.registry.subscribers.find(({ name }) => name === subscriber)?.since ?? 0;
  }

  /** Moves past everything that needs no further delivery. */
  #pass(given: Given, runId: string, subscriber: string): void {
    const journal = this.#model.journal(runId);
    const rule = this.#subscribers.get(subscriber);
    const since = this.#sinceOf(subscriber);
    for (let next = journal[given.done]; next !== undefined; next = journal[given.done]) {
      const wanted = rule?.types === undefined || rule.types.has(next.type);
      // What was committed in the instant of the subscription may be given or not.
      if (
        wanted &&
        next.timestamp > since &&
        !given.handled.has(next.sequence) &&
        !given.dead.has(next.sequence)
      )
        return;
      if (
        wanted &&
        next.timestamp === since &&
        !given.handled.has(next.sequence) &&
        !this.#isPassed(runId, subscriber, next)
      )
        return;
      given.done += 1;
    }
  }

  #isPassed(runId: string, subscriber: string, event: Event): boolean {
    return (this.#model.runs.get(runId)?.head.cursors[subscriber]?.position ?? 0) >= event.sequence;
  }

  #of(runId: string, subscriber: string): Given {
    const name = `${runId} ${subscriber}`;
    let given = this.#given.get(name);
    if (given === undefined) {
      given = { handled: new Set(), dead: new Set(), done: 0, token: -1, last: 0, open: new Set() };
      this.#given.set(name, given);
    }
    return given;
  }

  /** Looks at what a commit says about cursors and dead letters. */
  check(entry: Entry, { before, after }: Applied): void {
    if (after === null) return;
    for (const letter of entry.letters ?? []) {
      const given = this.#of(entry.runId, letter.subscriber);
      if (!given.dead.has(letter.sequence) && letter.failures !== this.#maxDeliveries) {
        this.#report(
          "dead letters",
          `event ${letter.sequence} of run ${entry.runId} is a dead letter of ${letter.subscriber} after ${letter.failures} refusals`,
        );
      }
      given.dead.add(letter.sequence);
    }
    for (const name of Object.keys(entry.cursors ?? {})) this.#cursor(entry, name, before?.head, after.head);
  }

  #cursor(entry: Entry, subscriber: string, before: Run | undefined, after: Run): void {
    const from = before?.cursors[subscriber];
    const to = after.cursors[subscriber];
    if (to === undefined) return;
    const what = `the cursor of ${subscriber} on run ${entry.runId}`;
    const guard = entry.guards.cursors?.find((one) => one.subscriber === subscriber);
    if (entry.create === undefined && guard?.token !== (from?.token ?? 0)) {
      this.#report(
        "cursors",
        `${what} was moved under token ${guard?.token ?? "none"}; its token is ${from?.token ?? 0}`,
      );
    }
    if (to.position < (from?.position ?? 0) || to.token < (from?.token ?? 0)) {
      this.#report("cursors", `${what} went back from ${from?.position} to ${to.position}`);
    }
    if (to.position > after.sequence) this.#report("cursors", `${what} is beyond the journal`);
    const given = this.#of(entry.runId, subscriber);
    this.#pass(given, entry.runId, subscriber);
    // A cursor may stand before what is not owed, never after what still is.
    if (to.position > given.done) {
      this.#report("gaps", `${what} moved to ${to.position}, and event ${given.done + 1} was not delivered`);
    }
    if (to.failures >= this.#maxDeliveries)
      this.#report("dead letters", `${what} counts ${to.failures} refusals`);
    if (from !== undefined && to.position === from.position && to.failures < from.failures) {
      this.#report("dead letters", `${what} forgot ${from.failures - to.failures} refusals of one event`);
    }
  }

  /** At the end: every run's events were given to everyone who was owed them. */
  finish(runId: string): void {
    for (const { name } of this.#model.registry.subscribers) {
      const given = this.#of(runId, name);
      this.#pass(given, runId, name);
      const { length } = this.#model.journal(runId);
      if (given.done < length) {
        this.#report(
          "delivered",
          `event ${runId}:${given.done + 1} of ${length} was never delivered to ${name}`,
        );
      }
    }
  }
}
