/** The flow of `run.fork`: copies what the fork will point to, and decides from the very read that said what that is. */
import { BlobMissingError, RunNotFoundError, SchemaError, UnknownWorkflowError } from "../errors.ts";
import type { BlobKey } from "../model.ts";
import { blobPath, type LoadedRun } from "../ports/store.ts";
import type { Results, RunFork } from "./api.ts";
import { blobsOfFork, decideFork, forkedKey, scopeFork } from "./commands/run-fork.ts";
import type { Core } from "./core.ts";
import { encodeOwn, inNewRun } from "./create.ts";
import { payloadHash } from "./hash.ts";

/** Forks a run. */
export async function forkRun(core: Core, command: RunFork): Promise<Results["run.fork"]> {
  const { ids, blobs, store } = core.ports;
  const { workflowRunId, fromStageId, idempotencyKey } = command;
  const hash =
    idempotencyKey === undefined
      ? ""
      : await payloadHash({ workflowRunId, fromStageId, config: command.config });
  // One read for blobs and decision: a rerun in between would leave the fork with records of one epoch and blobs of another.
  const loaded = await store.load(scopeFork(command));
  if (loaded.key !== null) return core.replay<Results["run.fork"]>(loaded.key, hash);
  const [source] = loaded.runs;
  if (source === undefined) throw new RunNotFoundError(workflowRunId);
  // Without a key of the caller's it has one of its own, so that it is one run however often its commit is tried.
  const keyed = { ...command, idempotencyKey: idempotencyKey ?? ids.runId() };
  return inNewRun(core, command.type, async (runId) => {
    const config = await configOf(core, command, source, runId);
    // Refused before anything is copied.
    decideFork(keyed, hash, config, loaded, await core.given(null, runId));
    // Copies, written before the run that points to them: then either run can be purged without the other.
    for (const from of blobsOfFork(source, fromStageId, config === null)) {
      const blob = await blobs.get(from);
      if (blob === null) throw await goneOf(core, workflowRunId, from);
      await blobs.put(forkedKey(from, runId), blob);
    }
    const { entry, result } = decideFork(keyed, hash, config, loaded, await core.given(null, runId));
    if (entry === null) return { won: runId, answer: result(null) };
    const { verdict } = await core.commit(entry);
    if (verdict.status === "committed") return { won: runId, answer: result(verdict) };
    if (verdict.status === "invalid") throw verdict.error;
    if (verdict.status === "stale") return null;
    const { record } = verdict;
    return { won: record.runId, answer: core.replay<Results["run.fork"]>(record, hash) };
  });
}

/** Why a blob of the old run isn't there: the run was purged since it was read, or it was lost. Either way the fork could never run. */
async function goneOf(core: Core, runId: string, key: BlobKey): Promise<Error> {
  const { runs } = await core.ports.store.load({ of: "run", runId });
  if (runs.length === 0) return new RunNotFoundError(runId);
  return new BlobMissingError(`blob ${JSON.stringify(blobPath(key))}`);
}

/** The fork's own config, checked and stored; null where it keeps the old run's. */
async function configOf(
  core: Core,
  { config }: RunFork,
  { run }: LoadedRun,
  runId: string,
): Promise<ReturnType<typeof encodeOwn>["payload"] | null> {
  if (config === undefined) return null;
  const { registry, blobs } = core.ports;
  const workflow = registry.get(run.workflowId);
  if (workflow === undefined) throw new UnknownWorkflowError(run.workflowId, registry.ids());
  const parsed = await workflow.parseConfig?.(config);
  if (parsed?.ok === false) throw new SchemaError("stage config", run.workflowId, parsed.issues);
  const encoded = encodeOwn(config, runId, "config");
  for (const blob of encoded.blobs) await blobs.put(blob.key, blob.data);
  return encoded.payload;
}
