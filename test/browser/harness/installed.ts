import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A browser that can be started. */
export interface Installed {
  readonly executablePath: string;
  /** What it needs in its environment besides our own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The version that a browser gives of itself, or null if it doesn't run here. */
export async function versionOf({ executablePath, env }: Installed): Promise<string | null> {
  try {
    const { stdout } = await run(executablePath, ["--version", "--no-sandbox"], {
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
    return stdout.trim();
  } catch {
    return null;
  }
}
