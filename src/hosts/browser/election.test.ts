import { expect, it } from "vitest";
import { deferred } from "../../runner/runner.test-helper.ts";
import { virtualClock } from "../../testing/clock.ts";
import { Election } from "./election.ts";
import { FakeLocks } from "./locks.test-helper.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function rig() {
  const locks = new FakeLocks();
  const clock = virtualClock();
  const log: string[] = [];
  const candidate = (owner: string, pauseMs = 0) => {
    let end = deferred<number>();
    const election = new Election({
      locks: locks.of(owner),
      clock,
      name: "lead",
      lead: (stolen) => {
        log.push(`${owner} leads`);
        stolen.addEventListener("abort", () => log.push(`${owner} was robbed`));
        end = deferred<number>();
        return end.promise;
      },
    });
    const over = election.run();
    return { election, over, end: (ms = pauseMs) => end.resolve(ms) };
  };
  return { locks, clock, log, candidate };
}

it("lets one lead at a time, in the order in which they came, and again after a pause", async () => {
  const { locks, clock, log, candidate } = rig();
  const [a, b] = [candidate("a", 50), candidate("b")];
  await turn();
  expect(log).toEqual(["a leads"]);
  a.end();
  await turn();
  expect(log).toEqual(["a leads", "b leads"]);
  b.end();
  await turn();
  // The other one pauses still.
  expect(log).toEqual(["a leads", "b leads", "b leads"]);
  await clock.advance(100);
  await turn();
  b.election.stop();
  b.end();
  await b.over;
  await turn();
  expect(log.at(-1)).toBe("a leads");
  a.election.stop();
  a.end();
  await a.over;
  expect(locks.holder("lead")).toBeNull();
});

it("takes the lock from a leader, which is told and stands again when its reign is over", async () => {
  const { locks, log, candidate } = rig();
  const [a, b] = [candidate("a"), candidate("b")];
  await turn();
  b.election.steal();
  await turn();
  expect(log.sort()).toEqual(["a leads", "a was robbed", "b leads"]);
  log.length = 0;
  expect(locks.holder("lead")).toBe("b");
  // Who leads has nothing to steal.
  b.election.steal();
  await turn();
  a.end();
  await turn();
  b.end();
  await turn();
  expect(log).toEqual(["a leads"]);
});

it("leads no more once it is stopped, though the lock is on its way to it", async () => {
  const { locks, log, candidate } = rig();
  const a = candidate("a");
  await turn();
  const b = candidate("b");
  a.election.stop();
  a.end();
  b.election.stop();
  await Promise.all([a.over, b.over]);
  expect(log).toEqual(["a leads"]);
  expect(locks.holder("lead")).toBeNull();
  // The request is granted in the turn in which it is stopped.
  const c = candidate("c");
  c.election.stop();
  await c.over;
  expect(log).toEqual(["a leads"]);
});

it("gives the lock back when leading fails", async () => {
  const locks = new FakeLocks();
  const election = new Election({
    locks: locks.of("a"),
    clock: virtualClock(),
    name: "lead",
    lead: () => Promise.reject(new Error("no")),
  });
  await expect(election.run()).rejects.toThrow("no");
  expect(locks.holder("lead")).toBeNull();
});
