import type { Graph } from "../model.ts";
import type { Schema } from "./schema.ts";
import type { Stage } from "./stage.ts";

/**
 * A compiled workflow: its graph as data, with the code and schemas that stay on this side. Immutable.
 *
 * @typeParam Input what a run is started with
 * @typeParam Output what a completed run gives
 */
export interface Workflow<Input = unknown, Output = unknown> {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly graph: Graph;
  /** Parses what a run is started with. */
  readonly input: Schema<unknown, Input>;
  /** Parses the last output, when the run ends; null where none is declared. */
  readonly output: Schema<Output> | null;
  /** Its stages by id, in order. */
  readonly stages: ReadonlyMap<string, Stage>;
}
