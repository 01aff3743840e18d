/**
 * An app of its own, as a stranger has it: the packed package installed by npm beside nothing of this repository, built with Vite, run in
 * Chromium. Vite and the compiler are the repository's, so that npm has to fetch only what the package itself needs.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build, createServer } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, type TestBrowser } from "../browser/harness/launch.ts";
import { root, type Site, serveFolder } from "../browser/harness/pages.ts";

const run = promisify(execFile);

/** What a build of the package reads. It is built in a copy: somebody may be using this tree's `dist`. */
const sources = ["src", "adapters", "package.json", "tsconfig.base.json", "tsconfig.build.json"];
const papers = ["README.md", "LICENSE", "CHANGELOG.md"];

describe("an app that installed the packed package", () => {
  let folder: string;
  let app: string;
  let browser: TestBrowser;
  let site: Site;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "sluice-embed-"));
    app = path.join(folder, "app");
    const tarball = await pack(path.join(folder, "package"), folder);
    await cp(path.join(import.meta.dirname, "app"), app, { recursive: true });
    const quick = ["--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock"];
    await run("npm", ["install", ...quick, tarball], { cwd: app });
    browser = await launchChromium();
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("compiles against its types", async () => {
    await run(path.join(root, "node_modules", ".bin", "tsc"), ["-p", "."], { cwd: app });
  });

  it("runs a pipeline of its own, and finds the run again after a reload", async () => {
    const outDir = path.join(folder, "site");
    const options = { outDir, emptyOutDir: true, target: "esnext" };
    await build({ configFile: false, root: app, base: "./", logLevel: "warn", build: options });
    site = await serveFolder(outDir);
    await addsUp(`${site.origin}/`);
  });

  it("does so under Vite's development server, which bundles what is installed beforehand", async () => {
    const server = await createServer({
      configFile: false,
      root: app,
      logLevel: "warn",
      server: { host: "127.0.0.1" },
    });
    try {
      await server.listen(0);
      const [address = ""] = server.resolvedUrls?.local ?? [];
      await addsUp(address);
    } finally {
      await server.close();
    }
  });

  async function addsUp(address: string): Promise<void> {
    const page = await browser.open(address);
    const total = page.getByRole("status");
    const expected = "16.75 in all, most of it for cheese";
    await expect.poll(() => total.textContent(), { timeout: 60_000 }).toBe(expected);
    await page.reload();
    await expect.poll(() => total.textContent(), { timeout: 60_000 }).toBe(expected);
    expect(browser.problems()).toEqual([]);
  }
});

async function pack(copy: string, destination: string): Promise<string> {
  await mkdir(copy);
  for (const name of [...sources, ...papers]) {
    await cp(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  await symlink(path.join(root, "node_modules"), path.join(copy, "node_modules"), "junction");
  await run("npm", ["pack", "--silent", "--pack-destination", destination], { cwd: copy });
  const tarball = (await readdir(destination)).find((file) => file.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack wrote no tarball");
  return path.join(destination, tarball);
}
