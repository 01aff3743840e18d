import { afterEach, describe, expect, it } from "vitest";
import { StoreClosedError } from "../../../errors.ts";
import type { Executor, StageTask } from "../../../ports/executor.ts";
import { Memo } from "../../../runner/runner.test-helper.ts";
import { virtualClock } from "../../../testing/clock.ts";
import { type Link, Peer } from "../../remote/peer.ts";
import { flow, poolRig, type PoolRig, stage, taskOf } from "./pool.test-helper.ts";
import { RemoteExecutor } from "./remote-executor.ts";
import { type ServedExecutor, serveExecutor } from "./serve-executor.ts";
import type { Caller } from "./wire.ts";

const channels: BroadcastChannel[] = [];
let rig: PoolRig | null = null;
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
  rig?.pool.close();
});

let names = 0;

/** A link over a pair of BroadcastChannels, as between tabs. */
function channelLink(out: string, back: string): Link {
  const to = new BroadcastChannel(out);
  const from = new BroadcastChannel(back);
  channels.push(to, from);
  return {
    post: to.postMessage.bind(to),
    listen: (listener) => {
      const hear = (event: object): void => listener((event as { readonly data: unknown }).data);
      from.addEventListener("message", hear as never);
      return () => from.removeEventListener("message", hear as never);
    },
  };
}

/** An executor here, asked from another tab. */
function linked(executor: Executor) {
  names += 1;
  const clock = virtualClock({ turns: 12 });
  const near: Caller = { call: (m, a) => nearPeer.call(m, a), tell: (m, a) => nearPeer.tell(m, a) };
  const far: Caller = { call: (m, a) => farPeer.call(m, a), tell: (m, a) => farPeer.tell(m, a) };
  let offers = 0;
  const remote = new RemoteExecutor(near, { clock, onOffer: () => (offers += 1) });
  const served: ServedExecutor = serveExecutor(executor, far);
  const nearPeer = new Peer({ clock, handlers: remote.answers, name: "the tab" });
  const farPeer = new Peer({ clock, handlers: served.handlers, name: "the leader" });
  nearPeer.attach(channelLink(`test-${names}-a`, `test-${names}-b`));
  farPeer.attach(channelLink(`test-${names}-b`, `test-${names}-a`));
  return { clock, remote, served, far, nearPeer, offers: () => offers };
}

/** An executor that keeps what it is given. */
function keeper() {
  const tasks: StageTask[] = [];
  const aborted: string[] = [];
  const executor: Executor = {
    handlers: new Set(),
    execute: (task) => {
      tasks.push(task);
      return { outcome: new Promise(() => undefined), abort: (reason) => void aborted.push(reason) };
    },
    check: (task) => {
      tasks.push(task);
      return { outcome: Promise.resolve({ kind: "waiting", checkIn: 7 }), abort: () => undefined };
    },
  };
  return { tasks, aborted, executor };
}

const workflow = flow(
  "w",
  stage("a", () => ({ output: 1 })),
  stage("b", () => ({ output: 1 })),
);
const config = (value: unknown) => ({ config: { kind: "value" as const, value } });

describe("RemoteExecutor", () => {
  it("reaches a pool in another tab, and a body there what it asks for here", async () => {
    rig = poolRig();
    const asks = flow(
      "w",
      stage("a", async (ctx) => {
        ctx.log("INFO", "begun", undefined);
        await ctx.storage.put("page", new Blob(["text"]));
        return { output: { names: await ctx.storage.list() } };
      }),
    );
    await rig.start("1", [asks]);
    const { remote, far, clock, offers } = linked(rig.pool);
    far.tell("offer", [rig.pool.offer]);
    await clock.settle();
    expect(offers()).toBe(1);
    expect([...remote.handlers]).toEqual(["w/a"]);
    expect(remote.offer.graphs).toEqual([asks.graph]);
    const observer = new Memo();
    const outcome = await remote.execute(taskOf(asks, "a"), observer).outcome;
    expect(outcome).toMatchObject({ kind: "completed", output: { value: { names: ["page"] } } });
    expect(outcome).not.toHaveProperty("value");
    expect(observer.lines).toMatchObject([{ message: "begun" }]);
    expect([...observer.blobs.keys()]).toHaveLength(1);
  });

  it("sends of a run's config the stage's own part", async () => {
    const { executor, tasks } = keeper();
    const { remote, clock } = linked(executor);
    void remote.execute(taskOf(workflow, "a", config({ a: { x: 1 }, b: { y: 2 } })), new Memo());
    void remote.execute(taskOf(workflow, "a", config({ b: { y: 2 } })), new Memo());
    await clock.settle();
    expect(tasks.map((task) => task.config)).toEqual([config({ a: { x: 1 } }).config, config({}).config]);
  });

  it("gives a large config of one run as one object, so that it is read once", async () => {
    const { executor, tasks } = keeper();
    const { remote, clock } = linked(executor);
    const large = (runId: string) => ({
      config: {
        kind: "blob" as const,
        codec: "devalue@6",
        size: 1,
        key: { runId, epoch: 0, stageId: "$run", attempt: 0, name: "config.value" },
      },
    });
    for (const runId of ["r", "r", "s"]) void remote.execute(taskOf(workflow, "a", large(runId)), new Memo());
    await clock.settle();
    expect(tasks[1]?.config).toBe(tasks[0]?.config);
    expect(tasks[2]?.config).not.toBe(tasks[0]?.config);
    expect(tasks[2]?.config).toEqual(large("s").config);
  });

  it("asks checks, and tells one execution to stop, or all", async () => {
    const { executor, aborted } = keeper();
    const { remote, clock, served } = linked(executor);
    expect(await remote.check(taskOf(workflow, "a"), new Memo()).outcome).toEqual({
      kind: "waiting",
      checkIn: 7,
    });
    const one = remote.execute(taskOf(workflow, "a"), new Memo());
    void remote.execute(taskOf(workflow, "b"), new Memo());
    await clock.settle();
    one.abort("cancelled");
    one.abort("draining");
    await clock.settle();
    expect(aborted).toEqual(["cancelled"]);
    served.abortAll("lease-lost");
    expect(aborted).toEqual(["cancelled", "lease-lost", "lease-lost"]);
  });

  it.each(["crashed", "draining", "lease-lost"] as const)("ends what is under way as %s", async (loss) => {
    const { executor } = keeper();
    const { remote } = linked(executor);
    const outcomes = ["a", "b"].map((id) => remote.execute(taskOf(workflow, id), new Memo()).outcome);
    remote.end(loss);
    const kind = loss === "crashed" ? { kind: loss } : { kind: "aborted", reason: loss };
    for (const outcome of outcomes) expect(await outcome).toEqual({ ...kind, events: [], blobs: [] });
    expect(remote.executions.size).toBe(0);
  });

  it("rejects with what the link ended by, where nobody said how", async () => {
    const { executor } = keeper();
    const { remote, nearPeer } = linked(executor);
    const { outcome } = remote.execute(taskOf(workflow, "a"), new Memo());
    nearPeer.close(new StoreClosedError("test"));
    await expect(outcome).rejects.toBeInstanceOf(StoreClosedError);
    await expect(remote.execute(taskOf(workflow, "a"), new Memo()).outcome).rejects.toBeInstanceOf(
      StoreClosedError,
    );
  });

  it("serves nobody whose execution it doesn't know", async () => {
    const { executor } = keeper();
    const { far, clock } = linked(executor);
    await clock.settle();
    await expect(far.call("task:logs", [99, {}])).rejects.toMatchObject({ code: "STOPPED" });
  });
});
