/** Browsers for the tests, each on a profile of its own that outlives a restart and is looked into for what the browser wrote. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { type Backend, backendOf } from "./backend.ts";
import { findChromium } from "./find.ts";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SQLITE = "features=IdbSqliteBackingStore,IdbSqliteOnDiskRollout";

/** A running browser. */
export interface TestBrowser {
  /** `Chromium 147.0.7727.0`. */
  readonly name: string;
  readonly context: BrowserContext;
  /** A tab at this address, loaded. */
  open(url: string): Promise<Page>;
  /** The backend whose files stand in the profile for this origin; null while it has no database. */
  backend(origin: string): Promise<Backend | null>;
  /** Errors in consoles and uncaught ones since the start or the last call, from all tabs. */
  problems(): readonly string[];
  /** Ends the browser and starts it again on the same profile. */
  restart(): Promise<void>;
  /** Kills the browser's processes as an accident does, and starts it again on the same profile. */
  kill(): Promise<void>;
  /** Stops a tab's process with all its threads, as a machine that sleeps or a system short of memory does, until the answer is called. */
  freeze(page: Page): Promise<() => void>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

/** Starts Chromium with the given IndexedDB backend. */
export async function launchChromium(
  options: { readonly backend?: Backend; readonly flags?: readonly string[] } = {},
): Promise<TestBrowser> {
  const { backend = "LevelDB", flags = [] } = options;
  const installed = await findChromium();
  const args = [...FLAGS, `--${backend === "SQLite" ? "enable" : "disable"}-${SQLITE}`, ...flags];
  const { executablePath, env } = installed;
  return launch((profile) =>
    chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      env: { ...process.env, ...env },
      args,
    }),
  );
}

async function launch(start: (profile: string) => Promise<BrowserContext>): Promise<TestBrowser> {
  const profile = await mkdtemp(path.join(tmpdir(), "sluice-browser-"));
  let problems: string[] = [];
  const started = async (): Promise<BrowserContext> => {
    const context = await start(profile);
    context.on("weberror", (error) => problems.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") problems.push(`${message.text()} (${message.location().url})`);
    });
    return context;
  };
  let context: BrowserContext;
  try {
    context = await started();
  } catch (error) {
    await rm(profile, { recursive: true, force: true });
    throw error;
  }
  return {
    name: `Chromium ${context.browser()?.version() ?? ""}`,
    get context() {
      return context;
    },
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    backend: (origin) => backendOf(profile, origin),
    problems() {
      const told = problems;
      problems = [];
      return told;
    },
    async restart() {
      await context.close();
      context = await started();
    },
    async kill() {
      const closed = new Promise((resolve) => context.once("close", resolve));
      for (const { id } of await processes(context)) process.kill(id, "SIGKILL");
      await closed;
      context = await started();
    },
    async freeze(page) {
      const pid = await rendererOf(context, page);
      process.kill(pid, "SIGSTOP");
      return () => void process.kill(pid, "SIGCONT");
    },
    async close() {
      await context.close();
      // Processes that go on for a moment still write here.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

interface BrowserProcess {
  readonly id: number;
  readonly type: string;
  /** Seconds. */
  readonly cpuTime: number;
}

/** The processes of a Chromium, the renderers before the one that would end them. */
async function processes(context: BrowserContext): Promise<readonly BrowserProcess[]> {
  const session = await context.browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error("this browser doesn't tell its processes");
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.toSorted((a, b) => Number(a.type === "browser") - Number(b.type === "browser"));
}

/** A page's process. No protocol tells it, so the page is kept busy and the process found that works: the others are idle in a test. */
async function rendererOf(context: BrowserContext, page: Page): Promise<number> {
  const before = new Map((await processes(context)).map(({ id, cpuTime }) => [id, cpuTime]));
  await page.evaluate("{ const until = performance.now() + 300; while (performance.now() < until); }");
  const worked = (await processes(context))
    .filter(({ type }) => type === "renderer")
    .map(({ id, cpuTime }) => ({ id, cpuTime: cpuTime - (before.get(id) ?? 0) }))
    .toSorted((a, b) => b.cpuTime - a.cpuTime);
  const [busiest] = worked;
  if (busiest === undefined) throw new Error("this browser has no renderer");
  return busiest.id;
}
