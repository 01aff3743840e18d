import { DefinitionError, describe, type Issue } from "../errors.ts";
import type { Parsed, RegisteredWorkflow, WorkflowRegistry } from "../ports/registry.ts";
import { wantsObject } from "./fit.ts";
import { formatPath, parseQuick, type Schema } from "./schema.ts";
import type { Workflow } from "./workflow.ts";

/**
 * The workflows as a kernel wants them: graphs by id, with their schemas' parsing.
 *
 * @throws DefinitionError for two workflows of one id, or for what `build()` didn't make
 */
export function toRegistry(workflows: readonly Workflow[]): WorkflowRegistry {
  const byId = new Map<string, RegisteredWorkflow>();
  for (const workflow of workflows) {
    if (typeof workflow?.graph?.hash !== "string") {
      throw new DefinitionError(
        `a registry takes workflows made by build(), got ${describe(workflow)}${"build" in Object(workflow) ? "; call build() first" : ""}`,
      );
    }
    if (byId.has(workflow.id)) {
      throw new DefinitionError(`two workflows have the id ${JSON.stringify(workflow.id)}; ids must differ`);
    }
    byId.set(workflow.id, registered(workflow));
  }
  const ids = Object.freeze([...byId.keys()]);
  return { get: (workflowId) => byId.get(workflowId), ids: () => ids };
}

function registered(workflow: Workflow): RegisteredWorkflow {
  const schemas = new Map<string, Schema>();
  for (const [id, stage] of workflow.stages) {
    if (stage.schemas.config !== null) schemas.set(id, stage.schemas.config);
  }
  return {
    graph: workflow.graph,
    parseInput: async (input) => parseQuick(workflow.input, input),
    parseConfig: (config) => parseConfig(workflow, schemas, config),
  };
}

/**
 * Parses a run's config by stage id. The answer has an entry for each stage with a config schema: what the schema makes of what
 * is given, or, where nothing is, of an empty object (of undefined, where the schema takes no object or has a default of its own).
 */
async function parseConfig(
  workflow: Workflow,
  schemas: ReadonlyMap<string, Schema>,
  config: unknown,
): Promise<Parsed> {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    return failed([
      { path: "", message: `expected an object of configs by stage id, got ${describe(config)}` },
    ]);
  }
  const given = config as Readonly<Record<string, unknown>>;
  const issues: Issue[] = [];
  for (const id of Object.keys(given)) {
    if (given[id] !== undefined) issues.push(...strayConfig(workflow, schemas, id, given[id]));
  }
  const parsed: [string, unknown][] = [];
  for (const [id, schema] of schemas) {
    const own = Object.hasOwn(given, id) ? given[id] : undefined;
    const value = own === undefined && wantsObject(schema) ? {} : own;
    const parsing = parseQuick(schema, value, [id]);
    const result = parsing instanceof Promise ? await parsing : parsing;
    if (result.ok) parsed.push([id, result.value]);
    else issues.push(...result.issues);
  }
  return issues.length > 0 ? failed(issues) : { ok: true, value: Object.fromEntries(parsed) };
}

/** Config that no stage reads is a mistake, most likely a misspelt id; only `{}` is let pass for a stage without a schema. */
function strayConfig(
  workflow: Workflow,
  schemas: ReadonlyMap<string, Schema>,
  id: string,
  value: unknown,
): readonly Issue[] {
  if (schemas.has(id)) return [];
  const path = formatPath([id]);
  if (!workflow.stages.has(id)) {
    const known = [...schemas.keys()].slice(0, 20).join(", ");
    const hint = known === "" ? "none of its stages has config" : `stages with config: ${known}`;
    return [{ path, message: `workflow ${JSON.stringify(workflow.id)} has no such stage; ${hint}` }];
  }
  const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return empty ? [] : [{ path, message: "this stage has no config schema, so it takes none" }];
}

function failed(issues: readonly Issue[]): Parsed {
  return { ok: false, issues };
}
