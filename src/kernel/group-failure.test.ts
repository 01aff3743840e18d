import { describe, expect, it } from "vitest";
import {
  begin,
  execute,
  gate,
  graphOf,
  headOf,
  kernelOf,
  lease,
  settle,
  standing,
  suspends,
  typesOf,
} from "./kernel.test-helper.ts";

const fails = () => {
  throw new TypeError("no");
};

describe("when a sibling finally fails", () => {
  it("cancels what hasn't started, lets what runs finish, and then fails the run with the first error", async () => {
    const bench = kernelOf([graphOf([["a", "b", "c", "d"], "e"])]);
    const running = gate();
    const second = gate();
    bench.executor.bodies.set("a", running.body);
    bench.executor.bodies.set("b", fails);
    bench.executor.bodies.set("c", second.body);
    const runId = await begin(bench);
    const a = execute(bench, runId, "a");
    const c = execute(bench, runId, "c");
    await settle();
    expect(await execute(bench, runId, "b")).toMatchObject({ outcome: "failed", retryable: false });
    expect(await standing(bench, runId)).toEqual({ run: "RUNNING", b: "FAILED", d: "CANCELLED" });
    expect(await headOf(bench, runId)).toMatchObject({ remaining: 2, active: 2, error: { stageId: "b" } });
    second.fail(new TypeError("second"));
    expect(await c).toMatchObject({ outcome: "failed", retryable: false });
    expect((await headOf(bench, runId)).status).toBe("RUNNING");
    running.open("done");
    expect(await a).toMatchObject({ outcome: "completed" });
    expect(await standing(bench, runId)).toEqual({
      run: "FAILED",
      a: "COMPLETED",
      b: "FAILED",
      c: "FAILED",
      d: "CANCELLED",
    });
    const failed = (await bench.store.events({ run: runId })).at(-1);
    expect(failed).toMatchObject({
      type: "workflow:failed",
      payload: { error: { message: "no", stageId: "b" } },
    });
    expect((await typesOf(bench, runId)).filter((type) => type === "workflow:failed")).toHaveLength(1);
    expect(bench.executor.started.map(({ stage }) => stage.id).sort()).toEqual(["a", "b", "c"]);
  });

  it("tries nothing again in a run that is failing", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const running = gate();
    bench.executor.bodies.set("a", running.body);
    bench.executor.bodies.set("b", fails);
    const runId = await begin(bench);
    const a = execute(bench, runId, "a");
    await settle();
    await execute(bench, runId, "b");
    running.fail(new Error("could be tried again"));
    expect(await a).toMatchObject({ outcome: "failed", retryable: false });
    expect((await headOf(bench, runId)).error).toMatchObject({ message: "no" });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED", b: "FAILED" });
  });

  it("tries nothing again either where another kernel recorded the failure", async () => {
    const graph = graphOf([["a", "b"]]);
    const bench = kernelOf([graph]);
    const other = kernelOf([graph], { store: bench.store, clock: bench.clock });
    const running = gate();
    bench.executor.bodies.set("a", running.body);
    other.executor.bodies.set("b", fails);
    const runId = await begin(bench);
    const a = execute(bench, runId, "a");
    await settle();
    await execute(other, runId, "b");
    running.fail(new Error("could be tried again"));
    expect(await a).toMatchObject({ outcome: "failed", retryable: false });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED", b: "FAILED" });
  });

  it("cancels siblings that are suspended, in back-off, or leased but not begun", async () => {
    const bench = kernelOf([graphOf([["a", "b", "c", "d"]])]);
    bench.executor.bodies.set("a", () => suspends({ signal: "go" }));
    bench.executor.bodies.set("b", () => {
      throw new Error("again");
    });
    bench.executor.bodies.set("d", fails);
    const runId = await begin(bench);
    await execute(bench, runId, "a");
    await execute(bench, runId, "b");
    const token = await lease(bench, runId, "c", "w");
    await execute(bench, runId, "d");
    expect(await standing(bench, runId)).toEqual({
      run: "FAILED",
      a: "CANCELLED",
      b: "CANCELLED",
      c: "CANCELLED",
      d: "FAILED",
    });
    expect(await headOf(bench, runId)).toMatchObject({ remaining: 0, active: 0 });
    await expect(execute(bench, runId, "c", { token })).rejects.toMatchObject({ code: "JOB_NOT_DUE" });
    expect(bench.executor.started.map(({ stage }) => stage.id)).not.toContain("c");
  });

  it.each(["back in the queue", "suspended"])(
    "cancels a sibling that came to be %s at the same time",
    async (how) => {
      const bench = kernelOf([graphOf([["a", "b", "c"]])]);
      const [one, two, three] = [gate(), gate(), gate()];
      bench.executor.bodies.set("a", one.body);
      bench.executor.bodies.set("b", two.body);
      bench.executor.bodies.set("c", three.body);
      const runId = await begin(bench);
      const executions = ["a", "b", "c"].map((stageId) => execute(bench, runId, stageId));
      await settle();
      // Both decide from the same rows; the sibling's entry is the first in the queue.
      if (how === "suspended") one.open(suspends({ dueIn: 60_000 }));
      else one.fail(new Error("again"));
      two.fail(new TypeError("no"));
      await settle();
      expect(await standing(bench, runId)).toMatchObject({ run: "RUNNING", a: "CANCELLED", b: "FAILED" });
      three.open("done");
      await Promise.all(executions);
      expect(await standing(bench, runId)).toEqual({
        run: "FAILED",
        a: "CANCELLED",
        b: "FAILED",
        c: "COMPLETED",
      });
    },
  );

  it("records one first error where two fail at the same time", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    const [one, two] = [gate(), gate()];
    bench.executor.bodies.set("a", one.body);
    bench.executor.bodies.set("b", two.body);
    const runId = await begin(bench);
    const executions = [execute(bench, runId, "a"), execute(bench, runId, "b")];
    await settle();
    one.fail(new TypeError("first"));
    two.fail(new TypeError("second"));
    await Promise.all(executions);
    expect(await headOf(bench, runId)).toMatchObject({
      status: "FAILED",
      error: { message: "first", stageId: "a" },
    });
    expect(await standing(bench, runId)).toEqual({ run: "FAILED", a: "FAILED", b: "FAILED" });
  });

  it("starts no sibling that is claimed at the same time as its cancellation commits", async () => {
    const bench = kernelOf([graphOf([["a", "b"]])]);
    bench.executor.bodies.set("a", fails);
    const runId = await begin(bench);
    const token = await lease(bench, runId, "b", "w");
    const [first, second] = await Promise.all([
      execute(bench, runId, "a"),
      execute(bench, runId, "b", { token }),
    ]);
    expect(first).toMatchObject({ outcome: "failed" });
    // Whichever came first: `b` either ran to its end or never began, and the run has failed.
    const { b, run } = await standing(bench, runId);
    expect(run).toBe("FAILED");
    expect([second, b]).toEqual(
      b === "COMPLETED"
        ? [{ outcome: "completed", output: "b" }, "COMPLETED"]
        : [{ outcome: "failed", ghost: true }, "CANCELLED"],
    );
  });
});
