import { expect, it } from "vitest";
import type { Backend, FeedChange } from "../hosts/remote/backend.ts";
import type { LoadedRun, RunScope } from "../ports/store.ts";
import { randomIds } from "../runner/platform.ts";
import { virtualClock } from "../testing/clock.ts";
import { flow, stage } from "../hosts/pump.test-helper.ts";
import { EngineClient } from "./client.ts";

it("reads again what it waits for where changes may have been missed, long before its own net does", async () => {
  const clock = virtualClock();
  const { graph } = flow("w", stage("a"));
  let status = "RUNNING";
  let publish: (changes: readonly FeedChange[]) => void = () => undefined;
  const backend = {
    find: async ({ runId }: RunScope) =>
      ({
        run: { id: runId, workflowId: "w", status, graph: graph.hash },
        graph,
        stages: [],
      }) as unknown as LoadedRun,
    subscribe: (listener: typeof publish) => {
      publish = listener;
      return () => undefined;
    },
  } as unknown as Backend;
  const engine = new EngineClient({
    backend,
    clock,
    ids: randomIds(),
    workflows: [],
    isRemote: true,
    onStop: async () => undefined,
  });
  const run = await engine.get("r");
  const result = run?.result();
  let isOver = false;
  const settled = result?.catch((error: unknown) => {
    isOver = true;
    return error;
  });
  await clock.settle();
  status = "CANCELLED";
  await clock.settle();
  expect(isOver).toBe(false);
  publish([{ kind: "gap" }]);
  expect(await settled).toMatchObject({ code: "RUN_CANCELLED" });
});
