/**
 * The Chromium inside `@sparticuz/chromium`. Left to itself the package unpacks to fixed names in the shared temporary folder and takes a
 * file that is there for whole, so that two test files at once, or one that was interrupted, give a truncated browser. Here it is unpacked beside
 * the packages under its version, in a folder that gets its name only when it is complete.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Installed, versionOf } from "./installed.ts";

const require = createRequire(import.meta.url);
const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));

let unpacked: Promise<Installed | null> | undefined;

/** Unpacks it unless it is, once a process; null where there is none for this platform, or it doesn't run here. */
export function unpackChromium(): Promise<Installed | null> {
  unpacked ??= unpack();
  return unpacked;
}

async function unpack(): Promise<Installed | null> {
  if (process.platform !== "linux" || process.arch !== "x64") return null;
  const entry = installed();
  if (entry === null) return null;
  const manifest = await readFile(path.join(path.dirname(entry), "../../package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  const cache = path.join(root, "node_modules", ".cache", "sluice");
  const folder = path.join(cache, `chromium-${version}`);
  if (!existsSync(folder)) await unpackInto(cache, folder);

  const executablePath = path.join(folder, "chromium");
  // Libraries that a desktop has and a bare container lacks come in the package too; the system's own fit better where they are.
  const libraries = path.join(folder, "al2023", "lib");
  const bare = {
    executablePath,
    env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: path.join(folder, "fonts") },
  };
  for (const candidate of [{ executablePath }, bare]) {
    if ((await versionOf(candidate)) !== null) return candidate;
  }
  return null;
}

/** The package reads the folder to unpack to, and whether its libraries are wanted, from the environment: so it has a process of its own. */
async function unpackInto(cache: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const partial = await mkdtemp(path.join(cache, "partial-"));
  try {
    const script = `import chromium from "@sparticuz/chromium"; await chromium.executablePath();`;
    await run(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: root,
      env: { ...process.env, TMPDIR: partial, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" },
    });
    await rename(partial, folder);
  } catch (error) {
    // Another process was first: its folder is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function installed(): string | null {
  try {
    return require.resolve("@sparticuz/chromium");
  } catch {
    return null;
  }
}
