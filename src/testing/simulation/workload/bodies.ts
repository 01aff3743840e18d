/** The bodies of a workflow's stages as one simulated process runs them. */
import {
  type AnyWorkflowBuilder,
  type CompletionCheck,
  defineStage,
  defineWorkflow,
  type NoConfig,
  type Schema,
  type SchemaResult,
  type Stage,
  type StageContext,
  type StageDefinition,
  type StageResult,
  type Workflow,
} from "../../../define/index.ts";
import { NonRetryableError } from "../../../errors.ts";
import type { StageSpec, WorkflowSpec } from "./spec.ts";

/** One execution of a body or a check, as its process and the invariants see it. */
export interface Visit {
  /** Waits until the scheduler comes to it; something may happen to the process, or to the run, meanwhile. */
  step(ms?: number): Promise<void>;
  /** Ends the process. */
  crash(): Promise<never>;
  /** A value that tells this execution's result from all others. */
  readonly nonce: string;
  /** How often the stage was asked before, in this epoch. */
  readonly asked: number;
}

/** What bodies need of their process. */
export interface Probe {
  begin(spec: StageSpec, ctx: StageContext, as: "execute" | "check", state: unknown): Visit;
  /** The body comes to its end with this. */
  end(
    spec: StageSpec,
    ctx: StageContext,
    visit: Visit,
    how: "output" | "suspended" | "skipped" | "threw",
  ): void;
}

/** What flows between stages. `bad` is what no schema lets through. */
interface Flow {
  readonly by: string;
  readonly pad?: string;
  readonly bad?: true;
}

/** More than rides in a row, so that it goes to the blob store. */
const PAD = "x".repeat(66_000);

/** A schema as zod's look from here; zod itself would be most of the simulator's time. */
function schemaOf(holds: (value: unknown) => boolean): Schema {
  const safeParse = (value: unknown): SchemaResult<unknown> =>
    holds(value)
      ? { success: true, data: value }
      : { success: false, error: { issues: [{ path: ["bad"], message: "must not be there" }] } };
  const schema: Schema & { safeParse: typeof safeParse } = {
    _zod: { output: undefined, input: undefined },
    safeParse,
    safeParseAsync: async (value) => safeParse(value),
  };
  return schema;
}

const anything = schemaOf(() => true);
const fitting = schemaOf((value) => (value as Flow | null)?.bad === undefined);

/** Builds a workflow whose bodies report to a process's probe. Its graph is the same in every process. */
export function workflowOf(spec: WorkflowSpec, probe: Probe): Workflow {
  let builder: AnyWorkflowBuilder = defineWorkflow({
    id: spec.id,
    name: spec.id,
    input: anything,
  });
  for (const group of spec.groups) {
    const stages = group.map((stage) => stageOf(stage, probe));
    const [only] = stages;
    builder = stages.length === 1 && only ? builder.pipe(only) : builder.parallel(stages);
  }
  return builder.build();
}

function stageOf(spec: StageSpec, probe: Probe): Stage {
  const { behaviour } = spec;
  const definition: StageDefinition<string, Schema | "none", Schema, NoConfig, readonly string[]> = {
    id: spec.id,
    name: spec.id,
    schemas: { input: spec.input === "none" ? "none" : anything, output: fitting },
    retry: spec.retry,
    dependencies: spec.needs ?? undefined,
    timeoutMs: behaviour.kind === "hang" ? behaviour.timeoutMs : undefined,
    execute: async (ctx) => {
      const visit = probe.begin(spec, ctx, "execute", ctx.resumeState);
      await visit.step();
      try {
        const result = await execute(spec, ctx, visit);
        probe.end(spec, ctx, visit, result.suspended ? "suspended" : result.skipped ? "skipped" : "output");
        return result;
      } catch (error) {
        probe.end(spec, ctx, visit, "threw");
        throw error;
      }
    },
  };
  if (behaviour.kind !== "checked") return defineStage(definition);
  return defineStage({
    ...definition,
    checkCompletion: async (state, ctx) => {
      const visit = probe.begin(spec, ctx, "check", state);
      await visit.step();
      return check(spec, visit);
    },
  });
}

async function execute(spec: StageSpec, ctx: StageContext, visit: Visit): Promise<StageResult> {
  const { behaviour } = spec;
  const output: Flow = { by: visit.nonce };
  switch (behaviour.kind) {
    case "quick":
      return { output };
    case "slow":
      await visit.step(behaviour.ms);
      return { output };
    case "big":
      return { output: { ...output, pad: PAD } };
    case "skip":
      return { skipped: true, reason: visit.nonce };
    case "chatty":
      return chat(ctx, visit);
    case "flaky":
      if (ctx.attempt <= behaviour.failures) throw new SimulatedError(visit.nonce);
      return { output };
    case "broken":
      throw new SimulatedError(visit.nonce);
    case "final":
      throw new NonRetryableError(visit.nonce);
    case "misfit":
      return { output: { ...output, bad: true } };
    case "unstorable":
      return { output: { ...output, call: () => undefined } };
    case "endless":
      return never();
    case "hang":
      return ctx.attempt <= behaviour.times ? never() : { output };
    case "killer":
      if (ctx.attempt <= behaviour.crashes) await visit.crash();
      return { output };
    default:
      return wait(spec, ctx, visit);
  }
}

/** Bodies that suspend: they go on from the state that they left. */
function wait(spec: StageSpec, ctx: StageContext, visit: Visit): StageResult {
  const { behaviour } = spec;
  const state = ctx.resumeState as { readonly times: number } | undefined;
  const times = (state?.times ?? 0) + 1;
  const left = { by: visit.nonce, times };
  switch (behaviour.kind) {
    case "sleeper":
      return times > behaviour.times
        ? { output: { by: visit.nonce } }
        : { suspended: true, state: left, pollConfig: { pollInterval: behaviour.ms } };
    case "signal": {
      if (ctx.resumedBy?.kind === "signal") return { output: { by: visit.nonce } };
      const { name, pollMs, maxWaitMs } = behaviour;
      return {
        suspended: true,
        state: left,
        signal: name,
        pollConfig: { pollInterval: pollMs ?? undefined, maxWaitTime: maxWaitMs ?? undefined },
      };
    }
    case "checked":
      return ctx.resumedBy?.kind === "check"
        ? { output: { by: visit.nonce } }
        : {
            suspended: true,
            state: { ...left, pad: times === 1 ? PAD : "" },
            pollConfig: { pollInterval: behaviour.pollMs, maxWaitTime: behaviour.maxWaitMs ?? undefined },
          };
    default:
      throw new RangeError(`${behaviour.kind} doesn't wait`);
  }
}

function check({ behaviour }: StageSpec, visit: Visit): CompletionCheck {
  if (behaviour.kind !== "checked") throw new RangeError(`${behaviour.kind} has no check`);
  if (visit.asked < behaviour.checks) return { ready: false };
  if (behaviour.fails === "throws" && visit.asked === behaviour.checks) throw new SimulatedError(visit.nonce);
  if (behaviour.fails === "error") return { ready: false, error: visit.nonce };
  return behaviour.output ? { ready: true, output: { by: visit.nonce } } : { ready: true };
}

async function chat(ctx: StageContext, visit: Visit): Promise<StageResult> {
  for (let part = 1; part <= 3; part += 1) {
    ctx.log("INFO", `part ${part}`, { part });
    ctx.onProgress({ progress: part / 3, message: `part ${part}` });
    await visit.step(part * 40);
  }
  ctx.annotate("talk", visit.nonce);
  return { output: { by: visit.nonce } };
}

function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** What bodies, checks and sinks throw on purpose. */
export class SimulatedError extends Error {
  readonly code = "SIMULATED";
  constructor(nonce: string) {
    super(`thrown on purpose by ${nonce}`);
    this.name = "SimulatedError";
    // Traces of a million throws would be most of the simulator's memory, and say nothing.
    this.stack = "";
  }
}
