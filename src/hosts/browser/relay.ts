/** Passes a page's calls on to whoever leads, and keeps those that were not answered for the next one. */
import { FEED } from "../remote/remote-backend.ts";
import { encodeError } from "../remote/error-codec.ts";
import type { Answer, Link, Message, Request } from "../remote/peer.ts";

/** Between a page and its leader, wherever that is. */
export class Relay {
  readonly #page: Link;
  readonly #waiting = new Map<number, Request>();
  #leader: Link | null = null;
  #unlisten: (() => void) | null = null;

  constructor(page: Link) {
    this.#page = page;
    page.listen((message) => this.#up(message as Message));
  }

  /** Goes on with this leader; null: there is none now. */
  attach(leader: Link | null): void {
    this.#unlisten?.();
    this.#leader = leader;
    this.#unlisten = leader?.listen((message) => this.#down(message as Message)) ?? null;
    if (leader === null) return;
    for (const request of this.#waiting.values()) leader.post(request);
    // What happened while nobody was heard, nobody will tell.
    this.#page.post({ method: FEED, args: [[{ kind: "gap" }]] } satisfies Request);
  }

  /** Answers all that wait with an error. */
  fail(error: Error): void {
    for (const id of this.#waiting.keys())
      this.#page.post({ id, ok: false, error: encodeError(error) } satisfies Answer);
    this.#waiting.clear();
  }

  #up(message: Message): void {
    // A ping is not kept: what matters is whether somebody answers now.
    if ("method" in message && message.id !== undefined && message.id > 0)
      this.#waiting.set(message.id, message);
    this.#leader?.post(message);
  }

  #down(message: Message): void {
    // An answer that was given before counts once.
    if (!("method" in message) && message.id > 0 && !this.#waiting.delete(message.id)) return;
    this.#page.post(message);
  }
}
