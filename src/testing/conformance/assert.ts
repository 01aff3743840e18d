/** The few assertions that the suite needs, so that it depends on no test runner. */
import { SluiceError } from "../../errors.ts";
import { canonical } from "../../ports/canonical.ts";

/** A store fell short of the suite. Test runners show `expected` and `actual` as a difference. */
export class ConformanceError extends SluiceError {
  readonly expected: unknown;
  readonly actual: unknown;
  constructor(what: string, expected: unknown, actual: unknown) {
    super("CONFORMANCE", `${what}: expected ${show(expected)}, got ${show(actual)}`);
    this.expected = expected;
    this.actual = actual;
  }
}

function show(value: unknown): string {
  try {
    const text = canonical(value);
    return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
  } catch {
    return String(value);
  }
}

/** Deep equality of plain data; a property that is undefined counts as absent. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (canonical(actual) !== canonical(expected)) throw new ConformanceError(what, expected, actual);
}

/** That something holds. */
export function ensure(condition: boolean, what: string): asserts condition {
  if (!condition) throw new ConformanceError(what, true, false);
}

/** A value that must be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new ConformanceError(what, "a value", value);
  return value;
}

/** That an instant lies where it should. */
export function within(actual: number | null, low: number, high: number, what: string): void {
  if (actual === null || actual < low || actual > high) {
    throw new ConformanceError(what, `from ${low} to ${high}`, actual);
  }
}

/** That an action is refused with an error of this code. */
export async function refused(action: () => unknown, code: string, what: string): Promise<void> {
  let actual: unknown = "an answer";
  try {
    await action();
  } catch (error) {
    actual = error instanceof SluiceError ? error.code : String(error);
  }
  if (actual !== code) throw new ConformanceError(what, code, actual);
}
