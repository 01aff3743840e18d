import type { ErrorRecord, Graph } from "../model.ts";

/** A workflow that this kernel can start: its graph, and its schemas where this side has them. */
export interface RegisteredWorkflow {
  readonly graph: Graph;
  /** Parses the workflow's input. Absent where the caller has already parsed it. */
  readonly parseInput?: (input: unknown) => Promise<Parsed>;
  /** Parses config by stage id and fills in the schemas' defaults. */
  readonly parseConfig?: (config: Readonly<Record<string, unknown>>) => Promise<Parsed>;
}

/** A parsed value, or where it failed its schema. */
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: NonNullable<ErrorRecord["issues"]> };

/** The workflows that a kernel knows by id. */
export interface WorkflowRegistry {
  get(workflowId: string): RegisteredWorkflow | undefined;
  ids(): readonly string[];
}
