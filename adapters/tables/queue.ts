/** The queue: claimable jobs in the order in which they are claimed, leased ones apart. Its cost doesn't grow with history. */
import type { JobKind } from "../../src/model.ts";
import { handlerOf } from "../../src/ports/executor.ts";
import { Heap } from "./heap.ts";
import type { JobSlot } from "./schema.ts";

/** Who asks: what it has code for, and which kinds of work it wants. */
export interface Asker {
  readonly handlers: ReadonlySet<string>;
  readonly kinds: readonly JobKind[];
}

/** Highest priority first, then the longest due. */
function isDueBefore(left: JobSlot, right: JobSlot): boolean {
  const [one, two] = [left.job, right.job];
  if (one.priority !== two.priority) return one.priority > two.priority;
  if (one.dueAt !== two.dueAt) return (one.dueAt ?? 0) < (two.dueAt ?? 0);
  return left.order < right.order;
}

function wakesBefore(left: JobSlot, right: JobSlot): boolean {
  const [one, two] = [left.job.dueAt ?? 0, right.job.dueAt ?? 0];
  return one === two ? left.order < right.order : one < two;
}

/** Jobs that are ordered among themselves: those that are due, and those that will be. */
class Lane {
  readonly due = new Heap<JobSlot>(isDueBefore);
  readonly delayed = new Heap<JobSlot>(wakesBefore);

  get isEmpty(): boolean {
    return this.due.size === 0 && this.delayed.size === 0;
  }
}

/**
 * All jobs of one kind. They share one lane until somebody asks who has no code for the first of them: from then on the jobs of that
 * stage are kept in a lane of their own, so that work that nobody present can do is stepped over once and not at every claim.
 */
class Track {
  readonly main = new Lane();
  readonly apart = new Map<string, Lane>();

  laneOf(slot: JobSlot): Lane {
    if (this.apart.size === 0) return this.main;
    return this.apart.get(handlerOf(slot.job.workflowId, slot.stageId)) ?? this.main;
  }

  setApart(slot: JobSlot, handler: string, from: Heap<JobSlot>): void {
    let lane = this.apart.get(handler);
    if (lane === undefined) {
      lane = new Lane();
      this.apart.set(handler, lane);
    }
    from.remove(slot);
    (from === this.main.due ? lane.due : lane.delayed).add(slot);
  }
}

/** All jobs by what can be done with them now. A job that is neither leased nor has an instant waits outside for a signal. */
export class JobQueue {
  readonly leased = new Set<JobSlot>();
  readonly #tracks: Readonly<Record<JobKind, Track>> = {
    execute: new Track(),
    check: new Track(),
    wait: new Track(),
  };

  /** Puts a job where its row says it belongs. Its previous place must have been left. */
  place(slot: JobSlot, now: number): void {
    const { job } = slot;
    if (job.worker !== null) this.leased.add(slot);
    else if (job.dueAt !== null) {
      const lane = this.#tracks[job.kind].laneOf(slot);
      (job.dueAt <= now ? lane.due : lane.delayed).add(slot);
    }
  }

  /** Takes a job out of wherever it stands. */
  leave(slot: JobSlot): void {
    if (slot.job.worker !== null) this.leased.delete(slot);
    else slot.home?.remove(slot);
  }

  /**
   * Gives the asker its next jobs, one after the other. `lease` must put each where the queue no longer finds it.
   * @returns when the asker's next job is, or was, due
   */
  take(asker: Asker, now: number, limit: number, lease: (slot: JobSlot) => void): number | null {
    const lanes = this.#lanesFor(asker);
    for (const { lane } of lanes) wake(lane, now);
    for (let taken = 0; ; taken += 1) {
      let best: JobSlot | undefined;
      for (const { track, lane } of lanes) {
        const first = track === null ? lane.due.first : firstFor(track, lane.due, asker);
        if (first !== undefined && (best === undefined || isDueBefore(first, best))) best = first;
      }
      if (best === undefined) break;
      if (taken >= limit) return best.job.dueAt;
      lease(best);
    }
    let soonest: number | null = null;
    for (const { track, lane } of lanes) {
      const first = track === null ? lane.delayed.first : firstFor(track, lane.delayed, asker);
      const dueAt = first?.job.dueAt ?? null;
      if (dueAt !== null && (soonest === null || dueAt < soonest)) soonest = dueAt;
    }
    return soonest;
  }

  /** The lanes that hold work for the asker; `track` where the lane also holds other work. */
  #lanesFor({ kinds, handlers }: Asker): { readonly track: Track | null; readonly lane: Lane }[] {
    const lanes: { track: Track | null; lane: Lane }[] = [];
    for (const kind of kinds) {
      const track = this.#tracks[kind];
      lanes.push({ track, lane: track.main });
      for (const [handler, lane] of track.apart) {
        if (lane.isEmpty) track.apart.delete(handler);
        else if (handlers.has(handler)) lanes.push({ track: null, lane });
      }
    }
    return lanes;
  }
}

/** Moves what has become due. */
function wake(lane: Lane, now: number): void {
  for (let first = lane.delayed.first; first !== undefined; first = lane.delayed.first) {
    if ((first.job.dueAt ?? 0) > now) break;
    lane.delayed.remove(first);
    lane.due.add(first);
  }
}

/** The first job of the shared lane that the asker has code for; what it hasn't is set apart on the way. */
function firstFor(track: Track, heap: Heap<JobSlot>, asker: Asker): JobSlot | undefined {
  for (let first = heap.first; first !== undefined; first = heap.first) {
    const handler = handlerOf(first.job.workflowId, first.stageId);
    if (asker.handlers.has(handler)) return first;
    track.setApart(first, handler, heap);
  }
  return undefined;
}
