/** Web Locks as the platform has them, with owners that can die. Exclusive ones only: no others are used. */
import type { TabLocks } from "./platform.ts";

interface LockRequest {
  readonly owner: string;
  readonly held: (lock: unknown) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Lock {
  holder: LockRequest | null;
  queue: LockRequest[];
}

const abortError = (message: string): Error => new DOMException(message, "AbortError");

/** The locks of one origin. */
export class FakeLocks {
  readonly #locks = new Map<string, Lock>();

  /** What an owner sees of them: a thread, of which all that it holds is freed when it dies. */
  of(owner: string): TabLocks {
    return {
      request: (name, { signal, steal = false, ifAvailable = false }, held) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) {
            reject(abortError("the request was aborted"));
            return;
          }
          const lock = this.#locks.get(name) ?? { holder: null, queue: [] };
          this.#locks.set(name, lock);
          const request: LockRequest = { owner, held, resolve, reject };
          if (steal) {
            const robbed = lock.holder;
            lock.holder = null;
            robbed?.reject(abortError("the lock was stolen"));
            this.#grant(lock, request);
          } else if (ifAvailable && (lock.holder !== null || lock.queue.length > 0)) {
            Promise.resolve(null).then(held).then(resolve, reject);
          } else {
            lock.queue.push(request);
            signal?.addEventListener("abort", () => {
              if (!lock.queue.includes(request)) return;
              lock.queue = lock.queue.filter((one) => one !== request);
              reject(abortError("the request was aborted"));
            });
            this.#next(lock);
          }
        }),
      query: async () => ({
        held: [...this.#locks].filter(([, { holder }]) => holder !== null).map(([name]) => ({ name })),
      }),
    };
  }

  /** The owner's thread ends: what it held is free, what it waited for is forgotten, and it hears of nothing. */
  kill(owner: string): void {
    for (const lock of this.#locks.values()) {
      lock.queue = lock.queue.filter((request) => request.owner !== owner);
      if (lock.holder?.owner === owner) lock.holder = null;
      this.#next(lock);
    }
  }

  /** Who holds a lock. */
  holder(name: string): string | null {
    return this.#locks.get(name)?.holder?.owner ?? null;
  }

  #next(lock: Lock): void {
    if (lock.holder !== null) return;
    const request = lock.queue.shift();
    if (request !== undefined) this.#grant(lock, request);
  }

  #grant(lock: Lock, request: LockRequest): void {
    lock.holder = request;
    void Promise.resolve({})
      // Stolen, or its owner dead, before it heard of it.
      .then((granted) => (lock.holder === request ? request.held(granted) : new Promise(() => undefined)))
      .then(request.resolve, request.reject)
      .then(() => {
        if (lock.holder !== request) return;
        lock.holder = null;
        this.#next(lock);
      });
  }
}
