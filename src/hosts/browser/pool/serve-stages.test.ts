import { describe, expect, it } from "vitest";
import { serveStagesIn } from "./serve-stages.ts";
import { FakeLocks } from "../locks.test-helper.ts";
import { FakeThread } from "./threads.test-helper.ts";
import { flow, poolRig, stage } from "./pool.test-helper.ts";

const workflow = flow(
  "w",
  stage("a", () => ({ output: 1 })),
);
const thread = () => new FakeThread("t", new FakeLocks());

describe("serveStages", () => {
  it("speaks first, and holds its lock before it says what it has code for", async () => {
    const { start, pool, locks, clock } = poolRig();
    const posted: unknown[] = [];
    const one = thread();
    one.onPost = (message) => posted.push(message);
    one.serve([workflow]);
    expect(posted).toEqual([{ sluice: "serves", protocol: 1 }]);
    await start("1", [workflow]);
    expect(locks.holder("sluice:db:stage:1")).toBe("1");
    expect([...pool.handlers]).toEqual(["w/a"]);
    pool.close();
    await clock.settle();
  });

  it("works without locks, as on an insecure page", async () => {
    const { pool, clock } = poolRig(false);
    const one = thread();
    serveStagesIn(one.scope, undefined, [workflow]);
    const { port1, port2 } = new MessageChannel();
    one.hear({ sluice: "join", lock: "l", port: port2 });
    pool.attach("1", port1 as never);
    await clock.settle();
    expect([...pool.handlers]).toEqual(["w/a"]);
    pool.close();
  });

  it("names its build by its graphs", async () => {
    const { start, pool, clock } = poolRig();
    const other = flow(
      "w",
      stage("b", () => ({ output: 1 })),
    );
    await start("1", [workflow]);
    await start("2", [workflow]);
    await start("3", [other]);
    const [one, same, different] = pool.list().map(({ build }) => build);
    expect(one).toMatch(/^[0-9a-f]{12}$/);
    expect(same).toBe(one);
    expect(different).not.toBe(one);
    pool.close();
    await clock.settle();
  });

  it.each([
    ["no list", (one: FakeThread) => one.serve(workflow as never), "INVALID_OPTION"],
    ["a workflow that wasn't built", (one: FakeThread) => one.serve([{} as never]), "INVALID_DEFINITION"],
    ["two of one id", (one: FakeThread) => one.serve([workflow, workflow]), "INVALID_DEFINITION"],
    ["a build that is no name", (one: FakeThread) => one.serve([workflow], { build: "" }), "INVALID_OPTION"],
    ["options that are none", (one: FakeThread) => one.serve([workflow], 1 as never), "INVALID_OPTION"],
    [
      "a second call",
      (one: FakeThread) => {
        one.serve([workflow]);
        one.serve([workflow]);
      },
      "INVALID_DEFINITION",
    ],
    [
      "a page",
      (one: FakeThread) => {
        Object.assign(one.scope, { document: {} });
        one.serve([workflow]);
      },
      "INVALID_DEFINITION",
    ],
  ])("refuses %s", (_, act, code) => {
    expect(() => act(thread())).toThrow(expect.objectContaining({ code }) as Error);
  });

  it("leaves messages that aren't its own alone", async () => {
    const one = thread();
    one.serve([workflow]);
    for (const data of [null, 1, "join", {}, { sluice: "other" }]) one.hear(data);
    expect(one.isAlive).toBe(true);
  });
});
