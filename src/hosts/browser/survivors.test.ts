import { expect, it } from "vitest";
import { memoryStore } from "../../../adapters/memory/index.ts";
import { createKernel } from "../../runner/create-kernel.ts";
import { flow, stage } from "../pump.test-helper.ts";
import { PageMarks } from "./marks.ts";
import { namesOf } from "./platform.ts";
import { Survivors } from "./survivors.ts";

/** A store with one leased job for each of these holders. */
async function rig(holders: readonly string[], living: readonly string[], closed: readonly string[]) {
  const store = memoryStore();
  const kernel = createKernel({ store, workflows: [flow("w", stage("a"))] });
  for (const holder of holders) {
    const idempotencyKey = holder;
    await kernel.dispatch({ type: "run.create", workflowId: "w", input: 1, idempotencyKey });
    await kernel.host.claimPending(holder, 1, 1);
  }
  const marks = new Set(closed);
  const survivors = new Survivors({
    store,
    living: async () => new Map(living.map((tab) => [tab, 1])),
    marks: {
      read: async () => [...marks],
      clear: (tabs) => {
        for (const tab of tabs) marks.delete(tab);
      },
    },
  });
  const held = async (): Promise<string[]> => [...(await store.jobs.holders())].sort();
  return { survivors, marks, held };
}

it("gives back, at the beginning of a reign, what the living and those who closed held", async () => {
  const holders = ["tab-alive", "tab-alive/kernel-3", "tab-closed", "tab-dead", "other"];
  const { survivors, marks, held } = await rig(holders, ["tab-alive"], ["tab-closed", "tab-alive"]);
  expect(await held()).toEqual([...holders].sort());
  await survivors.takeOver();
  expect(await held()).toEqual(["other", "tab-dead"]);
  // A tab that lives may come back from the back/forward cache under that note.
  expect([...marks]).toEqual(["tab-alive"]);
});

it("tells the dead from the living, from those who closed, and from those it knows nothing of", async () => {
  const holders = ["tab-alive", "tab-closed", "tab-dead", "tab-dead/kernel-1", "other"];
  const { survivors, held } = await rig(holders, ["tab-alive"], ["tab-closed"]);
  expect(await survivors.dead(holders)).toEqual(["tab-dead", "tab-dead/kernel-1"]);
  expect(await held()).not.toContain("tab-closed");
  expect(await survivors.dead(["tab-alive", "other"])).toEqual([]);
  expect(await survivors.hasClosed("tab-closed")).toBe(true);
  expect(await survivors.hasClosed("tab-dead")).toBe(false);
});

it("reads only its own database's notes, and does without where they are forbidden", () => {
  const notes = new Map<string, string>();
  const storage = {
    get length() {
      return notes.size;
    },
    key: (index: number) => [...notes.keys()][index] ?? null,
    setItem: (key: string, value: string) => notes.set(key, value),
    removeItem: (key: string) => notes.delete(key),
  };
  const marks = new PageMarks(namesOf("db"), storage);
  new PageMarks(namesOf("other"), storage).write("tab-x");
  marks.write("tab-1");
  marks.write("tab-2");
  expect(marks.read()).toEqual(["tab-1", "tab-2"]);
  marks.clear(["tab-1", "tab-9"]);
  expect(marks.read()).toEqual(["tab-2"]);
  const forbidden = (): never => {
    throw new DOMException("denied", "SecurityError");
  };
  const denied = { length: 1, key: forbidden, setItem: forbidden, removeItem: forbidden };
  for (const none of [new PageMarks(namesOf("db"), null), new PageMarks(namesOf("db"), denied)]) {
    none.write("tab-1");
    none.clear(["tab-1"]);
    expect(none.read()).toEqual([]);
  }
});
