import { createEngine, defineStage, defineWorkflow } from "sluice";
import { memoryStore } from "sluice/memory";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { followRuns, type FollowedRuns } from "./list.ts";

const open: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.stop();
});

function bench() {
  const input = z.object({ name: z.string() });
  const only = defineStage({
    id: "only",
    name: "Only",
    schemas: { input, output: z.string() },
    execute: (ctx) => ({ output: ctx.input.name }),
  });
  const workflow = defineWorkflow({ id: "w", name: "W", input }).pipe(only).build();
  const engine = createEngine({ workflows: [workflow], store: memoryStore() });
  open.push(engine);
  const run = async (name: string): Promise<string> => {
    const handle = await engine.start(workflow, { name });
    await handle.result();
    return handle.id;
  };
  const follow = (source: Parameters<typeof followRuns>[0]): FollowedRuns => {
    const runs = followRuns(source, (flush) => queueMicrotask(flush), 1);
    open.push(runs);
    return runs;
  };
  const shown = (runs: FollowedRuns): unknown =>
    runs.list.get()?.rows.map(({ run: { status }, label }) => `${label?.name} ${status}`);
  return { engine, run, follow, shown };
}

describe("followRuns", () => {
  it("lists runs newest first with the names of their documents, and goes on live", async () => {
    const { engine, run, follow, shown } = bench();
    await run("a.txt");
    await run("b.txt");
    const runs = follow(engine);
    await vi.waitFor(() => expect(shown(runs)).toEqual(["b.txt COMPLETED", "a.txt COMPLETED"]));
    await run("c.txt");
    await vi.waitFor(() =>
      expect(shown(runs)).toEqual(["c.txt COMPLETED", "b.txt COMPLETED", "a.txt COMPLETED"]),
    );
  });

  it("reads each name once", async () => {
    const { engine, run, follow, shown } = bench();
    await run("a.txt");
    const inspect = vi.fn(engine.inspect.bind(engine));
    const source = { inspect, runs: engine.runs.bind(engine), subscribe: engine.subscribe.bind(engine) };
    const runs = follow(source);
    await vi.waitFor(() => expect(shown(runs)).toEqual(["a.txt COMPLETED"]));
    const id = await run("b.txt");
    await vi.waitFor(() => expect(shown(runs)).toEqual(["b.txt COMPLETED", "a.txt COMPLETED"]));
    expect(inspect.mock.calls.map(([read]) => read).filter((read) => read === id)).toHaveLength(1);
    expect(inspect).toHaveBeenCalledTimes(2);
  });

  it("reads a page at a time", async () => {
    const { engine, run, follow } = bench();
    for (let index = 0; index < 31; index += 1) await run(`${index}.txt`);
    const runs = follow(engine);
    await vi.waitFor(() => expect(runs.list.get()).toMatchObject({ hasMore: true }));
    expect(runs.list.get()?.rows).toHaveLength(30);
    runs.more();
    await vi.waitFor(() => expect(runs.list.get()?.rows).toHaveLength(31));
    expect(runs.list.get()?.hasMore).toBe(false);
  });

  it("keeps what it shows when a reading fails, and says why", async () => {
    const { engine, run, follow, shown } = bench();
    await run("a.txt");
    let isBroken = false;
    const source = {
      inspect: engine.inspect.bind(engine),
      subscribe: engine.subscribe.bind(engine),
      runs: (...given: Parameters<typeof engine.runs>) =>
        isBroken ? Promise.reject(new Error("lost")) : engine.runs(...given),
    };
    const runs = follow(source);
    await vi.waitFor(() => expect(shown(runs)).toEqual(["a.txt COMPLETED"]));
    isBroken = true;
    runs.more();
    await vi.waitFor(() => expect(runs.list.get()?.problem?.message).toBe("lost"));
    expect(shown(runs)).toEqual(["a.txt COMPLETED"]);
  });
});
