/** Two builds of one app on one origin: other stages, a newer protocol between tabs, a newer schema. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { type Edit, type Site, serve } from "./harness/pages.ts";
import { codes, completed, type Desk, eventually, openDesk } from "./harness/tabs.ts";

const STEPS = ["first", "second", "third"];

const newerProtocol: Edit = {
  file: "src/hosts/browser/channels.ts",
  find: "export const PROTOCOL = 1;",
  put: "export const PROTOCOL = 2;",
};

/** Older tabs are not talked to any more. */
const breakingProtocol: Edit = {
  file: newerProtocol.file,
  find: "export const OLDEST_PROTOCOL = 1;",
  put: "export const OLDEST_PROTOCOL = 2;",
};

/** The schema of that build has one more version, whose upgrade touches every run that is under way. */
const newerSchema: Edit = {
  file: "adapters/indexeddb/schema.ts",
  find: `changes: "",
    },
  },
];`,
  put: `changes: "",
    },
  },
  {
    stores: { notes: "" },
    upgrade: (transaction) =>
      transaction
        .table("live")
        .toCollection()
        .modify((row) => Object.assign(row, { isUpgraded: true })),
  },
];`,
};

let site: Site;
let browser: TestBrowser;
let desk: Desk;

beforeAll(async () => {
  const folder = "test/browser/app";
  site = await serve({
    old: { folder, define: { BUILD: 1 } },
    next: { folder, define: { BUILD: 2 } },
    newer: { folder, define: { BUILD: 2 }, edits: [newerProtocol] },
    upgraded: { folder, define: { BUILD: 2 }, edits: [newerProtocol, breakingProtocol, newerSchema] },
    newerSchema: { folder, define: { BUILD: 2 }, edits: [newerProtocol, newerSchema] },
    migrated: { folder, define: { BUILD: 2 }, edits: [newerSchema] },
    control: { folder: "test/browser/control" },
  });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

beforeEach(async () => {
  desk = await openDesk(browser, site.origin);
});

afterEach(() => desk.close());

describe("two builds with different stages", () => {
  it("run beside each other, each stage in a tab that has code for it", async () => {
    const old = await desk.tab("old", { build: "old" });
    const next = await desk.tab("next", { build: "next" });
    const ofOld = await next.start({ workflow: "evolving", key: "of next", input: { n: 0 } });
    const ofNext = await old.start({ workflow: "evolving", key: "of old", input: { n: 0 } });
    await completed(old, ofOld, ["shared", "of-build-2"]);
    await completed(next, ofNext, ["shared", "of-build-1"]);
    expect((await desk.begun("of-build-1")).map(({ tab }) => tab)).toEqual(["old"]);
    expect((await desk.begun("of-build-2")).map(({ tab }) => tab)).toEqual(["next"]);
  });

  it("a run whose code left with its tab waits, visibly, until a tab has it again", async () => {
    const old = await desk.tab("old", { build: "old" });
    const next = await desk.tab("next", { build: "next" });
    await desk.control.shut("shared");
    const id = await old.start({ workflow: "evolving", key: "left", input: { n: 0 } });
    await desk.begun("shared");
    await old.page.close();
    await desk.control.open("shared");
    const done = async () => (await next.events(id)).filter(({ type }) => type === "stage:completed").length;
    await eventually(done).toBe(1);
    expect(await next.counts()).toEqual({ RUNNING: 1 });
    const again = await desk.tab("old again", { build: "old" });
    await completed(again, id, ["shared", "of-build-1"]);
  });
});

describe("a newer build", () => {
  it("takes over from an older one, and the runs of both finish", async () => {
    const old = await desk.tab("old", { build: "old" });
    await desk.control.shut("second");
    const first = await old.start({ workflow: "steps", key: "first", input: { n: 0 } });
    await desk.begun("second");
    const newer = await desk.tab("newer", { build: "newer" });
    expect((await newer.status()).role).toBe("leader");
    const second = await newer.start({ workflow: "steps", key: "second", input: { n: 10 } });
    await desk.begun("second", 2);
    await desk.control.open("second");
    expect((await completed(newer, first, STEPS)).output).toEqual({ n: 3 });
    expect((await completed(newer, second, STEPS)).output).toEqual({ n: 13 });
    expect(browser.problems()).toEqual([]);
  });
});

describe("a newer schema", () => {
  it("is brought in under load: no run is lost, and the older tab is told to reload", async () => {
    const old = await desk.tab("old", { build: "old" });
    await desk.control.shut("second");
    const before = await old.startMany(50, "before");
    expect(before.refused).toEqual([]);
    const meanwhile = old.startMany(50, "meanwhile");
    const upgraded = await desk.tab("upgraded", { build: "upgraded" });
    const after = await upgraded.startMany(50, "after");
    await desk.control.open("second");
    const { ids, refused } = await meanwhile;
    for (const id of [...before.ids, ...ids, ...after.ids]) await completed(upgraded, id, STEPS);

    // What was not acknowledged is safe to send again.
    const again = await upgraded.startMany(50, "meanwhile");
    expect([...again.ids].toSorted()).toEqual(expect.arrayContaining([...ids].toSorted()));
    for (const id of again.ids) await completed(upgraded, id, STEPS);
    expect(await upgraded.counts()).toEqual({ COMPLETED: 150 });
    expect(refused.every((code) => code === "OUTDATED")).toBe(true);
    await expect(old.startMany(1, "late")).resolves.toEqual({ ids: [], refused: ["OUTDATED"] });
    expect((await old.status()).role).toBe("stopped");
  });

  it("leaves an older tab that it can talk to at work, but doesn't let it lead", async () => {
    const old = await desk.tab("old", { build: "old" });
    const newer = await desk.tab("newer", { build: "newerSchema" });
    await eventually(async () => (await old.status()).role).toBe("follower");
    const { ids } = await old.startMany(10, "by old");
    for (const id of ids) await completed(old, id, STEPS);
    await newer.page.close();
    await eventually(() => codes(old)).toContain("SCHEMA_NEWER");
    const again = await desk.tab("again", { build: "newerSchema" });
    expect(await again.counts()).toEqual({ COMPLETED: 10 });
  });

  it("turns an older build away that would lead, with the way out", async () => {
    const migrated = await desk.tab("migrated", { build: "migrated" });
    await completed(migrated, await migrated.start({ workflow: "steps", key: "a", input: { n: 0 } }), STEPS);
    await migrated.page.close();
    const refused = desk.tab("old", { build: "old" });
    await expect(refused).rejects.toMatchObject({ code: "SCHEMA_NEWER", message: /reload/ });
    const again = await desk.tab("again", { build: "migrated" });
    expect(await again.counts()).toEqual({ COMPLETED: 1 });
  });
});
