/** `sluice/stages`: what the embedder's module of stages calls, in the workers that their page starts from it. */
import type { Workflow } from "../../define/workflow.ts";
import { platformLocks } from "./pool/locks.ts";
import { type ServeStagesOptions, serveStagesIn, type StageScope } from "./pool/serve-stages.ts";

export type { ServeStagesOptions } from "./pool/serve-stages.ts";

/**
 * Executes the stages of these workflows in this worker, for the page that started it and for the other tabs of its database.
 *
 * A worker executes many stages at once, so a body that computes for long holds up its neighbours: one that takes more than some
 * 50 ms at a stretch should let others have a turn.
 *
 * @example
 * // stages.ts, which the page starts by `connectEngine({ stages: () => new Worker(new URL("./stages.ts", import.meta.url), { type: "module" }), … })`
 * serveStages([pipeline]);
 *
 * @throws InvalidOptionError; DefinitionError for two workflows of one id, when it is called twice, or in a page
 */
export function serveStages(workflows: readonly Workflow[], options: ServeStagesOptions = {}): void {
  serveStagesIn(globalThis as unknown as StageScope, platformLocks(), workflows, options);
}
