/** Calls over a link: each side may call the other, and a call outlives the link that it was sent over. */
import { NotConnectedError, PayloadError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { decodeError, type EncodedError, encodeError } from "./error-codec.ts";

/**
 * A way to the other side: a port, a channel. It keeps the order of messages, and may end at any time. Posting throws nothing: of what can't be cloned the
 * sender hears by a {@link refusal}.
 */
export interface Link {
  post(message: unknown): void;
  /** Hears what the other side posts; the answer ends that. */
  listen(listener: (message: unknown) => void): () => void;
  close?(): void;
}

/** A call, or without `id` something that wants no answer. */
export interface Request {
  readonly id?: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What a call gave. */
export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: EncodedError };

/** What travels over a link. */
export type Message = Request | Answer;

/** What a side can be asked. */
export type Handlers = Readonly<Record<string, (...args: never) => unknown>>;

/** What a {@link Peer} is made of. */
export interface PeerOptions {
  readonly clock: Clock;
  readonly handlers: Handlers;
  /** How the other side is called in errors. */
  readonly name: string;
  /** For how long nothing at all may be heard while calls wait, in milliseconds; without it, calls wait until the peer is closed. */
  readonly patienceMs?: number;
  /** Calls are numbered from here on; 1 by default. Where the other side outlives this one, their numbers must not meet. */
  readonly firstId?: number;
}

interface Pending {
  readonly request: Request;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Ticks since it was sent without a sign of life. */
  silent: number;
}

/** Silence is counted in ticks, not by the clock: a page that was frozen has not waited. */
const TICKS = 3;

/** One side of a link. Calls that were not answered when the link is replaced are sent again over the next: they must bear being carried out twice. */
export class Peer {
  readonly #options: PeerOptions;
  readonly #pending = new Map<number, Pending>();
  #link: Link | null = null;
  #unlisten: (() => void) | null = null;
  #nextId: number;
  #stopTicks: (() => void) | null = null;
  #ended: Error | null = null;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#nextId = options.firstId ?? 1;
  }

  /** Goes on over this link; null: over none, until there is another. */
  attach(link: Link | null): void {
    this.#unlisten?.();
    this.#link = link;
    this.#unlisten = link?.listen((message) => this.#hear(message as Message)) ?? null;
    if (link !== null) for (const { request } of this.#pending.values()) link.post(request);
  }

  /** Calls the other side. @throws what it throws; NotConnectedError when it is silent for too long; PayloadError for what can't be posted */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        reject(this.#ended);
        return;
      }
      const id = this.#nextId++;
      const pending = { request: { id, method, args }, resolve, reject, silent: 0 };
      this.#pending.set(id, pending);
      this.#link?.post(pending.request);
      if (this.#options.patienceMs !== undefined) this.#tickLater(this.#options.patienceMs);
    });
  }

  /** Tells the other side something that it need not answer. */
  tell(method: string, args: readonly unknown[]): void {
    this.#link?.post({ method, args } satisfies Request);
  }

  /** Ends it: calls that wait, and those to come, are rejected. */
  close(error: Error): void {
    this.#ended ??= error;
    this.#stopTicks?.();
    this.#stopTicks = null;
    this.attach(null);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #hear(message: Message): void {
    // Anything that comes is a sign of life.
    for (const pending of this.#pending.values()) pending.silent = 0;
    if ("method" in message) void this.#serve(message);
    else {
      const pending = this.#pending.get(message.id);
      if (pending === undefined) return;
      this.#pending.delete(message.id);
      if (message.ok) pending.resolve(message.value);
      else pending.reject(decodeError(message.error));
    }
  }

  async #serve({ id, method, args }: Request): Promise<void> {
    const link = this.#link;
    let answer: Answer | null = null;
    try {
      const handler = Object.hasOwn(this.#options.handlers, method)
        ? this.#options.handlers[method]
        : undefined;
      if (handler === undefined && method !== PING) throw new TypeError(`there is no method ${method}`);
      const value = await handler?.(...(args as never));
      if (id !== undefined) answer = { id, ok: true, value };
    } catch (error) {
      if (id !== undefined) answer = { id, ok: false, error: encodeError(error) };
    }
    if (answer !== null) link?.post(answer);
  }

  #tickLater(patienceMs: number): void {
    this.#stopTicks ??= this.#options.clock.after(patienceMs / TICKS, () => {
      this.#stopTicks = null;
      for (const [id, pending] of this.#pending) {
        pending.silent += 1;
        if (pending.silent <= TICKS) continue;
        this.#pending.delete(id);
        pending.reject(new NotConnectedError(this.#options.name, `nothing was heard for ${patienceMs} ms`));
      }
      if (this.#pending.size === 0) return;
      this.#link?.post({ id: 0, method: PING, args: [] } satisfies Request);
      this.#tickLater(patienceMs);
    });
  }
}

/** What to answer instead of a message that can't be posted, to whoever waits; null where nobody does. */
export function refusal(message: Message, cause: unknown): Answer | null {
  const { id } = message;
  if (id === undefined || ("ok" in message && !message.ok)) return null;
  const what = "method" in message ? message.method : "an answer";
  const why = `what can't be cloned (${cause instanceof Error ? cause.message : "DataCloneError"})`;
  return { id, ok: false, error: encodeError(new PayloadError(what, why)) };
}

/** Asks for nothing but an answer. */
export const PING = "ping";
