/** The bounds of numbers that callers give to a store: every adapter refuses the same ones in the same words. */
import { InvalidOptionError } from "../errors.ts";

/** Rows in one answer at most. */
const MAX_COUNT = 1_000_000;

/** A hundred years. */
const MAX_DURATION = 3_155_760_000_000;

/**
 * A number of rows.
 * @throws InvalidOptionError unless it is whole, from 0 to a million
 */
export function checkCount(where: string, option: string, value: number): number {
  return check(where, option, value, MAX_COUNT);
}

/**
 * A duration in milliseconds.
 * @throws InvalidOptionError unless it is from 0 to a hundred years
 */
export function checkDuration(where: string, option: string, value: number): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_DURATION) return value;
  throw new InvalidOptionError(where, option, `a number of milliseconds from 0 to ${MAX_DURATION}`, value);
}

/**
 * A place in an ascending order, such as a sequence.
 * @throws InvalidOptionError unless it is whole and not negative
 */
export function checkPlace(where: string, option: string, value: number): number {
  return check(where, option, value, Number.MAX_SAFE_INTEGER);
}

function check(where: string, option: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new InvalidOptionError(where, option, `a whole number from 0 to ${max}`, value);
}
