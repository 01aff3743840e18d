/** The kernel worker's side of a page: what is done in a thread that holds no user code, and so is never blocked. */
import type { Clock } from "../../ports/clock.ts";
import { systemClock } from "../../runner/platform.ts";
import { encodeError } from "../remote/error-codec.ts";
import { Peer } from "../remote/peer.ts";
import { portLink } from "./channels.ts";
import type { KernelCalls, PageCalls, StorageOptions } from "./control.ts";
import type { Opened } from "./leader.ts";
import { type Platform, scopeOf, type TabLocks } from "./platform.ts";
import type { Port } from "./pool/comlink-link.ts";
import { StagePool } from "./pool/pool.ts";
import { Tab } from "./tab.ts";

/** For so long a page may leave a question unanswered, in milliseconds. */
const PAGE_MS = 1000;

/** Opens a database to lead. */
export type Open = (options: StorageOptions) => Promise<Opened>;

/**
 * Serves the page at the other end of a port.
 *
 * @param port a worker's own global scope, or whatever else posts to its page
 */
export function serveKernel(port: Port, open: Open, platform: Platform = browserPlatform()): void {
  const { clock } = platform;
  let tab: Tab | null = null;
  let pool: StagePool | null = null;
  const page = <Method extends keyof PageCalls>(
    method: Method,
    ...args: Parameters<PageCalls[Method]>
  ): void => peer.tell(method, args);
  const handlers: KernelCalls = {
    init(config, engine) {
      const { tabId, slots, subscribers, patienceMs } = config;
      const database = scopeOf(config.database, config.storage, tabId);
      pool = new StagePool({
        clock,
        database,
        locks: platform.locks,
        terminate: (workerId) => page("terminate", workerId),
        onOffer: (offer) => {
          tab?.offer();
          page("offer", offer);
        },
      });
      const onError = (error: unknown, during: string): void => page("error", encodeError(error), during);
      tab = new Tab({
        platform,
        database,
        tabId,
        hello: { slots, subscribers },
        pool,
        page: portLink(engine),
        marks: {
          read: async () => (await peer.call("marks", []).catch(() => [])) as readonly string[],
          clear: (tabIds) => page("clearMarks", tabIds),
        },
        patienceMs,
        open: () => open(config),
        onState: ({ role, epoch, error }) => page("state", role, epoch, error && encodeError(error)),
        onError,
      });
      tab.start().then(
        () => page("state", "connecting", 0, null),
        (error: unknown) => page("state", "stopped", 0, encodeError(error)),
      );
    },
    attach: (workerId, stage) => pool?.attach(workerId, stage),
    detach: (workerId, loss) => pool?.detach(workerId, loss),
    parse: async (workflowId, input, config) => pool?.parse(workflowId, input, config),
    workers: () => pool?.list() ?? [],
    closing: () => tab?.closing(),
    async stop() {
      await tab?.stop();
      pool?.close();
    },
  };
  const peer = new Peer({ clock, handlers: { ...handlers }, name: "the page", patienceMs: PAGE_MS });
  peer.attach(portLink(port));
}

/** The platform of a worker in a browser. */
export function browserPlatform(): Platform {
  const scope = globalThis as unknown as {
    readonly navigator: { readonly locks: TabLocks };
    readonly BroadcastChannel: new (name: string) => Port;
  };
  return {
    locks: scope.navigator.locks,
    clock: turningClock(systemClock()),
    channel: (name, hear) => {
      const channel = new scope.BroadcastChannel(name);
      const listen = ({ data }: { readonly data: unknown }): void => hear?.(data);
      channel.addEventListener("message", listen);
      return { post: (message) => channel.postMessage(message, []), close: () => channel.close() };
    },
  };
}

/** A clock whose shortest wait is a turn and not four milliseconds, as timers that timers set have it in browsers. */
function turningClock(clock: Clock): Clock {
  const { port1, port2 } = new MessageChannel();
  const turns: (() => void)[] = [];
  port1.addEventListener("message", () => turns.shift()?.());
  port1.start();
  return {
    now: () => clock.now(),
    after(ms, fire) {
      if (ms > 0) return clock.after(ms, fire);
      let isOn = true;
      turns.push(() => isOn && fire());
      port2.postMessage(null, []);
      return () => {
        isOn = false;
      };
    },
  };
}
