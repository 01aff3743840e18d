import { describe, expect, it } from "vitest";
import type { StageModuleError } from "../../../errors.ts";
import { virtualClock } from "../../../testing/clock.ts";
import { flow, stage } from "./pool.test-helper.ts";
import { FakeLocks } from "../locks.test-helper.ts";
import { FakeThread, FakeWorker } from "./threads.test-helper.ts";
import { StageWorkers, type WorkerLike } from "./workers.ts";

const workflow = flow(
  "w",
  stage("a", () => ({ output: 1 })),
);

/** A page whose module does what a test says. */
function page(module: (worker: FakeWorker) => void, factory?: () => WorkerLike) {
  const clock = virtualClock({ turns: 4 });
  const locks = new FakeLocks();
  const made: FakeWorker[] = [];
  const attached: string[] = [];
  const lost: string[] = [];
  const errors: StageModuleError[] = [];
  let changes = 0;
  const workers = new StageWorkers({
    clock,
    database: "db",
    newId: () => `id-${made.length + 1}`,
    factory:
      factory ??
      (() => {
        const worker = new FakeWorker(new FakeThread(`thread-${made.length + 1}`, locks));
        made.push(worker);
        // A module runs after its worker was made.
        queueMicrotask(() => module(worker));
        return worker;
      }),
    attach: (id, port) => {
      attached.push(id);
      port.close();
    },
    lost: (id) => lost.push(id),
    onError: (error) => errors.push(error),
  });
  workers.onChange(() => (changes += 1));
  const states = () => workers.list().map(({ id, state }) => `${id} ${state}`);
  return { clock, workers, made, attached, lost, errors, states, changes: () => changes };
}

const serves = ({ thread }: FakeWorker): void => thread.serve([workflow]);

describe("StageWorkers", () => {
  it("starts workers and hands on a port of each that serves", async () => {
    const { workers, clock, attached, states, changes } = page(serves);
    workers.start(2);
    expect(states()).toEqual(["id-1 starting", "id-2 starting"]);
    await clock.settle();
    expect(states()).toEqual(["id-1 ready", "id-2 ready"]);
    expect(attached).toEqual(["id-1", "id-2"]);
    expect(changes()).toBe(3);
    expect(clock.pending).toBe(0);
    workers.stop();
    expect(states()).toEqual([]);
  });

  it("ends a worker and starts another in its place, under another id", async () => {
    const { workers, clock, made, attached, lost, states } = page(serves);
    workers.start(1);
    await clock.advance(2000);
    workers.terminate("id-1");
    expect(made[0]?.thread.isAlive).toBe(false);
    expect(lost).toEqual(["id-1"]);
    await clock.settle();
    expect(states()).toEqual(["id-2 ready"]);
    expect(attached).toEqual(["id-1", "id-2"]);
    workers.terminate("id-1");
    workers.terminate("nobody");
    expect(lost).toEqual(["id-1"]);
    workers.stop();
    expect(lost).toEqual(["id-1", "id-2"]);
  });

  it("starts those that die young less and less often", async () => {
    const { workers, clock, made } = page(serves);
    workers.start(1);
    const waits: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      await clock.settle();
      workers.terminate(`id-${made.length}`);
      waits.push((clock.next() ?? 0) - clock.now());
      await clock.advance(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([100, 200, 400, 800]);
    await clock.advance(1000);
    workers.terminate(`id-${made.length}`);
    expect(made).toHaveLength(6);
    workers.stop();
  });

  it.each([
    [
      "throws while it is loaded",
      (worker: FakeWorker) => worker.emit("error", { message: "Uncaught TypeError: x" }),
      /threw while it was loaded: Uncaught TypeError: x/,
    ],
    ["can't be fetched", (worker: FakeWorker) => worker.emit("error", {}), /could not be fetched/],
    [
      "is of another version",
      (worker: FakeWorker) => worker.emit("message", { data: { sluice: "serves", protocol: 99 } }),
      /another version than the page \(99, not 1\); reload it/,
    ],
  ])("says so of a module that %s, and tries again", async (_, module, message) => {
    const { workers, clock, made, errors, attached } = page(module);
    workers.start(1);
    await clock.settle();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: "STAGE_MODULE", name: "StageModuleError" });
    expect(errors[0]?.message).toMatch(message);
    expect(workers.list()).toEqual([{ id: "id-1", state: "waiting", error: errors[0] }]);
    expect(made[0]?.thread.isAlive).toBe(false);
    await clock.advance(100);
    expect(made).toHaveLength(2);
    await clock.advance(60_000);
    expect(made.length).toBeGreaterThan(10);
    expect(made.length).toBeLessThan(25);
    expect(attached).toEqual([]);
    workers.stop();
    expect(clock.pending).toBe(0);
  });

  it("keeps the browser from telling of a failed load what the error tells", async () => {
    let prevented = 0;
    const { workers, clock } = page((worker) =>
      worker.emit("error", { message: "x", preventDefault: () => (prevented += 1) }),
    );
    workers.start(1);
    await clock.settle();
    expect(prevented).toBe(1);
    workers.stop();
  });

  it("gives up a module that doesn't serve in time", async () => {
    const { workers, clock, errors } = page(() => undefined);
    workers.start(1);
    await clock.advance(29_999);
    expect(errors).toEqual([]);
    await clock.advance(1);
    expect(errors[0]?.message).toMatch(/didn't call serveStages within 30000 ms/);
    workers.stop();
  });

  it("says so of a factory that throws, with its cause", async () => {
    const cause = new TypeError("no such thing");
    const { workers, errors } = page(serves, () => {
      throw cause;
    });
    workers.start(1);
    expect(errors[0]).toMatchObject({ code: "STAGE_MODULE", cause });
    expect(errors[0]?.message).toMatch(/could not be started: no such thing/);
    workers.stop();
  });

  it("mends itself: a module that loads at last serves, and its error is gone", async () => {
    let tries = 0;
    const { workers, clock, states } = page((worker) => {
      tries += 1;
      if (tries < 3) worker.emit("error", {});
      else serves(worker);
    });
    workers.start(1);
    await clock.advance(1000);
    expect(states()).toEqual(["id-3 ready"]);
    expect(workers.list()[0]?.error).toBeNull();
    workers.stop();
  });

  it("lives on after an error that the embedder's own code didn't catch, and after messages of its own", async () => {
    const { workers, clock, made, errors, states } = page(serves);
    workers.start(1);
    await clock.settle();
    made[0]?.emit("error", { message: "Uncaught later" });
    for (const data of [null, "x", { sluice: "serves", protocol: 1 }]) made[0]?.emit("message", { data });
    await clock.settle();
    expect(errors).toEqual([]);
    expect(states()).toEqual(["id-1 ready"]);
    workers.stop();
  });
});
