/** Checks of what callers give to public functions. */
import { InvalidOptionError } from "../errors.ts";

/** The longest duration that means anything here: a hundred years of milliseconds. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/** @throws InvalidOptionError unless it is a whole number in the range */
export function checkWhole(
  where: string,
  option: string,
  value: unknown,
  least: number,
  most = LONGEST_MS,
): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new InvalidOptionError(where, option, `a whole number from ${least} to ${most}`, value);
}

/** @throws InvalidOptionError unless it is an object */
export function checkObject(where: string, option: string, value: unknown, expected = "an object"): void {
  if (typeof value === "object" && value !== null) return;
  throw new InvalidOptionError(where, option, expected, value);
}

/** @throws InvalidOptionError unless it is a list */
export function checkList(where: string, option: string, value: unknown, expected: string): void {
  if (Array.isArray(value)) return;
  throw new InvalidOptionError(where, option, expected, value);
}

/** @throws InvalidOptionError for an option that there isn't, which is a mistyped one */
export function checkKnown(where: string, options: object, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(options)) {
    if (known.has(name) || value === undefined) continue;
    throw new InvalidOptionError(where, name, `left out: the options are ${[...known].join(", ")}`, value);
  }
}

/** @throws InvalidOptionError unless it is an object with these methods */
export function checkMethods(
  where: string,
  option: string,
  value: unknown,
  methods: readonly string[],
): void {
  const has = (name: string): boolean =>
    typeof (value as Readonly<Record<string, unknown>> | null | undefined)?.[name] === "function";
  if (typeof value === "object" && value !== null && methods.every(has)) return;
  throw new InvalidOptionError(where, option, `an object with ${methods.join(", ")}`, value);
}

/** @throws InvalidOptionError unless it is a text that can be a name */
export function checkName(where: string, option: string, value: unknown): void {
  if (typeof value === "string" && value.length > 0 && value.length <= 256) return;
  throw new InvalidOptionError(where, option, "a string of 1 to 256 characters", value);
}
