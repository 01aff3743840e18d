import { describe, expect, it, vi } from "vitest";
import { createKeyedStore } from "./keyed-store.ts";

/** A store whose frames are drawn by hand. */
function framed() {
  const frames: (() => void)[] = [];
  const store = createKeyedStore<number>((flush) => {
    frames.push(flush);
  });
  const draw = (): void => {
    for (const flush of frames.splice(0)) flush();
  };
  return { store, frames, draw };
}

describe("createKeyedStore", () => {
  it("tells a key's listeners once a frame, however often it was set", () => {
    const { store, frames, draw } = framed();
    const listener = vi.fn();
    store.subscribe("a", listener);
    store.set("a", 1);
    store.set("a", 2);
    expect(listener).not.toHaveBeenCalled();
    expect(frames).toHaveLength(1);
    draw();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(store.get("a")).toBe(2);
  });

  it("leaves the listeners of other keys alone", () => {
    const { store, draw } = framed();
    const listener = vi.fn();
    store.subscribe("b", listener);
    store.set("a", 1);
    draw();
    expect(listener).not.toHaveBeenCalled();
  });

  it("schedules nothing for a value that is already there", () => {
    const { store, frames, draw } = framed();
    store.set("a", 1);
    draw();
    store.set("a", 1);
    expect(frames).toEqual([]);
  });

  it("tells each of two subscriptions of one function, and ends them apart", () => {
    const { store, draw } = framed();
    const listener = vi.fn();
    const end = store.subscribe("a", listener);
    store.subscribe("a", listener);
    store.set("a", 1);
    draw();
    expect(listener).toHaveBeenCalledTimes(2);
    end();
    store.set("a", 2);
    draw();
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it("schedules again when a listener sets a value", () => {
    const { store, frames, draw } = framed();
    store.subscribe("a", () => store.set("b", 1));
    store.set("a", 1);
    draw();
    expect(frames).toHaveLength(1);
  });
});
