import { describe, expect, it, vi } from "vitest";
import { createCell } from "./cell.ts";

describe("createCell", () => {
  it("tells its listeners once a frame, with the last value there at once", () => {
    const frames: (() => void)[] = [];
    const cell = createCell(0, (flush) => frames.push(flush));
    const listener = vi.fn();
    const end = cell.subscribe(listener);
    cell.set(1);
    cell.set(2);
    expect(cell.get()).toBe(2);
    expect(frames).toHaveLength(1);
    frames.pop()?.();
    expect(listener).toHaveBeenCalledTimes(1);
    cell.set(2);
    expect(frames).toEqual([]);
    end();
    cell.set(3);
    frames.pop()?.();
    expect(listener).toHaveBeenCalledTimes(1);
  });
});
