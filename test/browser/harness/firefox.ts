/**
 * Firefox without a driver: it is started with one address, and the page there asks the server what to do. Playwright 1.64 drives only the Firefoxes that
 * know `network.addDataCollector`, and Debian's ESR 140 doesn't.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Installed } from "./installed.ts";
import type { Site } from "./pages.ts";
import { type Answer, type Offered, valueOf } from "./remote.ts";

/** Nothing on first start that would open another page, or ask the network. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** One page in a Firefox. */
export interface FirefoxPage<Api> {
  readonly offered: Api;
  close(): Promise<void>;
}

/** Opens a page of this site that calls `pullCalls()`, in a Firefox on a profile of its own. */
export async function openInFirefox<Api extends Offered<Api>>(
  { executablePath }: Installed,
  site: Site,
  page: string,
): Promise<FirefoxPage<Api>> {
  const calls = new Calls();
  site.answer("/calls", (request, response) => calls.answer(request, response));
  const profile = await mkdtemp(path.join(tmpdir(), "sluice-firefox-"));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});`);
  await writeFile(path.join(profile, "user.js"), lines.join("\n"));
  const args = ["--headless", "--no-remote", "--profile", profile, `${site.origin}${page}`];
  const firefox = spawn(executablePath, args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) =>
    firefox.once("exit", () => resolve()).once("error", () => resolve()),
  );
  const failed = new Promise<never>((_, reject) => {
    firefox.once("error", reject);
    firefox.once("exit", (code) => reject(new Error(`Firefox exited with ${code}`)));
  });
  // Each call hears of it; without calls nobody has to.
  failed.catch(() => undefined);
  return {
    offered: new Proxy({} as Api, {
      get:
        (_, method) =>
        (...args: unknown[]) =>
          Promise.race([calls.call(String(method), args), failed]),
    }),
    async close() {
      firefox.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Calls that wait for the page to fetch them, and their answers. */
class Calls {
  readonly #waiting: { readonly id: number; readonly method: string; readonly args: readonly unknown[] }[] =
    [];
  readonly #open = new Map<number, (answer: Answer) => void>();
  #fetch: ServerResponse | null = null;
  #last = 0;

  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<Answer>((resolve) => this.#open.set(id, resolve));
    this.#waiting.push({ id, method, args });
    this.#hand();
    return valueOf(await answer);
  }

  /** The page posts the answer to its last call, if it had one, and is given the next call when there is one. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
    if (text !== "") {
      const { id, answer } = JSON.parse(text) as { readonly id: number; readonly answer: Answer };
      this.#open.get(id)?.(answer);
      this.#open.delete(id);
    }
    this.#fetch = response;
    this.#hand();
  }

  #hand(): void {
    const call = this.#fetch === null ? undefined : this.#waiting.shift();
    if (call === undefined) return;
    this.#fetch?.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(call));
    this.#fetch = null;
  }
}
