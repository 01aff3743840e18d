import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import type { Entry, Store, Verdict } from "../ports/store.ts";
import { Committer, type CommitterOptions, fold } from "./committer.ts";
import { startedJob } from "./decide.test-helper.ts";
import { graphOf, StillClock, settle } from "./kernel.test-helper.ts";
import { type Watch, watchStore } from "./watch.test-helper.ts";

const graph = graphOf([["a", "b", "c", "d"]]);
let ids = 0;

function entryOf(runId: string, change: Partial<Entry> = {}): Entry {
  ids += 1;
  return { id: `entry-${ids}`, runId, command: "test", guards: {}, events: [], ...change };
}

function creation(runId: string): Entry {
  const jobs = graph.stages.map(({ id }) => startedJob(id, { runId, token: 1 }));
  return entryOf(runId, {
    create: {
      id: runId,
      workflowId: "wf",
      graph: graph.hash,
      priority: 0,
      key: runId,
      forkedFrom: null,
      status: "RUNNING",
      epoch: 1,
      group: 0,
      error: null,
      delivered: false,
    },
    graph,
    jobs,
    counters: { set: { remaining: jobs.length, active: jobs.length } },
  });
}

/** A sibling's finish. */
function finishOf(runId: string, stageId: string, token = 1): Entry {
  return entryOf(runId, {
    guards: { epoch: 1, jobs: [{ stageId, token }] },
    dropJobs: [stageId],
    counters: { add: { remaining: -1, active: -1 } },
    events: [{ type: "stage:completed", payload: { stageId, epoch: 1, attempt: 1 } }],
  });
}

function bench(options: Partial<CommitterOptions> = {}): {
  watch: Watch;
  store: Store;
  clock: StillClock;
  committer: Committer;
} {
  const clock = new StillClock();
  const watch = watchStore(memoryStore({ clock }));
  const committer = new Committer({ store: watch.store, clock, maxBatch: 100, parallel: 1, ...options });
  return { watch, store: watch.store, clock, committer };
}

const statusOf = ({ verdict }: { verdict: { status: string } }): string => verdict.status;

describe("group commit", () => {
  it("takes entries that arrive together to the store in one commit", async () => {
    const { committer, watch } = bench();
    const outcomes = await Promise.all(["r1", "r2", "r3"].map((runId) => committer.submit(creation(runId))));
    expect(outcomes.map(statusOf)).toEqual(["committed", "committed", "committed"]);
    expect(watch.commits.map((entries) => entries.length)).toEqual([3]);
  });

  it("gives each entry its own verdict", async () => {
    const { committer, watch } = bench();
    await committer.submit(creation("r1"));
    const outcomes = await Promise.all([
      committer.submit(entryOf("r1", { guards: { version: 7 } })),
      committer.submit(creation("r2")),
      committer.submit(entryOf("nobody")),
      committer.submit(
        entryOf("r3", {
          ...creation("r3"),
          body: {
            runId: "r3",
            input: { kind: "value", value: () => 1 },
            config: { kind: "value", value: 1 },
          },
        }),
      ),
    ]);
    expect(outcomes.map(({ verdict }) => ("guard" in verdict ? verdict.guard : verdict.status))).toEqual([
      "version",
      "committed",
      "run",
      "invalid",
    ]);
    expect(watch.commits).toHaveLength(2);
  });

  it("takes what waits meanwhile with the next commit, no more than the batch may hold", async () => {
    const { committer, watch } = bench({ maxBatch: 2 });
    const first = committer.submit(creation("r0"));
    await Promise.resolve();
    const others = ["r1", "r2", "r3"].map((runId) => committer.submit(creation(runId)));
    await Promise.all([first, ...others]);
    expect(watch.commits.map((entries) => entries.map(({ runId }) => runId))).toEqual([
      ["r0"],
      ["r1", "r2"],
      ["r3"],
    ]);
  });

  it("keeps as many commits under way as it may, and never two of one run", async () => {
    const { committer, watch } = bench({ parallel: 2 });
    const open: (() => void)[] = [];
    watch.onCommit = async (_, commit) => {
      await new Promise<void>((resolve) => open.push(resolve));
      return commit();
    };
    const submitted = [committer.submit(creation("r1"))];
    await settle();
    submitted.push(committer.submit(finishOf("r1", "a")), committer.submit(creation("r2")));
    await settle();
    submitted.push(committer.submit(creation("r3")));
    await settle();
    expect(watch.commits.map((entries) => entries.map(({ runId }) => runId))).toEqual([["r1"], ["r2"]]);
    for (let turn = 0; turn < 4; turn += 1) {
      for (const release of open.splice(0)) release();
      await settle();
    }
    expect((await Promise.all(submitted)).map(statusOf)).toEqual([
      "committed",
      "committed",
      "committed",
      "committed",
    ]);
    expect(
      watch.commits
        .slice(2)
        .flatMap((entries) => entries.map(({ runId }) => runId))
        .sort(),
    ).toEqual(["r1", "r3"]);
  });

  it("rejects what the store took nothing of, and goes on", async () => {
    const { committer, watch } = bench();
    watch.onCommit = async () => {
      throw new Error("full");
    };
    const outcomes = await Promise.allSettled([
      committer.submit(creation("r1")),
      committer.submit(creation("r2")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    watch.onCommit = null;
    expect(statusOf(await committer.submit(creation("r1")))).toBe("committed");
  });

  it("adds what rides along just before an entry leaves, and tells of commits before their callers go on", async () => {
    const seen: string[] = [];
    const { committer, watch } = bench({
      ride: (entry) => ({ ...entry, command: "ridden" }),
      committed: (entry, { version }) => seen.push(`${entry.runId} ${version}`),
    });
    await committer.submit(creation("r1")).then(() => seen.push("caller"));
    expect(watch.commits[0]?.[0]?.command).toBe("ridden");
    expect(seen).toEqual(["r1 1", "caller"]);
  });
});

describe("siblings", () => {
  async function withRun() {
    const parts = bench();
    await parts.committer.submit(creation("r1"));
    parts.watch.commits.length = 0;
    return parts;
  }

  it("are folded into one entry, each with the sequence of its own events", async () => {
    const { committer, watch, store } = await withRun();
    const outcomes = await Promise.all(
      ["a", "b", "c"].map((stageId) => committer.submit(finishOf("r1", stageId))),
    );
    expect(outcomes.map(statusOf)).toEqual(["committed", "committed", "committed"]);
    expect(outcomes.map(({ from }) => from)).toEqual([1, 2, 3]);
    expect(watch.commits.map((entries) => entries.length)).toEqual([1]);
    expect((await store.run("r1"))?.run).toMatchObject({ remaining: 1, active: 1, version: 1, sequence: 3 });
    expect((await store.run("r1"))?.jobs.map(({ stageId }) => stageId)).toEqual(["d"]);
  });

  it("tell the last of them that counted that it is, so that what they bring about is followed up once", async () => {
    const { committer } = await withRun();
    const renewal = entryOf("r1", {
      guards: { epoch: 1, jobs: [{ stageId: "c", token: 1 }] },
      jobs: [startedJob("c", { runId: "r1", token: 1 })],
    });
    const outcomes = await Promise.all(
      [finishOf("r1", "a"), finishOf("r1", "b"), renewal].map((entry) => committer.submit(entry)),
    );
    expect(outcomes.map(({ last }) => last)).toEqual([false, true, false]);
    expect((await committer.submit(finishOf("r1", "d"))).last).toBe(true);
  });

  it("are each told their own verdict where one of them lost its lease", async () => {
    const { committer, store } = await withRun();
    const outcomes = await Promise.all([
      committer.submit(finishOf("r1", "a")),
      committer.submit(finishOf("r1", "b", 99)),
      committer.submit(finishOf("r1", "c")),
    ]);
    expect(outcomes.map(statusOf)).toEqual(["committed", "stale", "committed"]);
    expect((await store.run("r1"))?.run.remaining).toBe(2);
  });

  it("are each told their own verdict where one of them can't be stored", async () => {
    const { committer, store } = await withRun();
    const bad = finishOf("r1", "b");
    const outcomes = await Promise.all([
      committer.submit(finishOf("r1", "a")),
      committer.submit({
        ...bad,
        events: [{ type: "annotation:created", payload: { name: "x", value: () => 1 } }],
      }),
      committer.submit(finishOf("r1", "c")),
    ]);
    expect(outcomes.map(statusOf)).toEqual(["committed", "invalid", "committed"]);
    expect((await store.run("r1"))?.run.remaining).toBe(2);
  });

  it("never are two entries about the same job: the second sees what the first did", async () => {
    const { committer, store } = await withRun();
    const outcomes = await Promise.all([
      committer.submit(finishOf("r1", "a")),
      committer.submit(
        entryOf("r1", {
          guards: { epoch: 1, jobs: [{ stageId: "a", token: 1 }] },
          jobs: [startedJob("a", { runId: "r1", token: 2, worker: null, started: false })],
        }),
      ),
    ]);
    expect(outcomes.map(statusOf)).toEqual(["committed", "stale"]);
    expect((await store.run("r1"))?.jobs.map(({ stageId }) => stageId)).toEqual(["b", "c", "d"]);
  });

  it.each<[string, Partial<Entry>]>([
    [
      "moves the run",
      {
        guards: { epoch: 1 },
        state: { status: "RUNNING", epoch: 1, group: 0, error: null, delivered: false },
      },
    ],
    ["guards the version", { guards: { epoch: 1, version: 1 } }],
    ["guards the counter", { guards: { epoch: 1, remaining: 4 } }],
    ["speaks of another epoch", { guards: { epoch: 2 } }],
    ["moves a cursor", { guards: { epoch: 1 }, cursors: {} }],
    ["keeps a signal", { guards: { epoch: 1 }, signals: [] }],
    ["drops all jobs", { guards: { epoch: 1 }, dropJobs: "all" }],
    ["sets the counters", { guards: { epoch: 1 }, counters: { set: { remaining: 4, active: 4 } } }],
    [
      "holds an idempotency key",
      {
        guards: { epoch: 1 },
        key: {
          expect: null,
          put: {
            type: "t",
            key: "k",
            hash: "h",
            runId: "r1",
            entry: "e",
            createdAt: 0,
            expiresAt: null,
            open: null,
            result: null,
          },
        },
      },
    ],
  ])("aren't folded with an entry that %s", async (_, change) => {
    const { committer, watch } = await withRun();
    await Promise.all([committer.submit(finishOf("r1", "a")), committer.submit(entryOf("r1", change))]);
    expect(watch.commits.map((entries) => entries.length)).toEqual([1, 1]);
  });

  it("keep their order behind an entry that can't be folded", async () => {
    const { committer, watch } = await withRun();
    const last = finishOf("r1", "b");
    await Promise.all([
      committer.submit(finishOf("r1", "a")),
      committer.submit(entryOf("r1", { guards: { version: 1 } })),
      committer.submit(last),
    ]);
    expect(watch.commits.at(-1)?.[0]?.id).toBe(last.id);
    expect(watch.commits).toHaveLength(3);
  });

  it("are nothing to fold where there are none", () => {
    expect(() => fold([])).toThrow(RangeError);
  });
});

describe("a commit whose answer was lost", () => {
  const unknown = (entries: readonly Entry[]): Verdict[] =>
    entries.map(() => ({ status: "unknown", error: new Error("connection lost") }));

  it("is committed where the run knows its entry", async () => {
    const { committer, watch } = bench();
    watch.onCommit = async (entries, commit) => {
      await commit();
      return unknown(entries);
    };
    const { verdict } = await committer.submit(creation("r1"));
    expect(verdict).toMatchObject({ status: "committed", version: 1, remaining: 4 });
    watch.onCommit = null;
    expect(watch.commits).toHaveLength(1);
  });

  it("is decided again where the run doesn't, and fences nobody", async () => {
    const { committer, watch } = bench();
    await committer.submit(creation("r1"));
    watch.onCommit = async (entries) => unknown(entries);
    const outcomes = await Promise.all([
      committer.submit(finishOf("r1", "a")),
      committer.submit(creation("r2")),
    ]);
    expect(outcomes.map(({ verdict }) => verdict)).toEqual([
      { status: "stale", guard: "version" },
      { status: "stale", guard: "version" },
    ]);
  });

  it("holds only its own run back while it is settled", async () => {
    const { committer, watch, clock } = bench();
    await committer.submit(creation("r1"));
    let reachable = false;
    watch.onCommit = async (entries, commit) =>
      entries.some(({ runId }) => runId === "r1") ? unknown(entries) : commit();
    watch.afterLoad = () => {
      if (!reachable) throw new Error("no connection");
    };
    const lost = committer.submit(finishOf("r1", "a"));
    await settle();
    expect(statusOf(await committer.submit(creation("r2")))).toBe("committed");
    reachable = true;
    await clock.advance(50);
    expect(statusOf(await lost)).toBe("stale");
  });

  it("is an error to the caller where it can't be settled either", async () => {
    const { committer, watch, clock } = bench();
    watch.onCommit = async (entries) => unknown(entries);
    watch.afterLoad = () => {
      throw new Error("no connection");
    };
    const lost = committer.submit(creation("r1"));
    const told = expect(lost).rejects.toMatchObject({ code: "COMMIT_UNKNOWN" });
    await settle();
    await clock.advance(60_000);
    await told;
    watch.onCommit = null;
    watch.afterLoad = null;
    expect(statusOf(await committer.submit(creation("r1")))).toBe("committed");
  });
});
