/** Commands of chance, about what is there. */
import type { Command } from "../../kernel/api.ts";
import { isSettled } from "../../model.ts";
import type { ModelRun } from "./model.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const WEIGHTS: Readonly<Record<Command["type"], number>> = {
  "run.create": 10,
  "run.claimPending": 3,
  "job.execute": 22,
  "run.transition": 8,
  "run.cancel": 5,
  "run.rerunFrom": 8,
  "run.fork": 6,
  "run.signal": 10,
  "run.reapStuck": 4,
  "run.purge": 6,
  "stage.pollSuspended": 2,
  "lease.reapStale": 2,
  "outbox.flush": 3,
  "plugin.replayDLQ": 9,
};

/** A command of that type, or of any; null when there is nothing that it could be about. */
export function commandOf(world: World, type: Command["type"] | null): Command | null {
  const { random } = world;
  const chosen = type ?? random.weighted(WEIGHTS);
  const runs = [...world.model.runs.values()];
  switch (chosen) {
    case "run.create":
      return create(world);
    case "run.claimPending":
      return { type: chosen, workerId: "by-hand", maxClaims: random.between(1, 3) };
    case "run.reapStuck":
      return { type: chosen };
    case "run.purge":
      return { type: chosen, olderThanMs: random.pick([0, 3000]), keep: random.pick([0, 2]) };
    case "stage.pollSuspended":
      return { type: chosen, maxChecks: random.between(1, 10) };
    case "lease.reapStale":
      return { type: chosen, staleThresholdMs: world.settings.policy.leaseMs };
    case "outbox.flush":
      return { type: chosen, maxEvents: random.pick([1, 5, 1000]) };
    case "plugin.replayDLQ":
      return { type: chosen, maxEvents: random.pick([1, 50]) };
    default:
      return runs.length === 0 ? null : about(chosen, runs, random);
  }
}

function create({ random, specs }: World): Command {
  const key = random.chance(0.8) ? `k${random.bits()}` : `k${random.below(4)}`;
  return {
    type: "run.create",
    // The first workflow is the one that is executed by hand.
    workflowId: random.chance(0.3) ? "w0" : random.pick(specs).id,
    input: { by: "input", n: random.below(3) },
    idempotencyKey: key,
    ...(random.chance(0.2) ? { priority: random.pick([-5, -1, 1, 5]) } : {}),
    ...(random.chance(0.1) ? { annotations: { origin: "simulation" } } : {}),
  };
}

function keyOf(random: Random): { idempotencyKey?: string } {
  return random.chance(0.5) ? { idempotencyKey: `k${random.bits()}` } : {};
}

type AboutRun = "job.execute" | "run.transition" | "run.cancel" | "run.rerunFrom" | "run.fork" | "run.signal";

function about(type: AboutRun, runs: readonly ModelRun[], random: Random): Command | null {
  const settled = runs.filter(({ head }) => isSettled(head.status));
  const live = runs.filter(({ head }) => !isSettled(head.status));
  const prefer = (preferred: readonly ModelRun[]): ModelRun =>
    preferred.length > 0 && random.chance(0.85) ? random.pick(preferred) : random.pick(runs);
  switch (type) {
    case "job.execute":
      return execute(runs, random);
    case "run.transition": {
      const done = live.filter(({ head }) => head.status === "RUNNING" && head.remaining === 0);
      return { type, workflowRunId: prefer(done).head.id };
    }
    case "run.cancel":
      return {
        type,
        workflowRunId: prefer(live).head.id,
        ...(random.chance(0.3) ? { reason: "by chance" } : {}),
      };
    case "run.rerunFrom":
    case "run.fork": {
      const { head, stages } = prefer(settled);
      const [stage] = random.shuffled([...stages.keys()]);
      if (stage === undefined) return null;
      const force = type === "run.rerunFrom" && random.chance(0.3) ? { force: true } : {};
      return { type, workflowRunId: head.id, fromStageId: stage, ...keyOf(random), ...force };
    }
    case "run.signal": {
      const waiting = live.filter(({ jobs }) => [...jobs.values()].some(({ signal }) => signal !== null));
      const { head, jobs } = prefer(waiting.length > 0 ? waiting : live);
      const awaited = [...jobs.values()].find(({ signal }) => signal !== null)?.signal;
      const name = awaited !== undefined && random.chance(0.8) ? awaited : random.pick(["go", "approve"]);
      return {
        type,
        workflowRunId: head.id,
        name: name ?? "go",
        payload: { n: random.below(3) },
        ...keyOf(random),
      };
    }
  }
}

/** Mostly of the workflow that only clients have code for, so that workers aren't faster. */
function execute(runs: readonly ModelRun[], random: Random): Command | null {
  const due = runs.flatMap(({ head, jobs }) =>
    [...jobs.values()].filter(({ worker }) => worker === null).map((job) => ({ head, job })),
  );
  const manual = due.filter(({ head }) => head.workflowId === "w0");
  const [chosen] = random.shuffled(manual.length > 0 && random.chance(0.9) ? manual : due);
  if (chosen === undefined) return null;
  const { head, job } = chosen;
  return {
    type: "job.execute",
    workflowRunId: head.id,
    workflowId: head.workflowId,
    stageId: job.stageId,
    ...keyOf(random),
    ...(random.chance(0.3) ? { advance: true } : {}),
  };
}
