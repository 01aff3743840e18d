/** How a page and a stage worker of its find each other. The worker speaks first: what is posted to a module before it has run may be lost. */
import type { Port } from "./comlink-link.ts";

/** Grows with every change of what a page, its kernel worker and its stage workers say to each other. */
export const STAGE_PROTOCOL = 1;

/** The worker's first word. */
export interface Serves {
  readonly sluice: "serves";
  readonly protocol: number;
}

/** The page's answer. */
export interface Join {
  readonly sluice: "join";
  /** The Web Lock to hold. */
  readonly lock: string;
  /** The way to the kernel worker. */
  readonly port: Port;
}

/** Whether a message is of this handshake: an embedder's worker may have messages of its own. */
export function isOf<Kind extends Serves | Join>(kind: Kind["sluice"], data: unknown): data is Kind {
  return typeof data === "object" && data !== null && "sluice" in data && data.sluice === kind;
}
