/** An engine that is somewhere else, as a backend. */
import { copyInline } from "../../ports/payload.ts";
import { copyValue } from "../../ports/copy.ts";
import type { Results, RunCreate } from "../../kernel/api.ts";
import type { Parsed, RegisteredWorkflow } from "../../ports/registry.ts";
import type { Backend, ClientCommand, FeedChange } from "./backend.ts";
import { type Handlers, Peer, type PeerOptions } from "./peer.ts";
import { callBackend, type SentWorkflow } from "./serve.ts";

/** The name of what tells of changes. */
export const FEED = "feed";

/** A backend over a {@link Peer}: give it a link with `peer.attach`, and when that ends another. */
export interface RemoteBackend extends Backend {
  readonly peer: Peer;
}

/** What a {@link remoteBackend} is made of. */
export interface RemoteOptions extends PeerOptions {
  /** Parses what a run is started with where the caller knows only its workflow's id; by default the kernel's registry must. */
  readonly parse?: (command: RunCreate) => Promise<SentWorkflow>;
}

/**
 * A backend that asks from afar. What is sent is refused here as the kernel would refuse it: structured cloning would turn class instances into plain
 * objects, and say of a function only that it can't be cloned.
 */
export function remoteBackend(options: RemoteOptions): RemoteBackend {
  const listeners = new Set<(changes: readonly FeedChange[]) => void>();
  const tell = (changes: readonly FeedChange[]): void => {
    for (const listener of [...listeners]) listener(changes);
  };
  const handlers: Handlers = { ...options.handlers, [FEED]: tell };
  const peer = new Peer({ ...options, handlers });
  const rest = callBackend((method, args) => peer.call(method, args));
  return {
    ...rest,
    peer,
    async start(command, workflow) {
      const { parse } = options;
      const sent = await (workflow === undefined
        ? parse?.(sendable(command))
        : sendWorkflow(command, workflow));
      return (await peer.call("start", [sendable(command), sent])) as Results["run.create"];
    },
    dispatch: async (command) => rest.dispatch(sendable(command)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a workflow's schemas make of what a run is started with, to be sent along. */
export async function sendWorkflow(
  { input, config = {} }: Pick<RunCreate, "input" | "config">,
  { graph, parseInput, parseConfig }: RegisteredWorkflow,
): Promise<SentWorkflow> {
  const pass = (value: unknown): Parsed => ({ ok: true, value });
  const parsed = (await parseInput?.(input)) ?? pass(input);
  const fits = (await parseConfig?.(config)) ?? pass(null);
  return {
    graph,
    input: parsed.ok ? pass(copyValue(parsed.value, "input")) : parsed,
    // The kernel keeps config as it was given, and asks only whether it fits.
    config: fits.ok ? pass(null) : fits,
  };
}

/** A command whose values can be posted. Fields that are wrong altogether are left to the kernel, which names them. */
function sendable<Command extends RunCreate | ClientCommand>(command: Command): Command {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(command)) {
    if (name === "annotations" && typeof value === "object") copy[name] = copyInline(value, name);
    else copy[name] = name === "input" ? comparable(value) : copyValue(value, name);
  }
  return copy as unknown as Command;
}

/** An input as it was given: it is only compared, and its schema may have dropped what a payload can't carry. */
function comparable(input: unknown): unknown {
  try {
    return copyValue(input, "input");
  } catch (error) {
    try {
      return structuredClone(input);
    } catch {
      throw error;
    }
  }
}
