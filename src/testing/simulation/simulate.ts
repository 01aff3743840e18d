/** Runs one seed from its first step to its last check. */
import { isSettled } from "../../model.ts";
import type { Violation } from "./invariants/report.ts";
import { World, type WorldOptions } from "./world.ts";

/** What one seed came to. */
export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Claims, commits and deliveries. */
  readonly steps: { readonly claims: number; readonly commits: number; readonly deliveries: number };
  /** Gates and timers that were opened. */
  readonly opened: number;
  /** Virtual time that went by, in milliseconds. */
  readonly elapsed: number;
  /** Equal for equal schedules. */
  readonly hash: string;
  /** The last lines of the trace. */
  readonly tail: readonly string[];
  /** How often each fault met each phase, by `phase|fault`. */
  readonly coverage: Readonly<Record<string, number>>;
}

/** No world takes so many steps; one that does is going round in circles. */
const MAX_OPENED = 400_000;

/**
 * Simulates one seed: a storm of commands and faults, then a calm in which every run must end and every event be delivered.
 *
 * @example
 * const report = await simulateSeed({ seed: 7, store: ({ clock, faults }) => memoryStore({ clock, faults }) });
 * for (const { rule, message } of report.violations) console.error(rule, message);
 */
export async function simulateSeed(options: WorldOptions): Promise<SeedReport> {
  const world = new World(options);
  const { settings, violations } = world;
  let opened = 0;
  const go = async (until: () => boolean): Promise<void> => {
    while (violations.length === 0 && !until() && opened < MAX_OPENED) {
      await world.step();
      opened += 1;
    }
  };
  world.clients.start();
  await go(() => world.elapsed >= settings.stormMs && world.clients.isDone);
  world.calm();
  world.clients.attend();
  const deadline = world.elapsed + settings.calmMs;
  await go(() => isOver(world) || world.elapsed > deadline);
  if (violations.length === 0 && !isOver(world)) reportUnfinished(world, opened);
  if (violations.length === 0) await world.witness.finish();
  const { steps } = world.witness;
  return {
    seed: world.seed,
    violations,
    steps,
    opened,
    elapsed: world.elapsed,
    hash: world.trace.hash,
    tail: world.trace.tail,
    coverage: world.coverage.counts,
  };
}

function isOver({ model, ledger }: World): boolean {
  for (const { head } of model.runs.values()) if (!isSettled(head.status) || !head.delivered) return false;
  return ledger.open.length === 0;
}

function reportUnfinished(world: World, opened: number): void {
  for (const { head, jobs } of world.model.runs.values()) {
    if (isSettled(head.status) && head.delivered) continue;
    const due = [...jobs.values()].map(({ stageId, kind, dueAt, worker }) => ({
      stageId,
      kind,
      dueAt,
      worker,
    }));
    world.report(
      "liveness",
      `run ${head.id} is ${head.status}, ${head.delivered ? "" : "un"}delivered, after ${world.elapsed} ms and ${opened} openings: ${JSON.stringify(due)} ${JSON.stringify(head.cursors)}`,
    );
  }
  for (const { command, process } of world.ledger.open) {
    world.report("liveness", `${process.name} never answered ${JSON.stringify(command)}`);
  }
}
