/** Values by key, outside React, for many components that each follow one of them. */
export interface KeyedStore<Value> {
  readonly get: (key: string) => Value | undefined;
  /** Sets a value; whoever follows the key is told at the next flush. */
  readonly set: (key: string, value: Value) => void;
  /** Listens to one key; the answer ends it. */
  readonly subscribe: (key: string, listener: () => void) => () => void;
}

/** Calls something a little later. */
export type Schedule = (flush: () => void) => void;

/**
 * Makes a store whose listeners are told once a frame, however often values were set meanwhile: a stage that reports progress a
 * hundred times a second costs one render a frame, of one node.
 *
 * @param schedule when to flush; the next animation frame by default
 */
export function createKeyedStore<Value>(schedule: Schedule = nextFrame): KeyedStore<Value> {
  const values = new Map<string, Value>();
  const listeners = new Map<string, Set<() => void>>();
  const changed = new Set<string>();
  let isScheduled = false;

  const flush = (): void => {
    isScheduled = false;
    const keys = [...changed];
    changed.clear();
    for (const key of keys) for (const listener of [...(listeners.get(key) ?? [])]) listener();
  };
  const touch = (key: string): void => {
    changed.add(key);
    if (isScheduled) return;
    isScheduled = true;
    schedule(flush);
  };

  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (Object.is(values.get(key), value)) return;
      values.set(key, value);
      touch(key);
    },
    subscribe(key, listener) {
      const own = (): void => listener();
      const some = listeners.get(key) ?? new Set();
      listeners.set(key, some.add(own));
      return () => {
        some.delete(own);
        if (some.size === 0 && listeners.get(key) === some) listeners.delete(key);
      };
    },
  };
}

/** Hidden pages have no frames, and their state must not fall behind what their title says. */
export function nextFrame(flush: () => void): void {
  if (document.visibilityState === "hidden") setTimeout(flush, 100);
  else requestAnimationFrame(flush);
}
