import type { FeedChange } from "sluice";
import type { PoolWorker } from "sluice/browser";
import { describe, expect, it, vi } from "vitest";
import { busiestOf, killBusiest, killDuringNextRun } from "./kill.ts";

const body = { kind: "execute" as const, runId: "r", stageId: "s", attempt: 1 };
const worker = (id: string, bodies: number): PoolWorker => ({
  id,
  build: "b",
  running: Array.from({ length: bodies }, () => body),
  isStalled: false,
});

const progress: FeedChange = {
  kind: "progress",
  runId: "r",
  stageId: "s",
  epoch: 1,
  attempt: 1,
  progress: 0.1,
};

describe("busiestOf", () => {
  it("is the one with most bodies, the first of equals, or nobody", () => {
    expect(busiestOf([worker("a", 0), worker("b", 2), worker("c", 2)])?.id).toBe("b");
    expect(busiestOf([])).toBeNull();
  });
});

describe("killBusiest", () => {
  it("terminates it and says which it was", async () => {
    const terminateWorker = vi.fn();
    const engine = { workers: () => Promise.resolve([worker("a", 0), worker("b", 1)]), terminateWorker };
    expect(await killBusiest(engine)).toBe("b");
    expect(terminateWorker.mock.calls).toEqual([["b"]]);
  });

  it("does nothing where there is none", async () => {
    const terminateWorker = vi.fn();
    expect(await killBusiest({ workers: () => Promise.resolve([]), terminateWorker })).toBeNull();
    expect(terminateWorker).not.toHaveBeenCalled();
  });
});

describe("killDuringNextRun", () => {
  function bench() {
    let listener: (changes: readonly FeedChange[]) => void = () => {};
    const now: { workers: readonly PoolWorker[] | Error } = { workers: [] };
    const unsubscribe = vi.fn();
    const terminateWorker = vi.fn();
    const onKilled = vi.fn();
    const takeBack = killDuringNextRun(
      {
        subscribe: (given) => {
          listener = given;
          return unsubscribe;
        },
        workers: () =>
          now.workers instanceof Error ? Promise.reject(now.workers) : Promise.resolve(now.workers),
        terminateWorker,
      },
      onKilled,
    );
    const tell = async (...changes: FeedChange[]): Promise<void> => {
      listener(changes);
      // What the change sets off takes a few promises.
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    };
    return { now, tell, takeBack, unsubscribe, terminateWorker, onKilled };
  }

  it("terminates the busiest worker at the first sign of work, once", async () => {
    const { now, tell, unsubscribe, terminateWorker, onKilled } = bench();
    now.workers = [worker("a", 0), worker("b", 1)];
    await tell({ kind: "gap" });
    expect(terminateWorker).not.toHaveBeenCalled();
    await tell(progress);
    await tell(progress);
    expect(terminateWorker.mock.calls).toEqual([["b"]]);
    expect(onKilled.mock.calls).toEqual([["b"]]);
    expect(unsubscribe).toHaveBeenCalledTimes(1);
  });

  it("waits for a worker with something under way, and bears that none answers", async () => {
    const { now, tell, terminateWorker } = bench();
    now.workers = [worker("a", 0)];
    await tell(progress);
    now.workers = new Error("not connected");
    await tell(progress);
    expect(terminateWorker).not.toHaveBeenCalled();
    now.workers = [worker("a", 1)];
    await tell(progress);
    expect(terminateWorker).toHaveBeenCalledTimes(1);
  });

  it("can be taken back, even while it looks", async () => {
    const { now, tell, takeBack, terminateWorker } = bench();
    now.workers = [worker("a", 1)];
    const told = tell(progress);
    takeBack();
    await told;
    expect(terminateWorker).not.toHaveBeenCalled();
  });
});
