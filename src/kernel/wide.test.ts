import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import type { Graph } from "../model.ts";
import { decideFinish } from "./commands/job-execute-finish.ts";
import { givenOf, runOf, startedJob } from "./decide.test-helper.ts";
import { type Bench, graphOf, headOf, kernelOf, StillClock } from "./kernel.test-helper.ts";
import { nodeOf } from "./jobs.ts";

const wide = (width: number): string[] => Array.from({ length: width }, (_, index) => `s${index}`);

/** A run of one wide group, with every stage leased and started by one worker. */
async function started(
  graph: Graph,
): Promise<{ bench: Bench; runId: string; finish: (count: number) => Promise<void> }> {
  const clock = new StillClock();
  const store = memoryStore({ clock, record: "changes", changeLimit: 100 });
  const bench = kernelOf([graph], { store, clock });
  const { result, next } = await bench.kernel.host.start(
    { type: "run.create", workflowId: "wf", input: null, idempotencyKey: "k" },
    { workerId: "w", slots: graph.stages.length },
  );
  const jobs = [...next];
  const finish = async (count: number): Promise<void> => {
    await Promise.all(jobs.splice(0, count).map((job) => bench.kernel.host.execute(job, 0)));
  };
  return { bench, runId: result.workflowRunId, finish };
}

describe("a wide group", () => {
  it("costs each finish the same few rows, however wide it is", async () => {
    const rows: string[][] = [];
    for (const width of [10, 1000]) {
      const { bench, finish } = await started(graphOf([wide(width)]));
      const before = await bench.store.changes({ limit: 1_000 });
      await finish(1);
      const after = await bench.store.changes({ after: before.at(-1)?.n ?? 0 });
      rows.push(after.flatMap((change) => change.rows.map(({ table }) => table)));
    }
    expect(rows[0]).toEqual(rows[1]);
    expect(rows[1]?.sort()).toEqual(["job", "journal", "run", "stage"]);
  });

  it("is folded: siblings that finish together write the head once, and never fight over its version", async () => {
    const { bench, runId, finish } = await started(graphOf([wide(300)]));
    const before = { head: await headOf(bench, runId), commits: bench.watch.commits.length };
    await finish(150);
    const entries = bench.watch.commits.slice(before.commits).flat();
    expect(entries).toHaveLength(1);
    expect(await headOf(bench, runId)).toMatchObject({
      version: before.head.version,
      remaining: 150,
      active: 150,
    });
    await finish(150);
    expect(await headOf(bench, runId)).toMatchObject({ status: "COMPLETED", remaining: 0, active: 0 });
  });

  it("of 10,000 is decided without going through its stages", () => {
    const ids = wide(10_000);
    const plain = graphOf([ids, "end"]);
    let reads = 0;
    const counted = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (object, name, receiver) => {
          reads += 1;
          const value: unknown = Reflect.get(object, name, receiver);
          return value;
        },
      });
    const graph = { ...plain, stages: counted(plain.stages), groups: counted(plain.groups.map(counted)) };
    // What is worked out about a graph once is kept by the object.
    nodeOf(graph, "s1");
    reads = 0;
    const state = { run: runOf({ remaining: 9000, active: 9000 }), siblings: [], signals: [], key: null };
    const { entry } = decideFinish(
      { ...state, graph, job: startedJob("s77"), node: nodeOf(graph, "s77") },
      { kind: "completed", output: { kind: "value", value: 1 }, value: 1, events: [], blobs: [] },
      true,
      givenOf(),
    );
    expect(entry?.counters).toEqual({ add: { remaining: -1, active: -1 } });
    expect(reads).toBeLessThan(20);
  });

  it("of 2,000 is executed without reading, a commit for many at once", async () => {
    const { bench, runId, finish } = await started(graphOf([wide(2000)]));
    bench.watch.scopes.length = 0;
    const commits = bench.watch.commits.length;
    await finish(2000);
    expect((await headOf(bench, runId)).status).toBe("COMPLETED");
    // The last of them finds that the group is done, and reads the run once to move it on.
    expect(bench.watch.scopes.length).toBeLessThanOrEqual(1);
    expect(bench.watch.commits.length - commits).toBeLessThanOrEqual(15);
  });

  it("is finished by several kernels at once, each stage counted once", async () => {
    const graph = graphOf([wide(60), "end"]);
    const one = kernelOf([graph]);
    const others = [1, 2].map(() =>
      kernelOf([graph], { store: one.store, clock: one.clock, executor: one.executor }),
    );
    const { workflowRunId } = await one.kernel.dispatch({
      type: "run.create",
      workflowId: "wf",
      input: null,
      idempotencyKey: "k",
    });
    await one.kernel.dispatch({ type: "run.claimPending", workerId: "w" });
    await Promise.all(
      [one, ...others].map(async (bench, index) => {
        const { jobs } = await bench.kernel.host.claim({ workerId: `w${index}`, limit: 20 });
        await Promise.all(jobs.map((job) => bench.kernel.host.execute(job, 0)));
      }),
    );
    const found = await one.store.run(workflowRunId);
    expect(found?.stages.filter(({ status }) => status === "COMPLETED").length).toBeGreaterThanOrEqual(60);
    expect(one.executor.started.filter(({ stage }) => stage.group === 0)).toHaveLength(60);
    expect(found?.run).toMatchObject({ group: 1 });
  });
});
