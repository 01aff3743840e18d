/** From the steps of a builder to a graph: everything that can be wrong with a workflow is said here. */
import { DefinitionError, describe } from "../errors.ts";
import type { Graph, GroupKind, StageNode, StagePolicy } from "../model.ts";
import { type Given, misfit } from "./fit.ts";
import { graphHash } from "./hash.ts";
import * as rules from "./rules.ts";
import type { Schema } from "./schema.ts";
import type { Stage } from "./stage.ts";
import type { Workflow } from "./workflow.ts";

/** What a builder collected. Nothing in it has been checked. */
export interface Blueprint {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly input: Schema;
  readonly output: Schema | undefined;
  readonly steps: readonly Step[];
}

/** One call of `pipe` or `parallel`: one execution group. */
export type Step =
  | { readonly kind: "pipe"; readonly stage: Stage }
  | { readonly kind: "parallel"; readonly stages: readonly Stage[] };

/** What the next step is given, and whose output it is, for messages. */
interface Before {
  readonly given: Given;
  readonly by: string;
}

/** @throws DefinitionError the first thing that is wrong, with which stage, and what was expected */
export function compile(blueprint: Blueprint): Workflow {
  const where = checkWorkflow(blueprint);
  const nodes: StageNode[] = [];
  const groups: (readonly string[])[] = [];
  const kinds: GroupKind[] = [];
  const stages = new Map<string, Stage>();
  let before: Before = {
    given: { of: "schema", schema: blueprint.input },
    by: "the workflow's input",
  };
  for (const [group, step] of blueprint.steps.entries()) {
    const members = membersOf(step, where);
    const fits = fitter(before);
    const ids = new Set<string>();
    for (const stage of members) {
      rules.checkStage(stage, `${where}: ${step.kind}`);
      checkPlace(stage, where, stages, ids);
      const problem = fits(stage);
      if (problem !== null) {
        throw new DefinitionError(
          `${where}: the input of stage ${quote(stage.id)} doesn't fit ${before.by}: ${problem}`,
          stage.id,
        );
      }
      ids.add(stage.id);
      nodes.push(nodeOf(stage, group));
    }
    for (const stage of members) stages.set(stage.id, stage);
    groups.push(Object.freeze([...ids]));
    kinds.push(step.kind);
    before = after(step, members);
  }
  checkOutput(blueprint, where, before);
  const described = blueprint.description === undefined ? {} : { description: blueprint.description };
  const names = { name: blueprint.name, ...described };
  const data = {
    workflowId: blueprint.id,
    ...names,
    stages: Object.freeze(nodes),
    groups: Object.freeze(groups),
    kinds: Object.freeze(kinds),
  };
  const graph: Graph = Object.freeze({ hash: graphHash(data), ...data });
  return Object.freeze({
    id: blueprint.id,
    ...names,
    graph,
    input: blueprint.input,
    output: blueprint.output ?? null,
    stages,
  });
}

function checkWorkflow({ id, name, description, input, output, steps }: Blueprint): string {
  rules.checkId(id, "a workflow's id");
  const where = `workflow ${quote(id)}`;
  rules.check(name, rules.text, `${where}: its name`);
  rules.check(description, rules.description, `${where}: its description`);
  rules.check(input, rules.schema, `${where}: its input`);
  rules.check(output, rules.optionalSchema, `${where}: its output`);
  if (steps.length === 0) {
    throw new DefinitionError(`${where} has no stages; add one with pipe, or several with parallel`);
  }
  return where;
}

function membersOf(step: Step, where: string): readonly Stage[] {
  if (step.kind === "pipe") return [step.stage];
  if (!Array.isArray(step.stages)) {
    throw new DefinitionError(`${where}: parallel takes an array of stages, got ${describe(step.stages)}`);
  }
  if (step.stages.length === 0)
    throw new DefinitionError(`${where}: parallel takes one stage or more, got none`);
  return step.stages;
}

/** The stage's id must be new, and what it depends on must be in an earlier group. */
function checkPlace(
  stage: Stage,
  where: string,
  earlier: ReadonlyMap<string, Stage>,
  siblings: ReadonlySet<string>,
): void {
  const { id, dependencies } = stage;
  if (earlier.has(id) || siblings.has(id)) {
    throw new DefinitionError(
      `${where}: stage ${quote(id)} is in it twice; every stage needs an id of its own`,
      id,
    );
  }
  for (const dependency of dependencies ?? []) {
    if (earlier.has(dependency)) continue;
    throw new DefinitionError(
      `${where}: stage ${quote(id)} depends on ${quote(dependency)}, which is not before it; ` +
        `expected ${earlier.size === 0 ? "none, for it is in the first group" : `one of ${some([...earlier.keys()])}`}`,
      id,
    );
  }
}

/** Compares inputs with what is given, once for each schema: the stages of a wide group often share one. */
function fitter({ given }: Before): (stage: Stage) => string | null {
  const known = new Map<Schema, string | null>();
  return ({ schemas: { input } }) => {
    if (input === "none") return null;
    let problem = known.get(input);
    if (problem === undefined) {
      problem = misfit(given, input);
      known.set(input, problem);
    }
    return problem;
  };
}

function after(step: Step, members: readonly Stage[]): Before {
  if (step.kind === "pipe") {
    return {
      given: { of: "schema", schema: step.stage.schemas.output },
      by: `the output of stage ${quote(step.stage.id)}`,
    };
  }
  return {
    given: { of: "group", outputs: new Map(members.map((stage) => [stage.id, stage.schemas.output])) },
    by: `the outputs, by stage id, of the parallel stages ${some(members.map((stage) => stage.id))}`,
  };
}

function checkOutput({ output }: Blueprint, where: string, last: Before): void {
  const problem = output === undefined ? null : misfit(last.given, output);
  if (problem !== null) {
    throw new DefinitionError(`${where}: its output schema doesn't fit ${last.by}: ${problem}`);
  }
}

/** Keys in the order of the canonical encoding, which then needn't sort them: a tenth of the time of a wide graph. */
function nodeOf(stage: Stage, group: number): StageNode {
  return Object.freeze({
    checks: stage.checkCompletion !== undefined,
    dependencies: frozenIds(stage.dependencies),
    ...(stage.description === undefined ? {} : { description: stage.description }),
    group,
    id: stage.id,
    input: stage.schemas.input === "none" ? ("none" as const) : ("previous" as const),
    name: stage.name,
    policy: frozenPolicy(stage.policy),
  });
}

/** Shared where `defineStage` froze them, which saves a wide graph most of its objects; copied where a stage was put together by hand. */
function frozenIds(ids: readonly string[] | null): readonly string[] | null {
  return ids === null || Object.isFrozen(ids) ? ids : Object.freeze([...ids]);
}

function frozenPolicy(policy: StagePolicy): StagePolicy {
  if (Object.isFrozen(policy) && Object.isFrozen(policy.backoff)) return policy;
  return Object.freeze({ ...policy, backoff: Object.freeze({ ...policy.backoff }) });
}

function some(ids: readonly string[]): string {
  const shown = ids.slice(0, 10).map(quote).join(", ");
  return ids.length > 10 ? `${shown} and ${ids.length - 10} more` : shown;
}

function quote(id: string): string {
  return JSON.stringify(id);
}
