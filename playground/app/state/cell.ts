import { useSyncExternalStore } from "react";
import { nextFrame, type Schedule } from "./keyed-store.ts";

/** One value outside React; whoever follows it is told once a frame. */
export interface Cell<Value> {
  readonly get: () => Value;
  readonly set: (value: Value) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

/** Makes a cell. */
export function createCell<Value>(initial: Value, schedule: Schedule = nextFrame): Cell<Value> {
  let value = initial;
  let isScheduled = false;
  const listeners = new Set<() => void>();
  const flush = (): void => {
    isScheduled = false;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return;
      value = next;
      if (isScheduled) return;
      isScheduled = true;
      schedule(flush);
    },
    subscribe(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

/** Follows a cell. */
export function useCell<Value>(cell: Cell<Value>): Value {
  return useSyncExternalStore(cell.subscribe, cell.get);
}
