import { createEngine, defineStage, defineWorkflow, type FeedChange } from "sluice";
import { memoryStore } from "sluice/memory";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { followRun, type FollowedRun } from "./follow.ts";

const open: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.stop();
});

function gate() {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** An engine with a workflow of two stages, the second of which waits until it is let report, and then until it is let go. */
function gated() {
  const report = gate();
  const end = gate();
  const text = z.object({ text: z.string() });
  const first = defineStage({
    id: "first",
    name: "First",
    schemas: { input: text, output: text },
    execute: ({ input }) => ({ output: input }),
  });
  const second = defineStage({
    id: "second",
    name: "Second",
    schemas: { input: text, output: z.number() },
    async execute(ctx) {
      await report.passed;
      ctx.onProgress({ progress: 0.5, message: "half way" });
      await end.passed;
      return { output: ctx.input.text.length };
    },
  });
  const workflow = defineWorkflow({ id: "w", name: "W", input: text }).pipe(first).pipe(second).build();
  const engine = createEngine({ workflows: [workflow], store: memoryStore() });
  open.push(engine);
  const follow = (source: Parameters<typeof followRun>[0], runId: string): FollowedRun => {
    const run = followRun(source, runId, (flush) => queueMicrotask(flush));
    open.push(run);
    return run;
  };
  const letGo = (): void => {
    report.open();
    end.open();
  };
  return { engine, workflow, letReport: report.open, letGo, follow };
}

describe("followRun", () => {
  it("shows a run live: its stages, its progress and its events to the end", async () => {
    const { engine, workflow, letReport, letGo, follow } = gated();
    const handle = await engine.start(workflow, { text: "four" });
    const run = follow(engine, handle.id);
    letReport();
    await vi.waitFor(() => expect(run.stages.get("second")?.message).toBe("half way"));
    expect(run.stages.get("first")?.state).toBe("succeeded");
    expect(run.view.get()?.status).toBe("RUNNING");
    letGo();
    await vi.waitFor(() => expect(run.view.get()?.status).toBe("COMPLETED"));
    expect(run.events.get().map(({ sequence }) => sequence)).toEqual(
      run.events.get().map((_, index) => index + 1),
    );
    expect(run.snapshot.get()?.run.status).toBe("COMPLETED");
  });

  it("goes on when a settled run is run again", async () => {
    const { engine, workflow, letGo, follow } = gated();
    letGo();
    const handle = await engine.start(workflow, { text: "four" });
    await handle.result();
    const run = follow(engine, handle.id);
    await vi.waitFor(() => expect(run.view.get()?.status).toBe("COMPLETED"));
    await handle.rerunFrom("second");
    await vi.waitFor(() => expect(run.view.get()).toMatchObject({ status: "COMPLETED", epoch: 2 }));
    expect(run.stages.get("second")?.attempts).toHaveLength(2);
  });

  it("says that a run is missing, and finds it when it comes after all", async () => {
    const { engine, workflow, letGo, follow } = gated();
    letGo();
    const handle = await engine.start(workflow, { text: "x" });
    await handle.result();
    let isThere = false;
    const source = {
      inspect: async (runId: string) => (isThere ? engine.inspect(runId) : null),
      events: engine.events.bind(engine),
      subscribe: engine.subscribe.bind(engine),
    };
    const run = follow(source, handle.id);
    await vi.waitFor(() => expect(run.finding.get()).toBe("missing"));
    isThere = true;
    await handle.rerunFrom("first");
    await vi.waitFor(() => expect(run.finding.get()).toBe("found"));
  });

  it("hands on why a run can't be read", async () => {
    const { follow } = gated();
    const error = new Error("the database is gone");
    const broken = {
      inspect: () => Promise.reject(error),
      events: () => Promise.resolve([]),
      subscribe: () => () => {},
    };
    const run = follow(broken, "r");
    await vi.waitFor(() => expect(run.finding.get()).toEqual({ error }));
  });

  it("reads again after a gap in the feed, though no change was told", async () => {
    const { engine, workflow, letGo, follow } = gated();
    const handle = await engine.start(workflow, { text: "four" });
    let tell: (changes: readonly FeedChange[]) => void = () => {};
    const deaf = {
      inspect: engine.inspect.bind(engine),
      events: engine.events.bind(engine),
      subscribe: (listener: typeof tell) => {
        tell = listener;
        return () => {};
      },
    };
    const run = follow(deaf, handle.id);
    await vi.waitFor(() => expect(run.view.get()?.status).toBe("RUNNING"));
    letGo();
    await handle.result();
    tell([{ kind: "gap" }]);
    await vi.waitFor(() => expect(run.view.get()?.status).toBe("COMPLETED"));
  });

  it("stops listening", async () => {
    const { engine, workflow, letGo, follow } = gated();
    const handle = await engine.start(workflow, { text: "four" });
    const run = follow(engine, handle.id);
    await vi.waitFor(() => expect(run.view.get()?.status).toBe("RUNNING"));
    run.stop();
    letGo();
    await handle.result();
    expect(run.view.get()?.status).toBe("RUNNING");
  });
});
