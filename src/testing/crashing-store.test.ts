import { describe, expect, it } from "vitest";
import { memoryStore } from "../../adapters/memory/index.ts";
import { StorageFullError } from "../errors.ts";
import type { Entry } from "../ports/store.ts";
import {
  type CrashingStoreOptions,
  crashingStore,
  InterruptedError,
  type StoreFault,
  WriteFaults,
} from "./crashing-store.ts";

function creation(runId: string): Entry {
  return {
    id: `e-${runId}`,
    runId,
    command: "run.create",
    guards: {},
    create: {
      id: runId,
      workflowId: "wf",
      graph: "graph",
      priority: 0,
      key: runId,
      forkedFrom: null,
      status: "PENDING",
      epoch: 1,
      group: 0,
      error: null,
      delivered: false,
    },
    events: [{ type: "workflow:created", payload: { graph: "graph", priority: 0 } }],
  };
}

/** A store whose calls all meet one fault, what was underneath it, and how often the process ended. */
function bench(fault: StoreFault | null, options: Partial<CrashingStoreOptions> = {}) {
  const writes = new WriteFaults();
  const inner = memoryStore({ faults: writes });
  let crashes = 0;
  const store = crashingStore(inner, {
    before: () => fault,
    crash: () => {
      crashes += 1;
    },
    writes,
    ...options,
  });
  return { inner, store, crashes: () => crashes };
}

/** Whether a promise comes to anything. */
async function ends(promise: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const note = (): void => {
    ended = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

describe("crashingStore", () => {
  it("passes everything through where nothing befalls", async () => {
    const { store, inner } = bench(null);
    const [verdict] = await store.commit([creation("r1")]);
    expect(verdict?.status).toBe("committed");
    expect(await store.run("r1")).toEqual(await inner.run("r1"));
    expect(store.kind).toBe("memory");
  });

  it.each([
    ["crash-before", false],
    ["crash-after", true],
  ] as const)("%s: never answers, and what was done is %s", async (kind, isDone) => {
    const { store, inner, crashes } = bench({ kind });
    expect(await ends(store.commit([creation("r1")]))).toBe(false);
    expect(crashes()).toBe(1);
    expect((await inner.run("r1")) !== null).toBe(isDone);
  });

  it("crash-during: never answers, and the whole transaction is rolled back", async () => {
    const { store, inner, crashes } = bench({ kind: "crash-during", write: 3 });
    expect(await ends(store.commit([creation("r1"), creation("r2")]))).toBe(false);
    expect(crashes()).toBe(1);
    expect([await inner.run("r1"), await inner.run("r2")]).toEqual([null, null]);
  });

  it("torn: rejects with everything rolled back; where there are fewer writes than that, the answer is lost", async () => {
    const early = bench({ kind: "torn", write: 1 });
    await expect(early.store.commit([creation("r1")])).rejects.toThrow(InterruptedError);
    expect(await early.inner.run("r1")).toBeNull();
    const late = bench({ kind: "torn", write: 1000 });
    expect(await late.store.commit([creation("r1")])).toMatchObject([{ status: "unknown" }]);
    expect(await late.inner.run("r1")).not.toBeNull();
  });

  it.each([
    ["down", InterruptedError],
    ["full", StorageFullError],
  ] as const)("%s: rejects, and nothing was done", async (kind, error) => {
    const { store, inner } = bench({ kind });
    await expect(store.commit([creation("r1")])).rejects.toThrow(error);
    expect(await inner.run("r1")).toBeNull();
  });

  it.each([
    ["lost-before", false],
    ["lost-after", true],
  ] as const)("%s: a commit's verdicts are unknown, other calls reject", async (kind, isDone) => {
    const { store, inner } = bench({ kind });
    const verdicts = await store.commit([creation("r1"), creation("r2")]);
    expect(verdicts.map(({ status }) => status)).toEqual(["unknown", "unknown"]);
    expect((await inner.run("r2")) !== null).toBe(isDone);
    await expect(store.register(["audit"])).rejects.toThrow(InterruptedError);
    expect((await inner.register([])).subscribers.map(({ name }) => name)).toEqual(isDone ? ["audit"] : []);
  });

  it("tells what was done whatever the caller is told, and nothing where nothing was", async () => {
    const done: string[] = [];
    for (const kind of ["crash-before", "down", "lost-before", "lost-after", "crash-after"] as const) {
      const { store } = bench({ kind }, { done: ({ method }) => done.push(`${kind} ${method}`) });
      await ends(store.commit([creation("r1")]));
    }
    expect(done).toEqual(["lost-after commit", "crash-after commit"]);
  });

  it("passes the change feed on when it is told to", async () => {
    const held: (() => void)[] = [];
    const { store } = bench(null, { feed: (_, pass) => held.push(pass) });
    const heard: string[] = [];
    store.subscribe((changes) => heard.push(...changes.map(({ runId }) => runId)));
    await store.commit([creation("r1")]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([]);
    for (const pass of held) pass();
    expect(heard).toEqual(["r1"]);
  });
});
