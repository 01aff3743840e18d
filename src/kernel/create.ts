/** The flow of `run.create`: parse, encode and hash before, then one commit without a read. */
import { CommitUnknownError, SchemaError, StaleVersionError, UnknownWorkflowError } from "../errors.ts";
import type { Job, Payload } from "../model.ts";
import { payloadHash } from "./hash.ts";
import type { PendingBlob } from "../ports/executor.ts";
import { copyInline, encodePayload } from "../ports/payload.ts";
import type { RegisteredWorkflow } from "../ports/registry.ts";
import type { Results, RunCreate } from "./api.ts";
import { decideCreate, type NewRun } from "./commands/run-create.ts";
import type { Core } from "./core.ts";
import type { LeaseGrant } from "./decision.ts";
import { nextOf } from "./follow.ts";

/** Pseudo-stage under which a run's own payloads keep their blobs. */
const OWN = "$run";

/** Tries before a create gives up against a store that keeps losing answers. */
const MAX_TRIES = 5;

/** A created run, and the jobs that were leased with it. */
export interface Created {
  readonly result: Results["run.create"];
  readonly next: readonly Job[];
}

/**
 * Creates a run.
 * @param options.lease where a host has room and nobody waits: the first group is leased to it in the same commit
 * @param options.workflow what it is made by, instead of what the registry knows under its id
 * @param options.eager whether this kernel delivers the run's events as they are committed
 */
export async function createRun(
  core: Core,
  command: RunCreate,
  options: {
    readonly lease: LeaseGrant | null;
    readonly eager: boolean;
    readonly workflow?: RegisteredWorkflow | undefined;
  },
): Promise<Created> {
  const { registry, blobs, sink, name } = core.ports;
  const workflow = options.workflow ?? registry.get(command.workflowId);
  if (workflow === undefined) throw new UnknownWorkflowError(command.workflowId, registry.ids());
  const { idempotencyKey: key, input, config, priority = 0, annotations = {} } = command;
  return core.alone("run.create", key, async () => {
    // The value as it was sent: a schema's default that depends on time would make every repetition another payload.
    const hashed = (): Promise<string> =>
      payloadHash({ workflowId: command.workflowId, input, config: config ?? {}, priority, annotations });
    const parsed = await parse(workflow, command).catch((error: unknown) =>
      answered(core, command, hashed, error),
    );
    if ("workflowRunId" in parsed) return { result: parsed, next: [] };
    const hash = await hashed();
    const create = async (runId: string): Promise<Tried<Created>> => {
      const encoded = {
        input: encodeOwn(parsed.input, runId, "input"),
        // As it was given: a stage parses its own part, and a schema that transforms must not be given its own result.
        config: encodeOwn(config ?? {}, runId, "config"),
      };
      for (const blob of [...encoded.input.blobs, ...encoded.config.blobs])
        await blobs.put(blob.key, blob.data);
      const run: NewRun = {
        graph: core.intern(workflow.graph),
        body: { input: encoded.input.payload, config: encoded.config.payload },
        key,
        hash,
        priority,
        annotations: copyInline(annotations, "annotations") as RunCreate["annotations"] & object,
        deliverTo: options.eager ? sink.subscribers.map((subscriber) => subscriber.name) : [],
        holder: name,
      };
      const { entry, result } = decideCreate(run, await core.given(options.lease, runId));
      if (entry === null) return { won: runId, answer: { result: result(null), next: [] } };
      const { verdict } = await core.commit(entry);
      if (verdict.status === "committed")
        return { won: runId, answer: { result: result(verdict), next: nextOf(entry, verdict) } };
      if (verdict.status === "invalid") throw verdict.error;
      if (verdict.status === "stale") return null;
      const { record } = verdict;
      return {
        won: record.runId,
        answer: { result: core.replay<Results["run.create"]>(record, hash), next: [] },
      };
    };
    return inNewRun(core, "run.create", create);
  });
}

/** The run that has the command's key, and the command's answer; null where the entry turned out not to be in. */
export type Tried<R> = { readonly won: string; readonly answer: R } | null;

/**
 * Tries to insert a run, under another id each time. A new run has nothing to be stale against but a commit whose answer was lost; its run may
 * have been in, and have ended and been purged since, and its leases' tokens must not begin anew under the same id. The key tells the two apart
 * where both get in. What was stored for runs that came to nothing is removed, unless nobody knows whether they did.
 *
 * @throws StaleVersionError where the store keeps losing answers
 */
export async function inNewRun<R>(
  core: Core,
  command: string,
  insert: (runId: string) => Promise<Tried<R>>,
): Promise<R> {
  const { ids, blobs } = core.ports;
  const tried: string[] = [];
  let won: string | null = null;
  let isKnown = true;
  try {
    while (tried.length < MAX_TRIES) {
      const runId = ids.runId();
      tried.push(runId);
      const done = await insert(runId);
      if (done === null) continue;
      won = done.won;
      return done.answer;
    }
    throw new StaleVersionError(command, tried[0] ?? "", "run", MAX_TRIES);
  } catch (error) {
    isKnown = !(error instanceof CommitUnknownError);
    throw error;
  } finally {
    for (const runId of isKnown ? tried : [])
      if (runId !== won) await blobs.remove(runId).catch(() => undefined);
  }
}

/**
 * What the first command with this key was answered, where the same payload doesn't fit any more because the schema has changed since; otherwise
 * the error of the parse.
 */
async function answered(
  core: Core,
  command: RunCreate,
  hashed: () => Promise<string>,
  error: unknown,
): Promise<Results["run.create"]> {
  const key = { type: command.type, key: command.idempotencyKey };
  // No run has this id: only the key is asked for.
  const { key: record } = await core.ports.store.load({ of: "run", runId: "", key });
  // A value that can't even be hashed was never accepted.
  const hash = record === null ? null : await hashed().catch(() => null);
  if (record === null || record.hash !== hash) throw error;
  return core.replay<Results["run.create"]>(record, hash);
}

async function parse(workflow: RegisteredWorkflow, command: RunCreate): Promise<{ readonly input: unknown }> {
  const { parseInput, parseConfig, graph } = workflow;
  const input =
    parseInput === undefined ? { ok: true as const, value: command.input } : await parseInput(command.input);
  if (!input.ok) throw new SchemaError("workflow input", graph.workflowId, input.issues);
  const config = await parseConfig?.(command.config ?? {});
  if (config?.ok === false) throw new SchemaError("stage config", graph.workflowId, config.issues);
  return { input: input.value };
}

/**
 * A payload of the run itself, its blobs under the run's own name.
 * @param what how errors name it
 * @param blobName under which its blobs are told from those of the run's other payloads
 */
export function encodeOwn(
  value: unknown,
  runId: string,
  what: string,
  blobName = what,
): { readonly payload: Payload; readonly blobs: readonly PendingBlob[] } {
  return encodePayload(value, {
    path: what,
    key: (name) => ({ runId, epoch: 0, stageId: OWN, attempt: 0, name: `${blobName}.${name}` }),
  });
}
