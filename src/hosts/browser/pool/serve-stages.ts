/** A stage worker: it executes the bodies of its workflows for whoever its page hands it to. */
import { toRegistry } from "../../../define/registry.ts";
import type { Workflow } from "../../../define/workflow.ts";
import { DefinitionError, UnknownWorkflowError } from "../../../errors.ts";
import type { Graph } from "../../../model.ts";
import { hashOf } from "../../../ports/canonical.ts";
import { inProcessExecutor } from "../../../runner/executor.ts";
import { checkList, checkName, checkObject } from "../../../runner/options.ts";
import { systemClock } from "../../../runner/platform.ts";
import { Peer } from "../../remote/peer.ts";
import { sendWorkflow } from "../../remote/remote-backend.ts";
import { ComlinkLink, type Port } from "./comlink-link.ts";
import { isOf, type Join, type Serves, STAGE_PROTOCOL } from "./handshake.ts";
import { holdForLife, type Locks } from "./locks.ts";
import { serveExecutor } from "./serve-executor.ts";
import { type Caller, type Offer, OFFER } from "./wire.ts";

/** What {@link serveStages} takes besides workflows. */
export interface ServeStagesOptions {
  /** Names this build of the stages, for people; made of their graphs by default. */
  readonly build?: string;
}

/** The part of a worker's global scope that is needed here. */
export interface StageScope {
  readonly document?: unknown;
  postMessage(message: Serves, transfer: readonly never[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** Ends the worker. */
  close(): void;
}

const WHERE = "serveStages";

const served = new WeakSet<StageScope>();

/** `serveStages` in a scope of the caller's. @throws InvalidOptionError, DefinitionError */
export function serveStagesIn(
  scope: StageScope,
  locks: Locks | undefined,
  workflows: readonly Workflow[],
  options: ServeStagesOptions = {},
): void {
  checkList(WHERE, "workflows", workflows, "a list of workflows made by build()");
  checkObject(WHERE, "options", options);
  if (options.build !== undefined) checkName(WHERE, "options.build", options.build);
  if (scope.document !== undefined || served.has(scope)) {
    const why = scope.document === undefined ? "once, with all workflows" : "in a worker, not in the page";
    throw new DefinitionError(`serveStages is called ${why}`);
  }
  const registry = toRegistry(workflows);
  served.add(scope);
  const executor = inProcessExecutor({ workflows, clock: systemClock() });
  const graphs = workflows.map(({ graph }) => graph);
  const offer: Offer = {
    build: options.build ?? buildOf(graphs),
    graphs,
    handlers: [...executor.handlers],
  };
  const join = async ({ lock, port }: Join): Promise<void> => {
    // Before the hello: whoever hears that may ask for the lock, and by getting it learn of this worker's death.
    if (locks !== undefined) await holdForLife(locks, lock);
    serve(port);
  };
  const serve = (port: Port): void => {
    const link = new ComlinkLink(port);
    const caller: Caller = {
      call: (method, args) => peer.call(method, args),
      tell: (method, args) => peer.tell(method, args),
    };
    const { handlers } = serveExecutor(executor, caller, (method, args) => link.postNow({ method, args }));
    const parse = (workflowId: string, input: unknown, config: unknown): Promise<unknown> => {
      const workflow = registry.get(workflowId);
      if (workflow === undefined) throw new UnknownWorkflowError(workflowId, registry.ids());
      return sendWorkflow({ input, config: config as Readonly<Record<string, unknown>> }, workflow);
    };
    const peer = new Peer({
      clock: systemClock(),
      handlers: { ...handlers, parse },
      name: "the kernel worker",
    });
    // A call that can't be read would never be answered; a death is.
    port.addEventListener("messageerror", () => scope.close());
    peer.attach(link);
    peer.tell(OFFER, [offer]);
  };
  scope.addEventListener("message", ({ data }) => {
    if (isOf<Join>("join", data)) void join(data);
  });
  scope.postMessage({ sluice: "serves", protocol: STAGE_PROTOCOL }, []);
}

/** A short name for these graphs. Short texts stand for themselves, so the text is made long enough to be hashed. */
function buildOf(graphs: readonly Graph[]): string {
  const text = graphs.map(({ hash }) => hash).join(" ");
  return hashOf(text.padEnd(256)).slice(-12);
}
