export {
  type AnyWorkflowBuilder,
  defineWorkflow,
  WorkflowBuilder,
  type WorkflowDefinition,
} from "./builder.ts";
export type {
  ArtifactOptions,
  ArtifactStorage,
  ProgressReport,
  ResumedBy,
  StageContext,
} from "./context.ts";
export type { AllEarlier, Dependency, NeedsOf, OutputsOf } from "./dependencies.ts";
export type { Fit, FitAll, Misfit, StageId, StageInput, StageOutput } from "./misfit.ts";
export { definePlugin, type EventOf, type Plugin, type PluginHandlers, toSubscriber } from "./plugin.ts";
export { toRegistry } from "./registry.ts";
export {
  formatPath,
  isSchema,
  parse,
  type Schema,
  type SchemaInput,
  type SchemaOutput,
  type SchemaResult,
} from "./schema.ts";
export {
  type CompletionCheck,
  defineStage,
  isStage,
  type NoConfig,
  type PollConfig,
  type RetryOptions,
  type Stage,
  type StageDefinition,
  type StageResult,
} from "./stage.ts";
export type { Workflow } from "./workflow.ts";
