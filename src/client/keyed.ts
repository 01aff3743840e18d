import { IdempotencyInProgressError, StoppedError } from "../errors.ts";
import { type Clock, sleep } from "../ports/clock.ts";

/** Longest pause between two questions whether another's command is done, in milliseconds. */
const MAX_PAUSE_MS = 250;

/** Sends commands with idempotency keys; waits where the kernel would answer that the first one is still in progress. */
export class KeyedCommands {
  readonly #clock: Clock;
  readonly #newKey: (() => string) | null;
  readonly #underWay = new Map<string, Promise<unknown>>();
  #isClosed = false;

  /** @param newKey draws keys for commands that have none, where one may be carried out twice because its answer was lost */
  constructor(clock: Clock, newKey: (() => string) | null) {
    this.#clock = clock;
    this.#newKey = newKey;
  }

  /** @param given undefined where nobody else can have the same */
  async send<R>(
    type: string,
    given: string | undefined,
    command: (key: string | undefined) => Promise<R>,
  ): Promise<R> {
    const key = given ?? this.#newKey?.();
    if (key === undefined) return command(key);
    const name = `${type} ${key}`;
    for (let tries = 0; !this.#isClosed; ) {
      const other = this.#underWay.get(name);
      if (other !== undefined) {
        await other.catch(() => undefined);
        continue;
      }
      const own = command(key);
      this.#underWay.set(name, own);
      try {
        return await own;
      } catch (error) {
        if (!(error instanceof IdempotencyInProgressError)) throw error;
      } finally {
        this.#underWay.delete(name);
      }
      // Somebody sends it past this engine, and only the kernel knows when it is done.
      await sleep(this.#clock, Math.min(MAX_PAUSE_MS, 2 ** tries));
      tries += 1;
    }
    throw new StoppedError("this engine");
  }

  close(): void {
    this.#isClosed = true;
  }
}
