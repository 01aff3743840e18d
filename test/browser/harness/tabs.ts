/** The test app in tabs of one browser, with a control page beside them. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { Ended, Joining, Tab } from "../app/api.ts";
import type { Begun, Control } from "../control/api.ts";
import type { TestBrowser } from "./launch.ts";
import { remote } from "./remote.ts";

/** A tab of the test app. */
export interface OpenTab extends Tab {
  readonly name: string;
  readonly page: Page;
}

/** The pages of one test. Everything in it is closed by `close()`, and the database is its own. */
export interface Desk {
  readonly database: string;
  readonly control: Control;
  /** The control page. */
  readonly page: Page;
  /** Opens the app of a build in a tab and connects it. */
  tab(name: string, joining?: Partial<Joining> & { readonly build?: string }): Promise<OpenTab>;
  /** Waits until so many bodies of a stage began, and answers them. */
  begun(stageId: string, times?: number): Promise<readonly Begun[]>;
  close(): Promise<void>;
}

/** `expect` of what will be so in the end. Generous: how soon it is so is no test's business. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 60_000, interval: 20 });
}

let desks = 0;

/** Opens the control page at an origin where `control` and the app's builds are served. */
export async function openDesk(browser: TestBrowser, origin: string): Promise<Desk> {
  desks += 1;
  const database = `test-${desks}`;
  const controlPage = await browser.open(`${origin}/control/`);
  const control = remote<Control>(controlPage);
  const pages: Page[] = [controlPage];
  return {
    database,
    control,
    page: controlPage,
    async tab(name, { build = "app", ...joining } = {}) {
      const page = await browser.open(`${origin}/${build}/`);
      pages.push(page);
      const tab = remote<Tab>(page);
      await tab.connect({ database, tab: name, ...joining });
      return new Proxy(tab as OpenTab, {
        get: (target, key) =>
          key === "page" ? page : key === "name" ? name : (Reflect.get(target, key) as unknown),
      });
    },
    async begun(stageId, times = 1) {
      let bodies: readonly Begun[] = [];
      await eventually(async () => {
        bodies = (await control.begun()).filter((body) => body.stageId === stageId);
        return bodies.length;
      }).toBeGreaterThanOrEqual(times);
      return bodies;
    },
    async close() {
      for (const page of pages) if (!page.isClosed()) await page.close();
    },
  };
}

/**
 * Waits for the end of a run and demands what every run that ended well shows, whatever was done to it: COMPLETED, one `stage:completed` a
 * stage, events without gaps.
 */
export async function completed(tab: Tab, idOrKey: string, stages: readonly string[]): Promise<Ended> {
  const ended = await tab.end(idOrKey);
  expect(ended).toMatchObject({ status: "COMPLETED", error: null });
  const events = await tab.events(ended.id);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  const done = events.filter(({ type }) => type === "stage:completed").map(({ stageId }) => String(stageId));
  expect(done.toSorted(byText)).toEqual([...stages].toSorted(byText));
  expect(events.filter(({ type }) => type === "workflow:completed")).toHaveLength(1);
  return ended;
}

const byText = (a: string, b: string): number => a.localeCompare(b);

/** The codes of the errors that a tab's engine told of outside of any call. */
export async function codes(tab: Tab): Promise<readonly (string | null)[]> {
  return (await tab.errors()).map(({ code }) => code);
}
