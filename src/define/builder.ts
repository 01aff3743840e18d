import { DefinitionError, describe } from "../errors.ts";
import { compile, type Step } from "./compile.ts";
import type { Show } from "./dependencies.ts";
import type { Acceptable, Fit, FitAll, StageId, StageOutput, Started } from "./misfit.ts";
import type { Schema } from "./schema.ts";
import type { Stage } from "./stage.ts";
import type { Workflow } from "./workflow.ts";

/** What {@link defineWorkflow} takes. */
export interface WorkflowDefinition<Input, Parsed, Output = never, Accepts = unknown> {
  /** Unique among the workflows of an engine: 1 to 128 of `A-Z a-z 0-9 . _ : -`. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly description?: string | undefined;
  /** What a run is started with. */
  readonly input: Schema<Parsed, Input>;
  /** What the last output must fit; without it the workflow's output is the last output. */
  readonly output?: Schema<Output, Accepts> | undefined;
}

/** The steps so far, latest first: a builder shares its tail with the builders made from the same base. */
interface Chain {
  readonly step: Step;
  readonly before: Chain | null;
}

/** The output of a group: an object by stage id; of an array that is no tuple, whose ids are known at run-time only, a record. */
type GroupOutput<Stages extends readonly Stage[]> = number extends Stages["length"]
  ? Record<string, StageOutput<Stages[number]>>
  : Show<{ [S in Stages[number] as StageId<S>]: StageOutput<S> }>;

type GroupIds<Stages extends readonly Stage[]> = number extends Stages["length"]
  ? string
  : StageId<Stages[number]>;

/**
 * Composes stages to a workflow. Immutable: each call gives a new builder, and a base may be continued more than once.
 *
 * @typeParam Input what a run is started with
 * @typeParam Current what the next stage is given
 * @typeParam Ids the ids of the stages so far
 * @typeParam Output what the output schema gives; never where there is none
 * @typeParam Accepts what the output schema accepts
 */
export class WorkflowBuilder<
  Input = unknown,
  Current = unknown,
  Ids extends string = never,
  Output = never,
  Accepts = unknown,
> {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly #input: Schema<Current, Input>;
  readonly #output: Schema<Output, Accepts> | undefined;
  #chain: Chain | null = null;

  /** The same as {@link defineWorkflow}, by position. */
  constructor(
    id: string,
    name: string,
    description: string | undefined,
    inputSchema: Schema<Current, Input>,
    outputSchema?: Schema<Output, Accepts>,
  ) {
    this.id = id;
    this.name = name;
    this.description = description;
    this.#input = inputSchema;
    this.#output = outputSchema;
  }

  /** Adds a stage that starts when all before it are settled. It is given the output of the step before. */
  pipe<S extends Stage>(
    stage: S & Fit<S, Current, Ids>,
  ): WorkflowBuilder<Input, StageOutput<S>, Ids | StageId<S>, Output, Accepts> {
    return this.#add({ kind: "pipe", stage });
  }

  /**
   * Adds stages that may run at the same time, each given the output of the step before. The step after
   * them is given an object of their outputs by stage id.
   */
  parallel<const Stages extends readonly Stage[]>(
    stages: Stages & FitAll<Stages, Current, Ids>,
  ): WorkflowBuilder<Input, GroupOutput<Stages>, Ids | GroupIds<Stages>, Output, Accepts> {
    return this.#add({ kind: "parallel", stages: Array.isArray(stages) ? [...stages] : stages });
  }

  /**
   * Checks the whole and compiles it to a graph.
   *
   * @throws DefinitionError what is wrong, with which stage, and what was expected
   */
  build(
    this: WorkflowBuilder<Input, Acceptable<Accepts>, Ids, Output, Accepts> & Started<Ids>,
  ): Workflow<Input, [Output] extends [never] ? Current : Output> {
    const steps: Step[] = [];
    for (let chain = this.#chain; chain !== null; chain = chain.before) steps.push(chain.step);
    const workflow: Workflow = compile({
      id: this.id,
      name: this.name,
      description: this.description,
      input: this.#input,
      output: this.#output,
      steps: steps.toReversed(),
    });
    return workflow as Workflow<Input, [Output] extends [never] ? Current : Output>;
  }

  #add<Next, NextIds extends string>(step: Step): WorkflowBuilder<Input, Next, NextIds, Output, Accepts> {
    // The schema stays the workflow's; `Next` is only what the compiler is told of the step just added.
    const input = this.#input as Schema<unknown, Input> as Schema<Next, Input>;
    const next = new WorkflowBuilder<Input, Next, NextIds, Output, Accepts>(
      this.id,
      this.name,
      this.description,
      input,
      this.#output,
    );
    next.#chain = { step, before: this.#chain };
    return next;
  }
}

/** A builder of which nothing is known to the compiler: to compose stages that are known at run-time only. */
export type AnyWorkflowBuilder = WorkflowBuilder<unknown, unknown, string, unknown>;

/**
 * Begins a workflow.
 *
 * @example
 * const pipeline = defineWorkflow({ id: "doc-processor", name: "Document processor", input: Input })
 *   .pipe(extract)
 *   .parallel([sentiment, keywords])
 *   .pipe(aggregate)
 *   .build();
 *
 * @throws DefinitionError when what is given is no object; all else is checked by `build()`
 */
export function defineWorkflow<Input, Parsed, Output = never, Accepts = unknown>(
  definition: WorkflowDefinition<Input, Parsed, Output, Accepts>,
): WorkflowBuilder<Input, Parsed, never, Output, Accepts> {
  if (typeof definition !== "object" || definition === null) {
    throw new DefinitionError(`defineWorkflow takes an object, got ${describe(definition)}`);
  }
  const { id, name, description, input, output } = definition;
  return new WorkflowBuilder(id, name, description, input, output);
}
