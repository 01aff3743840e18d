/** Interleaved rounds, medians and spread: this is shared hardware, and a figure without its neighbour of the same minute says little. */
import { cpus, totalmem } from "node:os";

/** One figure of a benchmark. `goal` is the least, or with `atMost` the most, that is good enough; null is for information. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: number | null;
  readonly ok: boolean;
  /** First and third quartile over the rounds. */
  readonly spread?: readonly [number, number];
}

/** A row that is judged against a goal. */
export function row(
  name: string,
  values: readonly number[],
  unit: string,
  goal: { readonly atLeast: number } | { readonly atMost: number } | null = null,
): Row {
  const value = median(values);
  const ok = goal === null || ("atLeast" in goal ? value >= goal.atLeast : value <= goal.atMost);
  const limit = goal === null ? null : "atLeast" in goal ? goal.atLeast : goal.atMost;
  return {
    name,
    value,
    unit,
    goal: limit,
    ok,
    ...(values.length > 2 ? { spread: [quantile(values, 0.25), quantile(values, 0.75)] as const } : {}),
  };
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share `q` of the values lies, linearly interpolated. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Runs each contender once a round, in turning order, after one round that doesn't count. Nothing is collected by force in between: that also throws
 * away what the compiler has learned of the shapes of dead objects, and made the next second 1.5 to 2 times as slow.
 * @returns the figures of each contender by name
 */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round += 1) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) {
      const figure = await contenders[name]();
      if (round >= 0) figures[name].push(figure);
    }
  }
  return figures;
}

/** Seconds that an action took. */
export async function seconds(action: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await action();
  return (performance.now() - from) / 1000;
}

/** What the figures were measured on. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpu?.model.trim() ?? "unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

/** Rows as people read them. */
export function table(rows: readonly Row[]): string {
  const shown = rows.map((one) => [
    one.ok ? (one.goal === null ? " " : "✓") : "✗",
    one.name,
    `${show(one.value)} ${one.unit}`,
    one.spread === undefined ? "" : `${show(one.spread[0])} to ${show(one.spread[1])}`,
    one.goal === null ? "" : `goal ${show(one.goal)}`,
  ]);
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...shown.map((cells) => (cells[column] ?? "").length)),
  );
  return shown
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function show(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
