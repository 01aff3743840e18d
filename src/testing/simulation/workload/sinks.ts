/** Subscribers that take events, refuse them, hang, or take their process with them. */
import type { Event, EventType } from "../../../model.ts";
import type { EventSink, Subscriber } from "../../../ports/event-sink.ts";
import { createEventSink } from "../../../runner/event-sink.ts";
import type { SubscriberRule } from "../invariants/deliveries.ts";
import type { Process } from "../process.ts";
import type { World } from "../world.ts";
import { SimulatedError } from "./bodies.ts";

const SETTLEMENTS: ReadonlySet<EventType> = new Set<EventType>([
  "workflow:completed",
  "workflow:failed",
  "workflow:cancelled",
  "stage:completed",
]);

/** Everyone who may subscribe. `audit` is synchronous; `newcomer` comes late. */
export const SUBSCRIBERS: readonly SubscriberRule[] = [
  { name: "audit" },
  { name: "billing", types: SETTLEMENTS },
  { name: "moody" },
  { name: "newcomer" },
];

/** How a subscriber takes an event: refused so many times, then taken. */
interface Mood {
  refusals: number;
  readonly hangs: boolean;
}

/** The subscribers of all processes. */
export class Sinks {
  readonly #world: World;
  readonly #moods = new Map<string, Mood>();
  readonly #sinks: EventSink[] = [];
  #hasNewcomer = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** The event sink of one process. */
  sinkOf(process: Process): EventSink {
    const names = this.#hasNewcomer ? SUBSCRIBERS : SUBSCRIBERS.filter(({ name }) => name !== "newcomer");
    const sink = createEventSink(names.map((rule) => this.#subscriber(process, rule)));
    this.#sinks.push(sink);
    return sink;
  }

  /** Somebody subscribes in all processes while they run. */
  join(processes: readonly Process[]): void {
    const rule = SUBSCRIBERS.find(({ name }) => name === "newcomer");
    if (this.#hasNewcomer || rule === undefined) return;
    this.#hasNewcomer = true;
    for (const process of processes) process.sink.subscribe(this.#subscriber(process, rule));
  }

  #subscriber(process: Process, { name, types }: SubscriberRule): Subscriber {
    return {
      name,
      ...(types === undefined ? {} : { types }),
      handle:
        name === "audit"
          ? (event) => this.#at(process, name, event)
          : (event) => this.#later(process, name, event),
    };
  }

  #at(process: Process, name: string, event: Event): void {
    const ended = this.#world.delivering(process, name, event);
    const refuses = this.#world.strike(process, ["deliver"]) === "throw";
    ended(!refuses);
    if (refuses) throw new SimulatedError(event.id);
  }

  async #later(process: Process, name: string, event: Event): Promise<void> {
    const world = this.#world;
    const ended = world.delivering(process, name, event);
    await process.lane.gate(`deliver ${event.id} to ${name}`, world.latency());
    const fault = world.strike(process, ["deliver"]);
    if (fault === "crash") process.crash();
    if (fault === "pause") {
      process.pause();
      await process.lane.gate("goes on");
    }
    const mood = this.#moodOf(name, event);
    if (fault === "hang" || fault === "crash" || (mood.hangs && mood.refusals > 0)) {
      mood.refusals -= 1;
      await new Promise<never>(() => undefined);
    }
    if (fault === "throw" || mood.refusals > 0) {
      mood.refusals -= 1;
      ended(false);
      throw new SimulatedError(event.id);
    }
    ended(true);
  }

  #moodOf(name: string, event: Event): Mood {
    const key = `${name} ${event.id}`;
    let mood = this.#moods.get(key);
    if (mood === undefined) {
      const { random } = this.#world;
      const moody = random.chance(name === "moody" ? 0.06 : 0.02);
      mood = { refusals: moody ? random.between(1, 5) : 0, hangs: random.chance(0.15) };
      this.#moods.set(key, mood);
    }
    return mood;
  }
}
