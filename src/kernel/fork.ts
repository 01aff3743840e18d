/** The flow of `run.fork`: copies what the fork will point to, and decides from the very read that said what that is. */
import {
  BlobMissingError,
  RunNotFoundError,
  SchemaError,
  StaleVersionError,
  UnknownWorkflowError,
} from "../errors.ts";
import type { BlobKey } from "../model.ts";
import { blobPath, type LoadedRun } from "../ports/store.ts";
import type { Results, RunFork } from "./api.ts";
import { blobsOfFork, decideFork, forkedKey, scopeFork } from "./commands/run-fork.ts";
import type { Core } from "./core.ts";
import { discardBlobs, encodeOwn } from "./create.ts";
import { payloadHash } from "./hash.ts";

/** Tries before a fork gives up against a store that keeps losing answers. */
const MAX_TRIES = 5;

/** Forks a run. */
export async function forkRun(core: Core, command: RunFork): Promise<Results["run.fork"]> {
  const { ids, blobs, store } = core.ports;
  const { workflowRunId, fromStageId, idempotencyKey } = command;
  const hash =
    idempotencyKey === undefined
      ? ""
      : await payloadHash({ workflowRunId, fromStageId, config: command.config });
  const runId = ids.runId();
  // One read for blobs and decision: a rerun in between would leave the fork with records of one epoch and blobs of another.
  const loaded = await store.load(scopeFork(command));
  if (loaded.key !== null) return core.replay<Results["run.fork"]>(loaded.key, hash);
  const [source] = loaded.runs;
  if (source === undefined) throw new RunNotFoundError(workflowRunId);
  try {
    const config = await configOf(core, command, source, runId);
    // Refused before anything is copied.
    decideFork(command, hash, config, loaded, await core.given(null, runId));
    // Copies, written before the run that points to them: then either run can be purged without the other.
    for (const from of blobsOfFork(source, fromStageId, config === null)) {
      const blob = await blobs.get(from);
      if (blob === null) throw await goneOf(core, workflowRunId, from);
      await blobs.put(forkedKey(from, runId), blob);
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { entry, result } = decideFork(command, hash, config, loaded, await core.given(null, runId));
      if (entry === null) return result(null);
      const { verdict } = await core.commit(entry);
      if (verdict.status === "committed") return result(verdict);
      if (verdict.status === "invalid") throw verdict.error;
      if (verdict.status === "duplicate") {
        await blobs.remove(runId);
        return core.replay<Results["run.fork"]>(verdict.record, hash);
      }
    }
    throw new StaleVersionError(command.type, workflowRunId, "run", MAX_TRIES);
  } catch (error) {
    await discardBlobs(blobs, runId, error);
    throw error;
  }
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
