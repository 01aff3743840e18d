/** What a body is given, read from its task's payloads. Waits only where a payload stands in the blob store. */
import type { ResumedBy } from "../define/context.ts";
import { wantsObject } from "../define/fit.ts";
import type { Stage } from "../define/stage.ts";
import type { BlobKey, Payload } from "../model.ts";
import { copyValue } from "../ports/copy.ts";
import type { StageTask } from "../ports/executor.ts";
import { decodeInline, decodePayload, isInline } from "../ports/payload.ts";
import { EarlierOutputs } from "./outputs.ts";
import { type Suspended, suspendedOf } from "./suspension.ts";

/** Input and config not yet parsed, and the rest of what a context is made of. */
export interface Prepared {
  readonly input: unknown;
  readonly config: unknown;
  readonly outputs: EarlierOutputs;
  /** What the suspended body left, when it is resumed or asked about. */
  readonly suspended: Suspended | null;
  readonly resumedBy: ResumedBy | undefined;
}

type ReadBlob = (key: BlobKey) => Promise<Blob | null>;

/**
 * Reads a task's payloads.
 *
 * @throws BlobMissingError, CodecError (or rejects with them) where a payload can't be read
 */
export function prepare(task: StageTask, stage: Stage, readBlob: ReadBlob): Prepared | Promise<Prepared> {
  const absent = absentOf(task, stage);
  const config =
    needsConfig(task, stage) && !isInline(task.config) ? fetchedConfig(task.config, readBlob) : null;
  if (absent === null && config === null) return assemble(task, stage, read, valueOf(task.config));
  return fetched(task, stage, absent ?? [], config, readBlob);
}

/** The value of a payload that holds all of it, not copied. */
function valueOf(payload: Payload): unknown {
  return payload.kind === "value" ? payload.value : undefined;
}

/**
 * Configs that were fetched, by their payload, which all stages of a run share while a kernel remembers the run. A run of 10,000 stages would
 * otherwise read the config of all of them 10,000 times.
 */
const configs = new WeakMap<Payload, Promise<unknown>>();

function fetchedConfig(payload: Payload, readBlob: ReadBlob): Promise<unknown> {
  let config = configs.get(payload);
  if (config === undefined) {
    config = decodePayload(payload, readBlob);
    configs.set(payload, config);
    // A failure is this attempt's; the next one reads again.
    config.catch(() => configs.delete(payload));
  }
  return config;
}

function read(payload: Payload): unknown {
  if (isInline(payload)) return decodeInline(payload);
  throw new RangeError("a payload in the blob store was not fetched before it was read");
}

/** `ctx.require` can't wait, so what stands in the blob store is fetched before the body begins. */
async function fetched(
  task: StageTask,
  stage: Stage,
  absent: readonly Payload[],
  config: Promise<unknown> | null,
  readBlob: ReadBlob,
): Promise<Prepared> {
  const [all, ...values] = await Promise.all([
    config,
    ...absent.map((payload) => decodePayload(payload, readBlob)),
  ]);
  const known = new Map(absent.map((payload, index) => [payload, values[index]]));
  const readKnown = (payload: Payload): unknown =>
    known.has(payload) ? copyValue(known.get(payload)) : read(payload);
  return assemble(task, stage, readKnown, config === null ? valueOf(task.config) : all);
}

/** The payloads that must be fetched; null, the common case, costs no allocation. */
function absentOf(task: StageTask, stage: Stage): readonly Payload[] | null {
  let absent: Set<Payload> | null = null;
  const look = (payload: Payload | null | undefined): void => {
    if (payload == null || isInline(payload)) return;
    absent ??= new Set();
    absent.add(payload);
  };
  if (task.previousKind === null && takesInput(task, stage)) look(task.input);
  for (const payload of task.outputs.values()) look(payload);
  if (task.resume !== null) {
    look(task.resume.state);
    if (task.resume.wake.kind === "signal") look(task.resume.wake.payload);
  }
  return absent === null ? null : [...(absent as Set<Payload>)];
}

function assemble(
  task: StageTask,
  stage: Stage,
  read: (payload: Payload) => unknown,
  configs: unknown,
): Prepared {
  return {
    input: inputOf(task, stage, read),
    config: configOf(task, stage, configs),
    outputs: new EarlierOutputs(task, read),
    suspended: task.resume === null ? null : suspendedOf(read(task.resume.state)),
    resumedBy: task.resume === null ? undefined : wakeOf(task.resume.wake, read),
  };
}

function needsConfig(task: StageTask, stage: Stage): boolean {
  return stage.schemas.config !== null && task.ownConfig === undefined;
}

function takesInput(task: StageTask, stage: Stage): boolean {
  return stage.schemas.input !== "none" && task.stage.input !== "none";
}

/** The workflow's input; after `pipe` the one output before, after `parallel` the outputs by stage id. Skipped ones are absent. */
function inputOf(task: StageTask, stage: Stage, read: (payload: Payload) => unknown): unknown {
  if (!takesInput(task, stage)) return undefined;
  const { previous, outputs } = task;
  const [only] = previous;
  if (only === undefined) return read(task.input);
  if (task.previousKind === "pipe") {
    const payload = outputs.get(only);
    return payload == null ? undefined : read(payload);
  }
  const input: Record<string, unknown> = {};
  for (const id of previous) {
    const payload = outputs.get(id);
    if (payload != null) input[id] = read(payload);
  }
  return input;
}

/** The stage's part of the run's config; what a run has none for, because its schema is newer, is made of the schema's defaults. */
function configOf(task: StageTask, stage: Stage, all: unknown): unknown {
  const schema = stage.schemas.config;
  if (task.ownConfig !== undefined) return task.ownConfig.value;
  if (schema === null) return undefined;
  const own =
    typeof all === "object" && all !== null ? (all as Record<string, unknown>)[stage.id] : undefined;
  if (own === undefined) return wantsObject(schema) ? {} : undefined;
  // Only this stage's part is copied: a wide run's whole config in each of its stages would cost the square of its width.
  return copyValue(own);
}

function wakeOf(
  wake: NonNullable<StageTask["resume"]>["wake"],
  read: (payload: Payload) => unknown,
): ResumedBy {
  return wake.kind === "signal" ? { ...wake, payload: read(wake.payload) } : { kind: wake.kind };
}
