/** Which IndexedDB a Chromium really ran on, read from the files in its profile: a flag that a version doesn't know is ignored silently. */
import { open, readdir } from "node:fs/promises";
import path from "node:path";

/** Chromium's two implementations of IndexedDB. */
export type Backend = "LevelDB" | "SQLite";

/** Both, in the order in which tests go through them. */
export const backends: readonly Backend[] = ["LevelDB", "SQLite"];

/**
 * The backend of an origin's databases: LevelDB keeps a folder `<origin>.indexeddb.leveldb` with a file `CURRENT`, SQLite a folder `<origin>`
 * of files, one a database, that start with SQLite's own signature.
 *
 * @returns null while the origin has no database
 */
export async function backendOf(profile: string, origin: string): Promise<Backend | null> {
  const { protocol, hostname, port } = new URL(origin);
  const name = `${protocol.replace(":", "")}_${hostname}_${port || 0}`;
  const folder = path.join(profile, "Default", "IndexedDB");
  const leveldb = (await entries(path.join(folder, `${name}.indexeddb.leveldb`))).includes("CURRENT");
  const files = (await entries(path.join(folder, name))).map((file) => path.join(folder, name, file));
  const sqlite = (await Promise.all(files.map(isSqlite))).includes(true);
  if (leveldb && sqlite) throw new Error(`${origin} has databases of both backends in ${folder}`);
  return leveldb ? "LevelDB" : sqlite ? "SQLite" : null;
}

async function isSqlite(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return bytesRead === 16 && buffer.toString("latin1") === "SQLite format 3\0";
  } finally {
    await handle.close();
  }
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
