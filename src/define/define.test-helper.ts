import * as z from "zod";
import type { Schema } from "./schema.ts";
import { defineStage, type Stage } from "./stage.ts";

/** A stage of which the compiler knows nothing, so that tests can compose what typed code can't. */
export function anyStage(id: string, changes: Partial<Record<keyof Stage, unknown>> = {}): Stage {
  const stage = defineStage({
    id,
    name: `Stage ${id}`,
    schemas: { input: z.unknown(), output: z.unknown() },
    execute: () => ({ output: null }),
  });
  return { ...stage, ...changes } as Stage;
}

/** The same with schemas. */
export function stageOf(id: string, input: Schema | "none", output: Schema): Stage {
  return anyStage(id, { schemas: { input, output, config: null } });
}
