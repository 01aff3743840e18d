/** Events that reach a page's plugin: all of them, in order, whichever tab leads. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "vitest";
import { backends } from "./harness/backend.ts";
import { launchChromium, type TestBrowser } from "./harness/launch.ts";
import { type Site, serve } from "./harness/pages.ts";
import { completed, type Desk, eventually, type OpenTab, openDesk } from "./harness/tabs.ts";

const STEPS = ["first", "second", "third"];

describe.each(backends)("on %s", (backend) => {
  let site: Site;
  let browser: TestBrowser;
  let desk: Desk;

  beforeAll(async () => {
    site = await serve({
      app: { folder: "test/browser/app", define: { BUILD: 1 } },
      control: { folder: "test/browser/control" },
    });
    browser = await launchChromium({ backend });
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  beforeEach(async () => {
    desk = await openDesk(browser, site.origin);
  });

  afterEach(() => desk.close());

  /** The ids of a three-step run's nine events. */
  function all(runId: string): readonly string[] {
    return Array.from({ length: 9 }, (_, index) => `${runId}:${index + 1}`);
  }

  async function heard(tab: OpenTab, runId: string): Promise<readonly string[]> {
    return (await tab.heard()).filter((id) => id.startsWith(`${runId}:`));
  }

  it("a plugin is given every event of a run that was started as soon as its page was connected", async () => {
    const tab = await desk.tab("A", { plugin: "listener" });
    const id = await tab.start({ workflow: "steps", key: "a", input: { n: 0 } });
    await eventually(() => heard(tab, id)).toEqual(all(id));
  });

  it("two tabs that have the same plugin share its events, each given once", async () => {
    const leader = await desk.tab("A", { plugin: "listener" });
    const follower = await desk.tab("B", { plugin: "listener" });
    const id = await follower.start({ workflow: "steps", key: "b", input: { n: 0 } });
    const both = async () => [...(await heard(leader, id)), ...(await heard(follower, id))].toSorted();
    await eventually(both).toEqual(all(id));
    await completed(follower, id, STEPS);
  });

  it("what a leader didn't deliver before it was closed is delivered by the next one", async () => {
    const leader = await desk.tab("A");
    const follower = await desk.tab("B", { plugin: "listener" });
    await desk.control.shut("second");
    const id = await follower.start({ workflow: "steps", key: "c", input: { n: 0 } });
    await desk.begun("second");
    await leader.page.close();
    await desk.control.open("second");
    await completed(follower, id, STEPS);
    const events = (await follower.events(id)).map(({ sequence }) => `${id}:${sequence}`);
    await eventually(async () => [...new Set(await heard(follower, id))]).toEqual(events);
  });
});
