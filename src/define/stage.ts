import { DefinitionError, describe } from "../errors.ts";
import type { Backoff, StagePolicy } from "../model.ts";
import type { StageContext } from "./context.ts";
import type { AllEarlier, Dependency, NeedsOf, OutputsOf } from "./dependencies.ts";
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";

/** Marks what `defineStage` made. Registered, so that stages made by another copy of the package are known too. */
const mark = Symbol.for("sluice.stage");

/**
 * A unit of user code with its schemas and bounds, made by {@link defineStage}. Immutable; any number of workflows may use it.
 *
 * @typeParam Input what it accepts; unknown with `input: "none"`
 * @typeParam Output what later stages get from it
 * @typeParam Config the config that a run may be started with
 * @typeParam Needs the ids of the stages that must come before it
 */
export interface Stage<
  Id extends string = string,
  Input = unknown,
  Output = unknown,
  Config = unknown,
  Needs extends string = string,
> {
  readonly id: Id;
  readonly name: string;
  readonly description: string | undefined;
  readonly schemas: {
    readonly input: Schema<unknown, Input> | "none";
    readonly output: Schema<Output>;
    readonly config: Schema<unknown, Config> | null;
  };
  /** The stages whose outputs it may read, or null for all earlier ones. */
  readonly dependencies: readonly Needs[] | null;
  readonly policy: StagePolicy;
  /** Whoever calls it passes input and config that are parsed, and parses the output. */
  readonly execute: (ctx: StageContext) => StageResult | Promise<StageResult>;
  readonly checkCompletion:
    | ((state: unknown, ctx: StageContext) => CompletionCheck | Promise<CompletionCheck>)
    | undefined;
}

/** What a body returns: its output, that it skips itself, or that it waits. */
export type StageResult<Output = unknown> =
  | { readonly output: Output; readonly skipped?: never; readonly suspended?: never }
  | {
      readonly skipped: true;
      readonly reason?: string | undefined;
      readonly output?: never;
      readonly suspended?: never;
    }
  | {
      readonly suspended: true;
      /** What `checkCompletion` and the resumed body get back. A payload value. */
      readonly state: unknown;
      /** The name of the signal to wait for. */
      readonly signal?: string | undefined;
      readonly pollConfig?: PollConfig | undefined;
      readonly output?: never;
      readonly skipped?: never;
    };

/** When a suspended stage is checked, or resumed where it has no `checkCompletion`. */
export interface PollConfig {
  /** Milliseconds from now, and between checks. */
  readonly pollInterval?: number | undefined;
  /** The first instant; afterwards `pollInterval` counts. */
  readonly nextPollAt?: Date | undefined;
  /** Milliseconds after which the stage fails with `WaitTimeoutError`. */
  readonly maxWaitTime?: number | undefined;
}

/** What `checkCompletion` returns. */
export interface CompletionCheck<Output = unknown> {
  /** With an output the stage is completed; without one its body is resumed with `ctx.resumeState`. */
  readonly ready: boolean;
  readonly output?: Output | undefined;
  /** Fails the stage with this message. */
  readonly error?: string | undefined;
  /** Milliseconds to the next check, instead of the `pollInterval`. */
  readonly nextCheckIn?: number | undefined;
}

/** What {@link defineStage} takes. */
export interface StageDefinition<
  Id extends string,
  Input extends Schema | "none",
  Output extends Schema,
  Config extends Schema,
  Dependencies extends readonly Dependency[],
> {
  /** Unique in its workflow: 1 to 128 of `A-Z a-z 0-9 . _ : -`. Runs in flight find their code by it: keep it over deploys. */
  readonly id: Id;
  /** For people. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly schemas: {
    /** `"none"` for a stage that takes nothing from what comes before it. */
    readonly input: Input;
    readonly output: Output;
    readonly config?: Config | undefined;
  };
  /**
   * The earlier stages whose outputs it reads, as stages (`ctx.require` is typed by them) or as ids; only those are
   * loaded. Without it every earlier output is.
   */
  readonly dependencies?: Dependencies | undefined;
  readonly retry?: RetryOptions | undefined;
  /** The longest that one attempt may take, in milliseconds; no limit by default. */
  readonly timeoutMs?: number | undefined;
  /** The work. Called again after an error or a crash, so outside effects should carry `ctx.idempotencyKey`. */
  execute(
    this: void,
    ctx: StageContext<InputOf<Input>, SchemaOutput<Config>, OutputsOf<Dependencies>>,
  ): StageResult<SchemaInput<Output>> | Promise<StageResult<SchemaInput<Output>>>;
  /** Asks whether what a suspended body waits for is complete. */
  checkCompletion?(
    this: void,
    state: unknown,
    ctx: StageContext<InputOf<Input>, SchemaOutput<Config>, OutputsOf<Dependencies>>,
  ): CompletionCheck<SchemaInput<Output>> | Promise<CompletionCheck<SchemaInput<Output>>>;
}

/** How often a stage is tried. */
export interface RetryOptions {
  /** Executions of a body that throws: 1 to 1000, 3 by default. */
  readonly maxAttempts?: number | undefined;
  /** Executions whose worker died under the body: 1 to 1000, 5 by default. */
  readonly maxCrashes?: number | undefined;
  /** The wait between attempts: 1 s, doubled each time up to 60 s, of which chance takes off up to half, by default. */
  readonly backoff?: { readonly [K in keyof Backoff]?: Backoff[K] | undefined } | undefined;
}

type InputOf<Input extends Schema | "none"> = Input extends Schema ? SchemaOutput<Input> : undefined;
type Accepted<Input extends Schema | "none"> = Input extends Schema ? SchemaInput<Input> : unknown;

/** The schema of a stage that has no config: any run's config for it is refused, and `ctx.config` is `{}`. */
export type NoConfig = Schema<Record<string, never>, Record<string, never>>;

/**
 * Defines a stage. Its bounds and ids are checked when a workflow is built of it.
 *
 * @example
 * const extract = defineStage({
 *   id: "extract-text",
 *   name: "Extract text",
 *   schemas: { input: z.object({ file: z.instanceof(Blob) }), output: z.object({ text: z.string() }) },
 *   async execute(ctx) {
 *     return { output: { text: await ctx.input.file.text() } };
 *   },
 * });
 *
 * @throws DefinitionError when no stage can be made of what is given
 */
export function defineStage<
  const Id extends string,
  Input extends Schema | "none",
  Output extends Schema,
  Config extends Schema = NoConfig,
  const Dependencies extends readonly Dependency[] = AllEarlier,
>(
  definition: StageDefinition<Id, Input, Output, Config, Dependencies>,
): Stage<Id, Accepted<Input>, SchemaOutput<Output>, SchemaInput<Config>, NeedsOf<Dependencies>> {
  const given = object(definition, "defineStage takes an object", null) as typeof definition;
  const id = given.id;
  const schemas = object(
    given.schemas,
    "schemas must be an object of zod schemas",
    id,
  ) as typeof given.schemas;
  const stage = {
    [mark]: true,
    id,
    name: given.name,
    description: given.description,
    schemas: Object.freeze({
      input: schemas.input,
      output: schemas.output,
      config: schemas.config ?? null,
    }),
    dependencies: dependencyIds(given.dependencies),
    policy: policyOf(given, id),
    execute: given.execute,
    checkCompletion: given.checkCompletion,
  };
  // The context's type is widened: whoever calls `execute` has parsed input and config by these very schemas.
  return Object.freeze(stage) as unknown as ReturnType<
    typeof defineStage<Id, Input, Output, Config, Dependencies>
  >;
}

/** Whether something was made by `defineStage`. Says nothing about whether it is a stage that can work. */
export function isStage(value: unknown): value is Stage {
  return typeof value === "object" && value !== null && mark in value;
}

/** What isn't an array, and what isn't a stage in it, is kept: `build()` refuses it by name. */
function dependencyIds(dependencies: readonly Dependency[] | undefined): readonly string[] | null {
  if (dependencies === undefined) return null;
  if (!Array.isArray(dependencies)) return dependencies as readonly never[];
  const ids = dependencies.map((dependency: Dependency) =>
    isStage(dependency) ? dependency.id : dependency,
  );
  return Object.freeze([...new Set(ids)]);
}

/** The bounds with their defaults. Numbers out of range are kept: `build()` refuses them. */
function policyOf(given: { retry?: unknown; timeoutMs?: number | undefined }, id: string): StagePolicy {
  const retry = object(given.retry ?? {}, "retry must be an object", id) as RetryOptions;
  const backoff = object(retry.backoff ?? {}, "retry.backoff must be an object", id) as Partial<Backoff>;
  // A bound given alone moves the other one's default: `initialMs: 120_000` must not be cut to 60 s, nor the reverse refused.
  const initialMs = backoff.initialMs ?? Math.min(1000, backoff.maxMs ?? 1000);
  return Object.freeze({
    backoff: Object.freeze({
      factor: backoff.factor ?? 2,
      initialMs,
      jitter: backoff.jitter ?? 0.5,
      maxMs: backoff.maxMs ?? Math.max(60_000, initialMs),
    }),
    maxAttempts: retry.maxAttempts ?? 3,
    maxCrashes: retry.maxCrashes ?? 5,
    timeoutMs: given.timeoutMs ?? null,
  });
}

function object(value: unknown, expected: string, stageId: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  const of = typeof stageId === "string" ? stageId : null;
  throw new DefinitionError(
    `${of === null ? "" : `stage ${JSON.stringify(of)}: `}${expected}, got ${describe(value)}`,
    of,
  );
}
