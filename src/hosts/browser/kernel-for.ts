/** A leader's kernel. Put together here and not by `createKernel`, which would bring the executor of this thread and all that stages need along. */
import { Kernel } from "../../kernel/kernel.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventSink } from "../../ports/event-sink.ts";
import type { Liveness } from "../../ports/liveness.ts";
import type { Store } from "../../ports/store.ts";
import { DEFAULT_POLICY } from "../../runner/create-kernel.ts";
import { randomIds } from "../../runner/platform.ts";
import type { Routes } from "./routes.ts";

/** What {@link kernelFor} takes. */
export interface KernelForOptions {
  readonly store: Store;
  readonly epoch: number;
  /** Unique among all kernels that the database has ever had. */
  readonly name: string;
  readonly clock: Clock;
  readonly routes: Routes;
  readonly sink: EventSink;
  readonly liveness: Liveness;
}

/** A dead leader's hold on its runs' events ends by itself, after so many milliseconds; renewing it costs nothing while a run goes on. */
const HOLD_MS = 5000;

/** Makes it. */
export function kernelFor({ store, epoch, name, clock, routes, sink, liveness }: KernelForOptions): Kernel {
  return new Kernel({
    store,
    blobs: store.blobs,
    registry: routes,
    executor: routes,
    sink,
    clock,
    ids: randomIds(clock),
    liveness,
    policy: { ...DEFAULT_POLICY, holdMs: HOLD_MS },
    name,
    maxBatch: 100,
    parallelCommits: 1,
    leaderEpoch: epoch,
  });
}
