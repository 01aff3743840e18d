/** What each execution of a body is checked for: that it may begin, what it is given, and what is recorded of it. */
import type { StageContext } from "../../define/index.ts";
import type { Payload, StageRecord } from "../../model.ts";
import type { Entry } from "../../ports/store.ts";
import type { Process } from "./process.ts";
import { codesOf, type StageSpec } from "./workload/spec.ts";
import { type Probe, SimulatedError, type Visit } from "./workload/bodies.ts";
import type { World } from "./world.ts";

type Ending = Parameters<Probe["end"]>[3];

/** All executions of a world. */
export class Executions {
  readonly #world: World;
  readonly #specs: ReadonlyMap<string, StageSpec>;
  readonly #begun = new Set<string>();
  readonly #endings = new Map<string, Ending>();
  readonly #asked = new Map<string, number>();
  #count = 0;

  constructor(world: World, specs: ReadonlyMap<string, StageSpec>) {
    this.#world = world;
    this.#specs = specs;
  }

  /** The probe of one process. */
  probeOf(process: Process): Probe {
    return {
      begin: (spec, ctx, as, state) => this.#begin(process, spec, ctx, as, state),
      end: (_, ctx, __, how) => {
        if (!process.crashed) this.#endings.set(attemptOf(ctx), how);
      },
    };
  }

  #begin(
    process: Process,
    spec: StageSpec,
    ctx: StageContext,
    as: "execute" | "check",
    state: unknown,
  ): Visit {
    this.#count += 1;
    const stage = `${ctx.runId}/${ctx.stageId}/${epochOf(ctx)}`;
    const nonce = `${stage}/${ctx.attempt}/${as}/${this.#count}`;
    const asked = this.#asked.get(stage) ?? 0;
    if (as === "check") this.#asked.set(stage, asked + 1);
    else this.#once(attemptOf(ctx));
    this.#given(process, spec, ctx, as, state);
    return {
      nonce,
      asked,
      step: (ms = 0) => this.#step(process, ctx, as, ms),
      crash: () => {
        this.#world.note(process.name, `killed by ${nonce}`);
        this.#world.coverage.met("body", "crash");
        process.crash();
        return new Promise<never>(() => undefined);
      },
    };
  }

  #once(attempt: string): void {
    if (this.#begun.has(attempt)) this.#world.report("attempts", `the body of ${attempt} began twice`);
    this.#begun.add(attempt);
  }

  async #step(process: Process, ctx: StageContext, as: "execute" | "check", ms: number): Promise<void> {
    const phase = as === "execute" ? "body" : "check";
    await process.lane.gate(`${phase} of ${ctx.stageId}`, ms > 0 ? ms : this.#world.latency());
    const fault = this.#world.strike(process, [phase]);
    switch (fault) {
      case "crash":
        process.crash();
        await new Promise<never>(() => undefined);
        break;
      case "pause":
        process.pause();
        await process.lane.gate("goes on");
        break;
      case "throw":
        throw new SimulatedError(attemptOf(ctx));
      case "hang":
        await new Promise<never>(() => undefined);
        break;
      case "cancel":
      case "rerun":
        this.#world.meddle(fault, ctx.runId, ctx.stageId, process);
        // Its end comes while the command is carried out, or after others have begun anew.
        await process.lane.gate("goes on", this.#world.random.below(1500));
        break;
      default:
    }
  }

  /** What a body is given is what was recorded, as long as it holds its lease. */
  #given(
    process: Process,
    spec: StageSpec,
    ctx: StageContext,
    as: "execute" | "check",
    state: unknown,
  ): void {
    const run = this.#world.model.runs.get(ctx.runId);
    const job = run?.jobs.get(ctx.stageId);
    const holds =
      job !== undefined &&
      job.epoch === epochOf(ctx) &&
      job.attempt === ctx.attempt &&
      job.worker !== null &&
      process.names.includes(job.worker) &&
      job.started === (as === "execute");
    if (run === undefined || !holds) {
      if (
        as === "execute" &&
        this.#world.witness.lifecycle.isCompleted(ctx.runId, ctx.stageId, epochOf(ctx)) &&
        !process.isExcused(0)
      ) {
        this.#world.report(
          "completed once",
          `the body of ${attemptOf(ctx)} began after its stage was completed`,
        );
      }
      return;
    }
    if (as === "execute" && run.head.status !== "RUNNING") {
      this.#world.report("running", `the body of ${attemptOf(ctx)} began, and its run is ${run.head.status}`);
    }
    const record = run.stages.get(ctx.stageId);
    if (job.resumes) {
      this.#same(record?.state ?? null, { state }, `the state of ${attemptOf(ctx)}`);
    } else if (state !== undefined) {
      this.#world.report("flow", `${attemptOf(ctx)} was given a state and is not resumed`);
    }
    if (spec.input === "none" || job.group === 0) return;
    const graph = this.#world.witness.graphOf(run);
    const previous = graph?.groups[job.group - 1] ?? [];
    const [only] = previous;
    if (previous.length === 1 && only !== undefined) {
      this.#same(run.stages.get(only)?.output ?? null, ctx.input, `the input of ${attemptOf(ctx)}`);
      return;
    }
    const input = ctx.input as Readonly<Record<string, unknown>>;
    for (const stageId of previous) {
      this.#same(
        run.stages.get(stageId)?.output ?? null,
        input[stageId],
        `the input ${stageId} of ${attemptOf(ctx)}`,
      );
    }
  }

  /** Compares by the nonces that bodies put into what they give. Large values stand in the blob store; their own nonce names the stage. */
  #same(payload: Payload | null, given: unknown, what: string): void {
    if (payload?.kind === "blob") {
      const by = nonceOf(given) ?? "";
      if (!by.includes(`/${payload.key.stageId}/${payload.key.epoch}/${payload.key.attempt}/`)) {
        this.#world.report(
          "flow",
          `${what} is ${by || "nothing"}, and its blob is that of attempt ${payload.key.attempt} of ${payload.key.stageId}`,
        );
      }
      return;
    }
    const wanted = payload === null ? undefined : nonceOf(payload.value);
    if (nonceOf(given) !== wanted) {
      this.#world.report(
        "flow",
        `${what} is ${nonceOf(given) ?? "nothing"}, and ${wanted ?? "nothing"} was recorded`,
      );
    }
  }

  /** What is recorded of an attempt is what its body did, and a stage fails by its own doing only. */
  committed(entry: Entry): void {
    for (const record of entry.stages ?? []) {
      if (entry.command === "job.execute" && entry.create === undefined)
        this.#recorded(entry, record as StageRecord);
      if (record.status === "FAILED") this.#code(record.stageId, record.error?.code, entry);
    }
    for (const event of entry.events) {
      if (event.type === "stage:retrying") this.#code(event.payload.stageId, event.payload.error.code, entry);
    }
  }

  #recorded(entry: Entry, record: StageRecord): void {
    if (record.status === "CANCELLED" || record.status === "FAILED") return;
    const attempt = `${entry.runId}/${record.stageId}/${record.epoch}/${record.attempt}`;
    const ending = this.#endings.get(attempt);
    const isChecked = this.#specs.get(record.stageId)?.behaviour.kind === "checked";
    // Completed by its check, in an entry that was folded with a sibling's.
    if (record.status === "COMPLETED" && isChecked && ending === "suspended") return;
    const wanted =
      record.status === "COMPLETED" ? "output" : record.status === "SKIPPED" ? "skipped" : "suspended";
    if (ending !== wanted) {
      this.#world.report(
        "outputs",
        `${attempt} was recorded as ${record.status}, and its body ${ending ?? "did not end"}`,
      );
    }
  }

  #code(stageId: string, code: string | undefined, entry: Entry): void {
    const spec = this.#specs.get(stageId);
    if (spec === undefined || (code !== undefined && codesOf(spec).has(code))) return;
    this.#world.report(
      "failures",
      `${entry.command} counted ${code ?? "nothing"} against stage ${stageId} (${spec.behaviour.kind}) of run ${entry.runId}`,
    );
  }
}

function epochOf(ctx: StageContext): number {
  return Number(ctx.idempotencyKey.slice(ctx.idempotencyKey.lastIndexOf("/") + 1));
}

function attemptOf(ctx: StageContext): string {
  return `${ctx.idempotencyKey}/${ctx.attempt}`;
}

/** The nonce in a flowing value, or in the state of one that suspended. */
function nonceOf(value: unknown): string | undefined {
  const flow = value as
    | { readonly by?: string; readonly state?: { readonly by?: string } }
    | null
    | undefined;
  return flow?.by ?? flow?.state?.by;
}
