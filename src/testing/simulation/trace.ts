/** What happened, as a number that tells two schedules apart, and as the last lines for whoever reads a failure. */
export class Trace {
  readonly #kept: string[] = [];
  readonly #limit: number;
  readonly #listener: ((line: string) => void) | undefined;
  #high = 0x811c_9dc5;
  #low = 0x9dc5_811c;
  #lines = 0;

  /**
   * @param limit how many lines are kept
   * @param listener is told every line
   */
  constructor(limit = 60, listener?: (line: string) => void) {
    this.#limit = limit;
    this.#listener = listener;
  }

  /** Notes a line. */
  note(line: string): void {
    this.#lines += 1;
    // Two FNV-1a hashes (Fowler, Noll and Vo) of 32 bits with different offsets: one alone would collide within a million seeds.
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      this.#high = Math.imul(this.#high ^ code, 0x0100_0193);
      this.#low = Math.imul(this.#low ^ (code + 7), 0x0100_0193);
    }
    this.#listener?.(line);
    this.#kept.push(line);
    if (this.#kept.length > 2 * this.#limit) this.#kept.splice(0, this.#limit);
  }

  /** Tells the listener something that is not part of the schedule. */
  aside(line: () => string): void {
    if (this.#listener !== undefined) this.#listener(line());
  }

  /** The last lines, oldest first. */
  get tail(): readonly string[] {
    return this.#kept.slice(-this.#limit);
  }

  /** How many lines were noted. */
  get length(): number {
    return this.#lines;
  }

  /** Equal for equal lines in equal order. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
