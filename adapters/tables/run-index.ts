/** Runs by what is asked of them together: who waits to begin, who has no job, who is over. */
import { isSettled, type Run, type RunStatus } from "../../src/model.ts";
import { Heap } from "./heap.ts";
import type { RunRows } from "./schema.ts";

/** Priority, then age. */
function beginsBefore(left: RunRows, right: RunRows): boolean {
  return left.head.priority === right.head.priority
    ? left.order < right.order
    : left.head.priority > right.head.priority;
}

function settledBefore(left: RunRows, right: RunRows): boolean {
  const [one, two] = [left.head.settledAt ?? 0, right.head.settledAt ?? 0];
  return one === two ? left.order < right.order : one < two;
}

/** A place in the order of creation; the run leaves it when it is purged. */
interface Place {
  readonly order: number;
  rows: RunRows | null;
}

/** The runs' indexes. A run is in at most one of the heaps, since its status is one. */
export class RunIndex {
  readonly #pending = new Map<string, Heap<RunRows>>();
  readonly #settled = new Map<RunStatus, Heap<RunRows>>();
  /** RUNNING and SUSPENDED runs without any job: nearly always none. */
  readonly jobless = new Set<RunRows>();
  #places: Place[] = [];
  #left = 0;

  /** Brings the indexes in line with a run's rows. */
  update(rows: RunRows, present: boolean): void {
    const { head, jobs } = rows;
    const wanted = present ? this.#heapOf(head) : null;
    if (rows.home !== wanted) {
      rows.home?.remove(rows);
      wanted?.add(rows);
    }
    if (present && jobs.size === 0 && (head.status === "RUNNING" || head.status === "SUSPENDED"))
      this.jobless.add(rows);
    else if (this.jobless.size > 0) this.jobless.delete(rows);
  }

  #heapOf({ status, workflowId, delivered }: Run): Heap<RunRows> | null {
    if (status === "PENDING") return heapIn(this.#pending, workflowId, beginsBefore);
    return delivered && isSettled(status) ? heapIn(this.#settled, status, settledBefore) : null;
  }

  /** PENDING runs of some workflows, or of all, by priority, then age. */
  pending(workflowIds: readonly string[] | null): Iterable<RunRows> {
    return merged(this.#pending, workflowIds, beginsBefore);
  }

  /** Settled and delivered runs, the oldest settlement first; and how many there are. */
  settled(status: readonly RunStatus[] | null): { readonly runs: Iterable<RunRows>; readonly size: number } {
    let size = 0;
    for (const [key, heap] of this.#settled) if (status === null || status.includes(key)) size += heap.size;
    return { runs: merged(this.#settled, status, settledBefore), size };
  }

  /** A new run takes its place in the order of creation; the answer takes it back. */
  enter(rows: RunRows): () => void {
    const place: Place = { order: rows.order, rows };
    this.#places.push(place);
    return () => {
      this.#vacate(place);
    };
  }

  /** A purged run leaves; the answer brings it back. */
  leave(rows: RunRows): () => void {
    const place = this.#places[this.#find(rows.order)];
    if (place === undefined || place.rows !== rows) return () => undefined;
    this.#vacate(place);
    return () => {
      place.rows = rows;
      this.#left -= 1;
    };
  }

  #vacate(place: Place): void {
    place.rows = null;
    this.#left += 1;
  }

  /** Places in the order of creation, vacated ones included. */
  get places(): number {
    return this.#places.length;
  }

  /** Forgets vacated places once they are the majority. Not while a rollback may still want them back. */
  tidy(): void {
    if (this.#left < 1024 || this.#left * 2 < this.#places.length) return;
    this.#places = this.#places.filter(({ rows }) => rows !== null);
    this.#left = 0;
  }

  /** Runs created before that order, the newest first. */
  *newestFirst(before: number): Generator<RunRows> {
    for (let index = this.#find(before) - 1; index >= 0; index -= 1) {
      const rows = this.#places[index]?.rows;
      if (rows !== null && rows !== undefined) yield rows;
    }
  }

  /** The index of the first place of at least that order. */
  #find(order: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle]?.order ?? 0) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

type IsBefore = (left: RunRows, right: RunRows) => boolean;

function heapIn<Key>(heaps: Map<Key, Heap<RunRows>>, key: Key, isBefore: IsBefore): Heap<RunRows> {
  let heap = heaps.get(key);
  if (heap === undefined) {
    heap = new Heap(isBefore);
    heaps.set(key, heap);
  }
  return heap;
}

/** The items of several heaps as if they were one. */
function* merged<Key>(
  heaps: ReadonlyMap<Key, Heap<RunRows>>,
  keys: readonly Key[] | null,
  isBefore: IsBefore,
): Generator<RunRows> {
  const chosen = [...heaps].filter(([key, heap]) => heap.size > 0 && (keys === null || keys.includes(key)));
  const heads = chosen.map(([, heap]) => {
    const items = heap.inOrder();
    return { items, first: items.next() };
  });
  for (;;) {
    let best: (typeof heads)[number] | null = null;
    for (const head of heads) {
      if (
        !head.first.done &&
        (best === null || best.first.done || isBefore(head.first.value, best.first.value))
      )
        best = head;
    }
    if (best === null || best.first.done) return;
    yield best.first.value;
    best.first = best.items.next();
  }
}
