/** Builds test pages with Vite as an embedder would, and serves what came out. */
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, defaultClientConditions, type Plugin } from "vite";

/** The repository's top folder. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Another text in one of the repository's files: how a test gets a build that is newer than this one. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** One page to build. */
export interface PageSource {
  /** The folder of its `index.html`, from the repository's top. */
  readonly folder: string;
  /** Constants by name, as `define` of Vite: two builds of one source differ by them. */
  readonly define?: Readonly<Record<string, unknown>>;
  readonly edits?: readonly Edit[];
  /** Takes the package as it was built, and minifies; otherwise the package's own name leads to its sources, so that nothing has to be built first. */
  readonly built?: boolean;
}

/** A server on a free port of this machine. */
export interface Site {
  readonly origin: string;
  /** Requests whose path holds this text are answered with 404 until the answer is called. */
  lose(text: string): () => void;
  /** Answers requests for this path by a function. */
  answer(path: string, by: (request: IncomingMessage, response: ServerResponse) => Promise<void>): void;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Builds pages and serves each under its name: `/<name>/`. */
export async function serve(pages: Readonly<Record<string, PageSource>>): Promise<Site> {
  const folder = await mkdtemp(path.join(tmpdir(), "sluice-site-"));
  try {
    for (const [name, source] of Object.entries(pages)) await buildPage(source, path.join(folder, name));
    return await serveFolder(folder, () => rm(folder, { recursive: true, force: true }));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function buildPage(source: PageSource, outDir: string): Promise<void> {
  const { folder, define = {}, edits = [], built = false } = source;
  const left = new Set(edits);
  const plugins = (): Plugin[] => [editing(edits, left)];
  await build({
    configFile: false,
    root: path.join(root, folder),
    base: "./",
    logLevel: "warn",
    plugins: plugins(),
    resolve: { conditions: [...(built ? [] : ["source"]), ...defaultClientConditions] },
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
    worker: { format: "es", plugins },
    build: {
      outDir,
      emptyOutDir: true,
      target: "esnext",
      minify: built,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: { checks: { pluginTimings: false } },
    },
  });
  const [missed] = left;
  if (missed !== undefined) throw new Error(`${folder} is built without ${missed.file}`);
}

/** Makes the edits, and strikes each that was made off the list of those that are left. */
function editing(edits: readonly Edit[], left: Set<Edit>): Plugin {
  return {
    name: "edits",
    enforce: "pre",
    transform(code, id) {
      let text = code;
      for (const edit of edits.filter(({ file }) => id === path.join(root, file))) {
        if (!text.includes(edit.find)) throw new Error(`${edit.file} has no ${JSON.stringify(edit.find)}`);
        text = text.replace(edit.find, edit.put);
        left.delete(edit);
      }
      return text === code ? null : { code: text, map: null };
    },
  };
}

/** Serves a folder of files, without letting the browser keep any. */
export async function serveFolder(
  folder: string,
  onClose: () => Promise<void> = async () => {},
): Promise<Site> {
  const lost = new Set<string>();
  const answers = new Map<string, Parameters<Site["answer"]>[1]>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const by = answers.get(pathname);
    if (by !== undefined) return void by(request, response);
    const refused = [...lost].some((text) => pathname.includes(text));
    return void answer(refused ? null : path.join(folder, decodeURIComponent(pathname)), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lose(text) {
      lost.add(text);
      return () => void lost.delete(text);
    },
    answer: (path, by) => void answers.set(path, by),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await onClose();
    },
  };
}

async function answer(wanted: string | null, response: ServerResponse): Promise<void> {
  const file = wanted === null ? null : await fileAt(wanted);
  if (file === null) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not found");
    return;
  }
  const type = types[path.extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
  createReadStream(file).pipe(response);
}

async function fileAt(wanted: string): Promise<string | null> {
  for (const file of wanted.endsWith(path.sep) ? [path.join(wanted, "index.html")] : [wanted]) {
    const found = await stat(file).catch(() => null);
    if (found?.isFile() === true) return file;
  }
  return null;
}
