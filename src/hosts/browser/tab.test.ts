import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { definePlugin, type Workflow } from "../../define/index.ts";
import type { RunHandle } from "../../client/api.ts";
import { deferred } from "../../runner/runner.test-helper.ts";
import { type Body, flow, stage } from "../pump.test-helper.ts";
import { type TestTab, until, World } from "./tabs.test-helper.ts";

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

/** What a stage did, in which tab. */
const say =
  (log: string[], tab: string): Body =>
  ({ input }) => {
    log.push(tab);
    return { output: input };
  };

const simple = (log: string[], tab: string): Workflow[] => [
  flow("w", stage("a", say(log, tab)), stage("b", say(log, tab))),
];

const leads = (tab: TestTab): boolean => tab.state?.role === "leader";
const follows = (tab: TestTab): boolean => tab.state?.role === "follower";

async function completions(run: RunHandle, tab: TestTab): Promise<string[]> {
  const events = await tab.engine.events({ runId: run.id });
  return events
    .filter(({ type }) => type === "stage:completed")
    .map(({ payload }) => (payload as { stageId: string }).stageId);
}

describe("tabs of one database", () => {
  it("elect one leader, and all start, execute and see runs", async () => {
    const log: string[] = [];
    const tabs = [1, 2, 3].map((n) => world.tab({ workflows: simple(log, `tab-${n}`) }));
    await until(() => tabs.filter(leads).length === 1 && tabs.filter(follows).length === 2);
    const runs = await Promise.all(tabs.map((tab) => tab.engine.start("w", 7)));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual([7, 7, 7]);
    expect(new Set(log)).toEqual(new Set(["tab-1", "tab-2", "tab-3"]));
    const [first] = runs;
    for (const tab of tabs) {
      expect((await tab.engine.runs()).rows).toHaveLength(3);
      expect(await (await tab.engine.get(first?.id ?? ""))?.result()).toBe(7);
    }
  });

  it("go on when the leader dies: its own work is counted as crashed, that of others isn't", async () => {
    const gate = deferred();
    const started: string[] = [];
    const slow = (tab: string): Workflow[] => [
      flow(
        "w",
        stage("a", async ({ input }) => {
          started.push(tab);
          if (started.length <= 2) await gate.promise;
          return { output: input };
        }),
        stage("b"),
      ),
    ];
    const first = world.tab({ workflows: slow("tab-1") });
    await until(() => leads(first));
    const second = world.tab({ workflows: slow("tab-2") });
    await until(() => follows(second));
    const own = await first.engine.start("w", 1);
    const other = await second.engine.start("w", 2);
    await until(() => started.length === 2);
    expect(started).toEqual(["tab-1", "tab-2"]);
    first.kill();
    for (const { id } of [own, other]) await (await second.engine.get(id))?.result();
    gate.resolve();
    expect(started).toHaveLength(4);
    expect(await completions(own, second)).toEqual(["a", "b"]);
    expect(await completions(other, second)).toEqual(["a", "b"]);
    const crashes = async (run: RunHandle): Promise<number[] | undefined> =>
      (await second.engine.inspect(run.id))?.stages
        .filter(({ stageId }) => stageId === "a")
        .map((record) => record.crashes);
    expect(await crashes(own)).toEqual([1]);
    expect(await crashes(other)).toEqual([0]);
  });

  it("don't count against a tab that it closed", async () => {
    const gate = deferred();
    let started = 0;
    const slow: Workflow[] = [
      flow(
        "w",
        stage("a", async ({ input }) => {
          started += 1;
          if (started <= 2) await gate.promise;
          return { output: input };
        }),
      ),
    ];
    const tabs = [world.tab({ workflows: slow })];
    await until(() => tabs.some(leads));
    tabs.push(world.tab({ workflows: slow }), world.tab({ workflows: slow }));
    const [first, second, third] = tabs as [TestTab, TestTab, TestTab];
    await until(() => follows(second) && follows(third));
    // First a follower that says so, then the leader, which only leaves a mark.
    const run = await second.engine.start("w", 1);
    await until(() => started === 1);
    second.tab.closing();
    await until(() => started === 2);
    world.marks.add(first.id);
    const worker = (await third.engine.inspect(run.id))?.jobs[0]?.worker;
    expect(worker).not.toBe(second.id);
    (worker === first.id ? first : third).kill();
    world.marks.add(worker ?? "");
    const left = worker === first.id ? third : first;
    const found = await left.engine.get(run.id);
    expect(await found?.result()).toBe(1);
    expect((await left.engine.inspect(run.id))?.stages[0]).toMatchObject({ crashes: 0, failures: 0 });
    gate.resolve();
  });

  it.each(["run.create", "run.rerunFrom", "run.fork", "run.signal"])(
    "send a call again that a dead leader didn't answer, and it is carried out once: %s",
    async (command) => {
      const workflows = [
        flow(
          "w",
          stage("a", ({ resumeState }) =>
            resumeState === undefined ? { suspended: true, state: 1, signal: "go" } : { output: 1 },
          ),
          stage("b"),
        ),
      ];
      const first = world.tab({ workflows });
      await until(() => leads(first));
      const second = world.tab({ workflows });
      await until(() => follows(second));
      const run = await second.engine.start("w", 0);
      await until(async () => (await run.status()) === "SUSPENDED");
      await run.cancel();
      const waiting = await second.engine.start("w", 0);
      await until(async () => (await waiting.status()) === "SUSPENDED");
      let died = 0;
      world.onDone = (call, args) => {
        const entries = call === "commit" ? (args[0] as { command: string }[]) : [];
        if (died > 0 || !entries.some((entry) => entry.command === command)) return;
        // It is in, and the answer never leaves.
        died += 1;
        first.kill();
      };
      if (command === "run.create") await second.engine.start("w", 1);
      if (command === "run.rerunFrom") expect((await run.rerunFrom("a")).deletedStages).toEqual(["a"]);
      if (command === "run.fork") await run.fork("a");
      if (command === "run.signal") expect(await waiting.signal("go")).toBe(true);
      expect(died).toBe(1);
      const { rows } = await second.engine.runs();
      expect(rows).toHaveLength(command === "run.create" || command === "run.fork" ? 3 : 2);
      expect((await second.engine.inspect(run.id))?.run.epoch).toBe(command === "run.rerunFrom" ? 2 : 1);
      if (command === "run.signal") expect(await waiting.result()).toBe("b");
    },
  );

  it("lose no call in the turmoil of a change of leaders", async () => {
    const first = world.tab({ workflows: simple([], "") });
    await until(() => leads(first));
    const second = world.tab({ workflows: simple([], "") });
    await until(() => follows(second));
    const calls = Array.from({ length: 20 }, (_, n) =>
      second.engine.start("w", n, n < 10 ? {} : { idempotencyKey: `k${n}` }),
    );
    calls.push(second.engine.start("w", 11, { idempotencyKey: "k11" }));
    await new Promise((resolve) => setTimeout(resolve, 1));
    first.kill();
    const runs = await Promise.all(calls);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    expect(await Promise.all(runs.map((one) => one.result()))).toEqual([...numbers, 11]);
    expect((await second.engine.runs({ limit: 100 })).rows).toHaveLength(20);
  });

  it("tell of changes across leaders, and say where some may be missing", async () => {
    const workflows = simple([], "");
    const first = world.tab({ workflows });
    await until(() => leads(first));
    const second = world.tab({ workflows });
    await until(() => follows(second));
    const kinds: string[] = [];
    second.engine.subscribe((changes) =>
      kinds.push(...changes.map((change) => (change.kind === "commit" ? change.status : change.kind))),
    );
    await (await first.engine.start("w", 1)).result();
    await until(() => kinds.includes("COMPLETED"));
    expect(kinds).not.toContain("gap");
    first.kill();
    await until(() => kinds.includes("gap"));
    kinds.length = 0;
    await (await second.engine.start("w", 1)).result();
    await until(() => kinds.includes("COMPLETED"));
  });

  it("let a newer build lead, which lets the older ones go on", async () => {
    const patienceMs = 100_000;
    const tabs = [1, 2].map((n) => world.tab({ workflows: simple([], `tab-${n}`), patienceMs }));
    await until(() => tabs.some(leads) && tabs.some(follows));
    const newer = world.tab({ workflows: [flow("n", stage("x"))], protocol: 2, patienceMs });
    await until(() => leads(newer) && tabs.every(follows));
    // The other one stood before the newer, and gave the lead back.
    expect(tabs.filter(({ states }) => states.some(({ role }) => role === "leader"))).toHaveLength(1);
    expect(await (await tabs[0]?.engine.start("w", 5))?.result()).toBe(5);
    expect(await (await newer.engine.start("n", 5)).result()).toBe("x");
    newer.kill();
    await until(() => tabs.some(leads));
    expect(await (await tabs[1]?.engine.start("w", 6))?.result()).toBe(6);
  });

  it("stop where they are too old to talk to who leads, and say so", async () => {
    const leader = world.tab({ workflows: simple([], "") });
    await until(() => leads(leader));
    const old = world.tab({ workflows: simple([], ""), protocol: 0 });
    await until(() => old.state?.role === "stopped");
    expect(old.state?.error).toMatchObject({
      code: "OUTDATED",
      message: expect.stringContaining("reload") as string,
    });
    expect(await (await leader.engine.start("w", 5)).result()).toBe(5);
  });

  it("replace a leader that is frozen, and fence it when it comes back", async () => {
    const log: string[] = [];
    const first = world.tab({ workflows: simple(log, "tab-1"), patienceMs: 50 });
    await until(() => leads(first));
    const others = [2, 3].map((n) => world.tab({ workflows: simple(log, `tab-${n}`), patienceMs: 50 }));
    await until(() => others.every(follows));
    const run = await first.engine.start("w", 1);
    await run.result();
    first.freeze();
    const waits = first.engine.start("w", 2);
    const [second] = others;
    expect(await (await second?.engine.start("w", 3))?.result()).toBe(3);
    expect(others.filter(leads)).toHaveLength(1);
    first.thaw();
    await until(() => follows(first));
    expect(await (await waits).result()).toBe(2);
    expect(others.filter(leads)).toHaveLength(1);
    expect((await second?.engine.runs())?.rows).toHaveLength(3);
    // One of the two took the lead from it, once.
    expect(world.store().epoch).toBe(2);
  });

  it("don't let a frozen tab keep what it executes, and take it back when it wakes", async () => {
    const gate = deferred();
    const started: string[] = [];
    const slow = (tab: string): Workflow[] => [
      flow(
        "w",
        stage("a", async () => {
          started.push(tab);
          if (started.length === 1) await gate.promise;
          return { output: tab };
        }),
      ),
    ];
    const leader = world.tab({ workflows: slow("tab-1"), patienceMs: 50 });
    await until(() => leads(leader));
    const other = world.tab({ workflows: slow("tab-2"), patienceMs: 50 });
    await until(() => follows(other));
    const run = await other.engine.start("w", 1);
    await until(() => started.length === 1);
    other.freeze();
    expect(await (await leader.engine.get(run.id))?.result()).toBe("tab-1");
    expect((await leader.engine.inspect(run.id))?.stages[0]).toMatchObject({ crashes: 0, attempt: 2 });
    other.thaw();
    gate.resolve();
    expect(await run.result()).toBe("tab-1");
    expect(await (await other.engine.start("w", 1)).result()).toBe("tab-2");
    expect(started).toEqual(["tab-2", "tab-1", "tab-2"]);
  });

  it("that can't open the database say why, keep nobody waiting, and let others try", async () => {
    let broken: Error | null = new Error("no room");
    const first = world.tab({ workflows: simple([], ""), refuses: () => broken });
    const call = first.engine.start("w", 1);
    await expect(call).rejects.toMatchObject({ message: "no room" });
    await until(() => first.state?.error !== null);
    expect(first.state).toMatchObject({ role: "connecting", error: { message: "no room" } });
    const second = world.tab({ workflows: simple([], "") });
    await until(() => leads(second) && follows(first));
    expect(first.state?.error).toBeNull();
    expect(await (await first.engine.start("w", 1)).result()).toBe(1);
    broken = null;
    second.kill();
    await until(() => leads(first));
    expect(await (await first.engine.start("w", 2)).result()).toBe(2);
  });

  it("are apart where their databases are", async () => {
    const one = world.tab({ workflows: simple([], ""), database: "a" });
    const two = world.tab({ workflows: simple([], ""), database: "a%3Atab" });
    await until(() => leads(one) && leads(two));
    await (await one.engine.start("w", 1)).result();
    expect((await one.engine.runs()).rows).toHaveLength(1);
    expect((await two.engine.runs()).rows).toHaveLength(0);
  });

  it("hand over in order when a leader is stopped", async () => {
    const log: string[] = [];
    const first = world.tab({ workflows: simple(log, "tab-1") });
    await until(() => leads(first));
    const second = world.tab({ workflows: simple(log, "tab-2") });
    await until(() => follows(second));
    const run = await first.engine.start("w", 1);
    await run.result();
    await first.engine.stop();
    await until(() => leads(second));
    expect(await (await second.engine.get(run.id))?.result()).toBe(1);
    await expect(first.engine.start("w", 1)).rejects.toMatchObject({ code: "STOPPED" });
    expect(first.errors).toEqual([]);
  });

  it("are all stopped when one erases the database", async () => {
    const tabs = [1, 2, 3].map(() => world.tab({ workflows: simple([], "") }));
    await until(() => tabs.some(leads) && tabs.filter(follows).length === 2);
    const follower = tabs.find(follows);
    await (await follower?.engine.start("w", 1))?.result();
    await follower?.backend.peer.call("erase", []);
    await until(() => tabs.every(({ state }) => state?.role === "stopped"));
    expect(world.databases.size).toBe(0);
    const again = world.tab({ workflows: simple([], "") });
    await until(() => leads(again));
    expect((await again.engine.runs()).rows).toEqual([]);
  });

  it("are not disturbed by what isn't of their protocol", async () => {
    const leader = world.tab({ workflows: simple([], "") });
    const follower = world.tab({ workflows: simple([], "") });
    await until(() => [leader, follower].some(leads) && [leader, follower].some(follows));
    for (const junk of [
      null,
      5,
      {},
      { protocol: "x" },
      { protocol: 1, tab: "t", epoch: 1, session: 1, kind: "odd" },
    ]) {
      world.post("leader", junk);
      world.post(`to:${follower.id}`, junk);
      world.post(`to:${leader.id}`, junk);
    }
    expect(await (await follower.engine.start("w", 1)).result()).toBe(1);
  });

  it("step down when another leads without the lock, and stand again", async () => {
    const tab = world.tab({ workflows: simple([], "") });
    await until(() => leads(tab));
    world.store().epoch += 1;
    expect(await (await tab.engine.start("w", 1)).result()).toBe(1);
    expect(tab.states.map(({ role, epoch }) => [role, epoch])).toEqual([
      ["leader", 1],
      ["connecting", 0],
      ["leader", 3],
    ]);
  });

  it("leave a tab that lives in peace, however long its stages take", async () => {
    const gate = deferred();
    const workflows = [
      flow(
        "w",
        stage("a", () => gate.promise),
      ),
    ];
    const leader = world.tab({ workflows, patienceMs: 20 });
    await until(() => leads(leader));
    const other = world.tab({ workflows, patienceMs: 20 });
    await until(() => follows(other));
    const run = await other.engine.start("w", 1);
    const until6Looks = Date.now() + 6 * 20;
    await until(() => Date.now() > until6Looks);
    gate.resolve();
    await run.result();
    expect((await other.engine.inspect(run.id))?.stages[0]).toMatchObject({ attempt: 1, worker: other.id });
    expect(other.states.filter(({ role }) => role === "connecting")).toEqual([]);
  });

  it.each(["leader", "follower"])("claim what waits as soon as a %s has the code", async (role) => {
    const workflows = simple([], "");
    const leader = world.tab({ workflows, servesLater: true, longestTimer: 300 });
    await until(() => leads(leader));
    const follower = world.tab({ workflows, servesLater: true, longestTimer: 300 });
    await until(() => follows(follower));
    const run = await leader.engine.start(workflows[0] as Workflow, 1);
    expect((await leader.engine.inspect(run.id))?.stages).toEqual([]);
    const tab = role === "leader" ? leader : follower;
    tab.serve();
    expect(await run.result()).toBe(1);
    expect((await leader.engine.inspect(run.id))?.stages[0]?.worker).toBe(tab.id);
  });

  it("clear the notes of tabs that closed", async () => {
    const leader = world.tab({ workflows: simple([], "") });
    await until(() => leads(leader));
    const other = world.tab({ workflows: simple([], "") });
    await until(() => follows(other));
    world.marks.add(other.id);
    other.kill();
    await until(() => world.marks.size === 0);
  });

  it("hand an event that a tab was busy with when it died to another that has the subscriber", async () => {
    const busy = deferred();
    const plugin = (handle: () => void | Promise<void>) => [
      definePlugin({ name: "p", handlers: { "workflow:completed": handle } }),
    ];
    const workflows = simple([], "");
    const leader = world.tab({ workflows });
    await until(() => leads(leader));
    const first = world.tab({ workflows, plugins: plugin(() => busy.promise) });
    await until(() => follows(first));
    const second = world.tab({ workflows, plugins: plugin(() => undefined) });
    await until(() => follows(second));
    const run = await leader.engine.start("w", 1);
    await until(() => first.delivered.some(({ type }) => type === "workflow:completed"));
    first.kill();
    await until(() => second.delivered.some(({ type }) => type === "workflow:completed"));
    expect(await leader.engine.deadLetters()).toEqual([]);
    await (await leader.engine.start("w", 1)).result();
    await until(() => second.delivered.filter(({ type }) => type === "workflow:completed").length === 2);
    expect(second.delivered.filter(({ id }) => id.startsWith(run.id)).at(-1)?.type).toBe(
      "workflow:completed",
    );
  });
});
