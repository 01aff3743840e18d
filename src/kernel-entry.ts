/**
 * `sluice/kernel`: the kernel's API, its ports and its errors, for those who assemble an engine themselves. It stands beside the kernel's
 * folder, because the defaults that `createKernel` fills in come from the runner, which the kernel doesn't know.
 */
export {
  BlobMissingError,
  CodecError,
  CommitUnknownError,
  DefinitionError,
  DeliveryTimeoutError,
  DuplicateSubscriberError,
  IdempotencyInProgressError,
  IdempotencyKeyReusedError,
  InvalidCommandError,
  InvalidOptionError,
  InvalidSuspensionError,
  type Issue,
  JobLeasedError,
  JobNotDueError,
  MissingOutputError,
  NonRetryableError,
  NotConnectedError,
  OutdatedError,
  PayloadError,
  QuarantinedError,
  RunCancelledError,
  RunFailedError,
  RunNotFoundError,
  RunNotSettledError,
  RunSettledError,
  RunStuckError,
  SchemaError,
  SluiceError,
  StageAbortedError,
  StageModuleError,
  StageTimeoutError,
  StaleVersionError,
  StoppedError,
  StorageFullError,
  StoreClosedError,
  TooLargeError,
  UnknownCommandError,
  UnknownStageError,
  UnknownWorkflowError,
  UnsupportedError,
  WaitTimeoutError,
} from "./errors.ts";
export {
  type Command,
  type ExecuteResult,
  type JobExecute,
  jobId,
  type LeaseReapStale,
  type OutboxFlush,
  type PluginReplayDlq,
  type Results,
  type RunCancel,
  type RunClaimPending,
  type RunCreate,
  type RunFork,
  type RunPurge,
  type RunReapStuck,
  type RunRerunFrom,
  type RunSignal,
  type RunTransition,
  type StagePollSuspended,
  type TransitionAction,
} from "./kernel/api.ts";
export type { KernelPorts } from "./kernel/core.ts";
export type { KernelPolicy, LeaseGrant } from "./kernel/decision.ts";
export type { HostPort, Kernel } from "./kernel/kernel.ts";
export * from "./model.ts";
export type { BlobStore } from "./ports/blob-store.ts";
export type { Clock } from "./ports/clock.ts";
export type { EventSink, Subscriber } from "./ports/event-sink.ts";
export type {
  AbortReason,
  CheckOutcome,
  Execution,
  Executor,
  PendingBlob,
  StageOutcome,
  StageTask,
  TaskObserver,
} from "./ports/executor.ts";
export type { Ids } from "./ports/ids.ts";
export type { Liveness } from "./ports/liveness.ts";
export type { Parsed, RegisteredWorkflow, WorkflowRegistry } from "./ports/registry.ts";
export type {
  Change,
  ChangeRecord,
  Claimed,
  Committed,
  Entry,
  JobTransport,
  LeaseRef,
  Loaded,
  LoadedRun,
  Page,
  Registration,
  Registry,
  RowChange,
  RunFilter,
  Scope,
  StorageReport,
  Store,
  Verdict,
} from "./ports/store.ts";
export { createKernel, DEFAULT_POLICY, type KernelOptions } from "./runner/create-kernel.ts";
export { createEventSink, type EventTarget } from "./runner/event-sink.ts";
export { type ExecutorOptions, inProcessExecutor } from "./runner/executor.ts";
export { randomIds, systemClock } from "./runner/platform.ts";
