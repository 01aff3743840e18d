/** Runs programs as a reader would, in a process of their own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's top folder, as an absolute path. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What Node is told, so that it reads TypeScript and finds the package's sources by its name. README says the same. */
export const flags = ["--conditions=source", "--import", "tsx"] as const;

/** Far more than a program needs on a busy machine: it ends one that hangs. */
const PATIENCE_MS = 120_000;

/** What a test of programs may take. */
export const TEST_MS = 2 * PATIENCE_MS;

/**
 * Runs a program with the command that README gives.
 *
 * @param file its path, from the top folder
 * @returns what it printed to stdout
 * @throws Error if it fails, hangs, or says anything on stderr, where the engine reports what went wrong and is tried again
 */
export function run(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...flags, file],
      // Warnings of Node about itself differ from version to version.
      { cwd: root, timeout: PATIENCE_MS, env: { ...process.env, NODE_NO_WARNINGS: "1" } },
      (error, stdout, stderr) => {
        if (error === null && stderr === "") resolve(stdout);
        else
          reject(new Error(`${file} failed${error?.killed ? ": it ran too long" : ""}\n${stdout}${stderr}`));
      },
    );
  });
}
