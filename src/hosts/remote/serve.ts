/** A backend for those who ask from afar. */
import type { RunCreate } from "../../kernel/api.ts";
import { type Graph, isSettled } from "../../model.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Parsed, RegisteredWorkflow } from "../../ports/registry.ts";
import type { Backend, FeedChange } from "./backend.ts";
import type { Handlers } from "./peer.ts";

/** A workflow as whoever starts a run sends it along: what its schemas made of this run's input and config, and its graph. */
export interface SentWorkflow {
  readonly graph: Graph;
  readonly input: Parsed;
  readonly config: Parsed;
}

/** The methods of a backend that are asked as they are. The compiler checks that none is missing. */
const methods = Object.keys({
  dispatch: 0,
  find: 0,
  run: 0,
  runByKey: 0,
  runs: 0,
  events: 0,
  logs: 0,
  past: 0,
  letters: 0,
  changes: 0,
  storage: 0,
  blob: 0,
  blobs: 0,
} satisfies Record<Exclude<keyof Backend, "start" | "subscribe">, 0>) as Exclude<
  keyof Backend,
  "start" | "subscribe"
>[];

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** What the other side of a {@link remoteBackend} can be asked. */
export function serveBackend(backend: Backend): Handlers {
  const handlers: Record<string, Method> = {
    start: (command, sent) =>
      backend.start(command as RunCreate, registered(sent as SentWorkflow | undefined)),
  };
  for (const method of methods) handlers[method] = (...args) => (backend[method] as Method)(...args);
  return handlers;
}

/** The methods of a backend that a call can carry, as calls. */
export function callBackend(
  call: (method: string, args: readonly unknown[]) => Promise<unknown>,
): Omit<Backend, "start" | "subscribe"> {
  const backend: Record<string, Method> = {};
  for (const method of methods) backend[method] = (...args) => call(method, args);
  return backend as unknown as Omit<Backend, "start" | "subscribe">;
}

/** The kernel parses nothing: it is given what was made of the input where its code is. */
function registered(sent: SentWorkflow | undefined): RegisteredWorkflow | undefined {
  if (sent === undefined) return undefined;
  const { graph, input, config } = sent;
  return { graph, parseInput: () => Promise.resolve(input), parseConfig: () => Promise.resolve(config) };
}

/** How long changes are gathered that nobody waits for, in milliseconds. */
const GATHER_MS = 8;

/**
 * Tells a peer of changes, those of one run or stage as the latest of them. What settles a run leaves at once, with all that came before it:
 * somebody may wait for its result. The rest is gathered, because a message costs as much as forty changes.
 */
export function serveFeed(
  backend: Backend,
  clock: Clock,
  tell: (changes: readonly FeedChange[]) => void,
): () => void {
  let gathered = new Map<string, FeedChange>();
  let cancel: (() => void) | null = null;
  const flush = (): void => {
    cancel?.();
    cancel = null;
    const changes = [...gathered.values()];
    gathered = new Map();
    tell(changes);
  };
  const unsubscribe = backend.subscribe((changes) => {
    let urgent = false;
    for (const change of changes) {
      const key =
        change.kind === "progress"
          ? `${change.runId}/${change.stageId}`
          : change.kind === "commit"
            ? change.runId
            : "";
      gathered.delete(key);
      gathered.set(key, change);
      urgent ||= change.kind === "commit" && (change.status === "PURGED" || isSettled(change.status));
    }
    if (urgent) flush();
    else cancel ??= clock.after(GATHER_MS, flush);
  });
  return () => {
    unsubscribe();
    cancel?.();
  };
}
