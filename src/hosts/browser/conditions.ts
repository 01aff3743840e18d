import type { Clock } from "../../ports/clock.ts";

/** Those who wait for something to be so. */
export class Conditions {
  readonly #clock: Clock;
  readonly #checks = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has changed. */
  look(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves once it is so; rejects with what `isSo` throws, and with `late` after so many milliseconds. */
  until(isSo: () => boolean, ms: number, late: Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#checks.delete(check);
        cancel();
        act();
      };
      const check = (): void => {
        try {
          if (isSo()) settle(resolve);
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const cancel = this.#clock.after(ms, () => settle(() => reject(late)));
      this.#checks.add(check);
      check();
    });
  }
}
