/** Gates at which a test holds bodies: Web Locks, because they reach into every worker of the origin and need no answer from a blocked one. */
import type { Stage, StageContext } from "sluice";
import type { Begun } from "../control/api.ts";

/** The name of a gate's lock. */
export function gateLock(gate: string): string {
  return `gate:${gate}`;
}

const bodies = new BroadcastChannel("bodies");

/** Tells that this body began. */
export function announce({ runId, stageId, attempt }: StageContext): void {
  const message: Begun = { runId, stageId, attempt, tab: self.name, at: Date.now() };
  bodies.postMessage(message);
}

/** The same stage behind a gate of its id: its body is announced, waits until the gate is open, and goes on. */
export function gated<S extends Stage>(stage: S): S {
  const execute: Stage["execute"] = async (ctx) => {
    announce(ctx);
    await navigator.locks.request(
      gateLock(stage.id),
      { mode: "shared", signal: ctx.signal },
      () => undefined,
    );
    return stage.execute(ctx);
  };
  return Object.freeze({ ...stage, execute });
}
