/** What tabs say to each other, and the links that go by it. */
import { type Link, type Message, refusal } from "../remote/peer.ts";
import type { Port } from "./pool/comlink-link.ts";

/** Grows with every change of what tabs say to each other. */
export const PROTOCOL = 1;

/** The oldest protocol that this build can still talk to. */
export const OLDEST_PROTOCOL = 1;

/** What a tab tells a leader of itself. */
export interface Hello {
  /** Bodies at once, at most. */
  readonly slots: number;
  /** Its page's subscribers, by name, with the types of events that they want. */
  readonly subscribers: readonly { readonly name: string; readonly types?: readonly string[] }[];
}

/** What every message says: whom it is from, and what it belongs to. */
interface Head {
  readonly protocol: number;
  /** The tab that sends it. */
  readonly tab: string;
  /** Of the leader that it is from or for; 0 from one that doesn't lead yet, or of none. */
  readonly epoch: number;
  /** Which of the tab's ties to that leader; 0 for all. What is left of an earlier one must not be taken for the present one's. */
  readonly session: number;
}

/** Which of a tab's two conversations with its leader: its page's calls, or its pool's work. */
export type Line = "page" | "pool";

/** A message of the tabs' protocol. */
export type TabMessage = Head &
  (
    | { readonly kind: "hello"; readonly hello: Hello }
    /** From a tab: is anybody there? From a leader: I am. */
    | { readonly kind: "ping" }
    /** From a leader: I lead now; say hello. */
    | { readonly kind: "lead" }
    /** From a leader: you are taken in. */
    | { readonly kind: "welcome" }
    /** From a leader: not, or no more, one of mine. */
    | { readonly kind: "gone" }
    /** From a leader: too old to talk to. */
    | { readonly kind: "outdated" }
    /** From a tab: its page is closing. */
    | { readonly kind: "closing" }
    /** From a leader: the database was deleted. */
    | { readonly kind: "erased" }
    | { readonly kind: "line"; readonly line: Line; readonly messages: readonly unknown[] }
  );

/** Whether something that came over a channel is a message of the protocol; whatever else a page of the same origin posts there is not. */
function isTabMessage(data: unknown): data is TabMessage {
  if (typeof data !== "object" || data === null) return false;
  const { protocol, tab, epoch, kind } = data as Partial<Record<string, unknown>>;
  return (
    typeof protocol === "number" &&
    typeof tab === "string" &&
    typeof epoch === "number" &&
    typeof kind === "string"
  );
}

/** A link over whatever can post. Messages of one turn leave as one: each costs up to a third of a millisecond. */
export class BatchLink implements Link {
  readonly #send: (messages: readonly Message[]) => void;
  #listener: ((message: unknown) => void) | null = null;
  #outbox: Message[] = [];

  constructor(send: (messages: readonly Message[]) => void) {
    this.#send = send;
  }

  post(message: unknown): void {
    this.#outbox.push(message as Message);
    if (this.#outbox.length === 1) queueMicrotask(() => this.#flush());
  }

  listen(listener: (message: unknown) => void): () => void {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = null;
    };
  }

  hear(messages: readonly unknown[]): void {
    for (const message of messages) this.#listener?.(message);
  }

  #flush(): void {
    const messages = this.#outbox;
    this.#outbox = [];
    try {
      this.#send(messages);
    } catch {
      for (const message of messages) this.#sendAlone(message);
    }
  }

  /** What can't be cloned ends its own call, and no other. */
  #sendAlone(message: Message): void {
    try {
      this.#send([message]);
    } catch (error) {
      const answer = refusal(message, error);
      if (answer === null) return;
      if ("method" in message) this.#listener?.(answer);
      else this.#send([answer]);
    }
  }
}

/** A link over a MessagePort. */
export function portLink(port: Port): Link {
  const link = new BatchLink((messages) => port.postMessage(messages));
  port.addEventListener("message", ({ data }: { readonly data: readonly unknown[] }) => link.hear(data));
  port.start?.();
  return link;
}

/** A link within one thread, by its two ends. */
export function linkPair(): [Link, Link] {
  const near: BatchLink = new BatchLink((messages) => far.hear(messages));
  const far: BatchLink = new BatchLink((messages) => near.hear(messages));
  return [near, far];
}

/** Hears what of a channel's messages is of the protocol. */
export function protocolOnly(hear: (message: TabMessage) => void): (data: unknown) => void {
  return (data) => {
    if (isTabMessage(data)) hear(data);
  };
}
