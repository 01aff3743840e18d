/** Time, identity and chance as the platform has them: what the engine runs by unless it is given others. */
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";

/** The longest that `setTimeout` can count; beyond it, it fires at once. */
const LONGEST = 2_147_483_647;

/**
 * The platform's clock and timers.
 *
 * @param options.unref whether its timers let a Node process end; on other platforms it has no effect
 */
export function systemClock(options: { readonly unref?: boolean } = {}): Clock {
  const { unref = false } = options;
  return {
    now: () => Date.now(),
    after(ms, fire) {
      if (ms <= 0 && typeof setImmediate === "function") {
        // A turn, not a wait: `setTimeout` makes it a millisecond, and browsers four.
        const immediate = setImmediate(fire);
        if (unref) immediate.unref();
        return () => clearImmediate(immediate);
      }
      const until = Date.now() + ms;
      let timer: ReturnType<typeof setTimeout>;
      const arm = (wait: number): void => {
        timer = setTimeout(wait > LONGEST ? again : fire, Math.min(wait, LONGEST));
        if (unref && typeof timer === "object") timer.unref();
      };
      const again = (): void => arm(until - Date.now());
      arm(ms);
      return () => clearTimeout(timer);
    },
  };
}

/**
 * Run ids that sort by their time (UUID version 7, RFC 9562, with the 12 bits of `rand_a` as its counter within a
 * millisecond), and entry ids that cost little: a prefix drawn once, and a counter.
 */
export function randomIds(clock: Clock = systemClock()): Ids {
  const prefix = `${hex(random(), 0, 10)}-`;
  let entries = 0;
  let time = 0;
  let counter = 0;
  return {
    runId() {
      const now = clock.now();
      const bytes = random();
      if (now > time) {
        time = now;
        // The upper half stays free, so that a millisecond's first id leaves room for 2,048 more.
        counter = (((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0)) & 0x7ff;
      } else {
        counter += 1;
        if (counter > 0xfff) {
          // Ahead of the clock rather than out of order.
          time += 1;
          counter = 0;
        }
      }
      bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
      const stamp = time.toString(16).padStart(12, "0");
      const sequence = counter.toString(16).padStart(3, "0");
      return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${sequence}-${hex(bytes, 8, 10)}-${hex(bytes, 10, 16)}`;
    },
    entryId() {
      entries += 1;
      return prefix + entries.toString(36);
    },
    random: () => Math.random(),
  };
}

/** One call of `getRandomValues` fills many ids: a call costs about a microsecond, however little it is asked for. */
const pool = new Uint8Array(4096);
let used = pool.length;

/** Sixteen random bytes; a view that is valid until the pool is filled again. */
function random(): Uint8Array {
  if (used >= pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let index = from; index < to; index += 1) text += digits[bytes[index] ?? 0];
  return text;
}
