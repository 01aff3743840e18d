/** What a client needs of an engine, wherever that runs: in this process, behind a worker, in another tab, or over HTTP. */
import type {
  PluginReplayDlq,
  Results,
  RunCancel,
  RunCreate,
  RunFork,
  RunPurge,
  RunRerunFrom,
  RunSignal,
} from "../../kernel/api.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { BlobKey } from "../../model.ts";
import type { RegisteredWorkflow } from "../../ports/registry.ts";
import type { Change, LoadedRun, RunScope, Store } from "../../ports/store.ts";

/** The commands that a client sends; the others are a host's. */
export type ClientCommand = RunCancel | RunRerunFrom | RunFork | RunSignal | RunPurge | PluginReplayDlq;

/** What the change feed tells a client: changes, or that some may have been missed and what is shown should be read again. */
export type FeedChange = Change | { readonly kind: "gap" };

/** The commands and queries of an engine's clients. Answers are plain data, and everything but `subscribe` can be asked from afar. */
export interface Backend
  extends Pick<
    Store,
    "run" | "runByKey" | "runs" | "events" | "logs" | "past" | "letters" | "changes" | "storage"
  > {
  /** @param workflow what the run is made by, where the caller has its code; otherwise by the kernel's registry */
  start(command: RunCreate, workflow?: RegisteredWorkflow): Promise<Results["run.create"]>;
  dispatch<C extends ClientCommand>(command: C): Promise<Results[C["type"]]>;
  /** A part of a run, or null. */
  find(scope: RunScope): Promise<LoadedRun | null>;
  blob(key: BlobKey): Promise<Blob | null>;
  blobs(runId: string): Promise<readonly BlobKey[]>;
  subscribe(listener: (changes: readonly FeedChange[]) => void): () => void;
}

/** A kernel in this process as a backend. */
export function localBackend(kernel: Kernel, start: Backend["start"]): Backend {
  const { store } = kernel.ports;
  return {
    start,
    dispatch: (command) => kernel.dispatch(command),
    find: async (scope) => (await store.load({ of: "run", ...scope })).runs[0] ?? null,
    run: (runId) => store.run(runId),
    runByKey: (key) => store.runByKey(key),
    runs: (filter) => store.runs(filter),
    events: (query) => store.events(query),
    logs: (query) => store.logs(query),
    past: (runId) => store.past(runId),
    letters: (query) => store.letters(query),
    changes: (query) => store.changes(query),
    storage: () => store.storage(),
    blob: (key) => kernel.ports.blobs.get(key),
    blobs: (runId) => kernel.ports.blobs.list(runId),
    subscribe: (listener) => store.subscribe(listener),
  };
}
