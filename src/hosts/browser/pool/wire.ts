/**
 * What travels between who asks for executions and who executes them: the arguments and answers of calls over a {@link Peer}. Plain data
 * throughout, so that ports and BroadcastChannels carry it alike.
 */
import type { Graph } from "../../../model.ts";
import type { CheckOutcome, StageOutcome } from "../../../ports/executor.ts";
import type { Peer } from "../../remote/peer.ts";

/** The part of a {@link Peer} that is needed here. */
export type Caller = Pick<Peer, "call" | "tell">;

/** How something is executed. */
export type Method = "execute" | "check";

/** What somebody has code for. */
export interface Offer {
  /** Names the build of the code. */
  readonly build: string;
  readonly graphs: readonly Graph[];
  /** `workflowId/stageId`. */
  readonly handlers: readonly string[];
}

/** What is offered by who has said nothing yet. */
export const NOTHING: Offer = { build: "", graphs: [], handlers: [] };

/** The answer to `execute` and `check`. */
export interface Ended {
  readonly outcome: StageOutcome | CheckOutcome;
  /** False where the code may still run: `task:over` follows. */
  readonly isOver: boolean;
}

/** The methods that are called back about an execution; their first argument is its number. */
export const BEGUN = "task:begun";
export const PROGRESS = "task:progress";
export const LOGS = "task:logs";
export const READ = "task:read";
export const WRITE = "task:write";
export const LIST = "task:list";
export const OVER = "task:over";
/** Tells what is offered, whenever that changes. */
export const OFFER = "offer";
