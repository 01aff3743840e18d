import { expect, it } from "vitest";
import { virtualClock } from "../../testing/clock.ts";
import type { Backend, FeedChange } from "./backend.ts";
import { serveFeed } from "./serve.ts";

const commit = (runId: string, sequence: number, status = "RUNNING") =>
  ({ kind: "commit", runId, workflowId: "w", status, sequence, due: false }) as FeedChange;
const progress = (stageId: string, value: number) =>
  ({ kind: "progress", runId: "r", stageId, epoch: 1, attempt: 1, progress: value }) as FeedChange;

function rig() {
  const clock = virtualClock();
  let publish: (changes: readonly FeedChange[]) => void = () => undefined;
  let isSubscribed = true;
  const backend = {
    subscribe: (listener: typeof publish) => {
      publish = listener;
      return () => {
        isSubscribed = false;
      };
    },
  } as Backend;
  const told: (readonly FeedChange[])[] = [];
  const stop = serveFeed(backend, clock, (changes) => told.push(changes));
  return {
    clock,
    told,
    stop,
    publish: (...changes: FeedChange[]) => publish(changes),
    isUp: () => isSubscribed,
  };
}

it("gathers changes for a moment, and tells the last of each run and stage, in order", async () => {
  const { clock, told, publish } = rig();
  publish(commit("a", 1), commit("b", 1), progress("s", 0.1));
  publish(commit("a", 2), progress("t", 0.2), progress("s", 0.3));
  expect(told).toEqual([]);
  await clock.advance(20);
  expect(told).toEqual([[commit("b", 1), commit("a", 2), progress("t", 0.2), progress("s", 0.3)]]);
  publish(commit("a", 3));
  await clock.advance(20);
  expect(told[1]).toEqual([commit("a", 3)]);
});

it("tells at once what settles a run, with what came before it, and nothing twice", async () => {
  const { clock, told, publish } = rig();
  publish(commit("a", 1));
  publish(commit("b", 4, "COMPLETED"));
  expect(told).toEqual([[commit("a", 1), commit("b", 4, "COMPLETED")]]);
  publish(commit("b", 5, "PURGED"));
  expect(told).toHaveLength(2);
  await clock.advance(100);
  expect(told).toHaveLength(2);
});

it("tells nothing once it is stopped", async () => {
  const { clock, told, publish, stop, isUp } = rig();
  publish(commit("a", 1));
  stop();
  await clock.advance(100);
  expect(told).toEqual([]);
  expect(isUp()).toBe(false);
});
