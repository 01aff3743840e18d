import { definePlugin, type Event, type Plugin } from "sluice";
import { type BrowserEngine, connectEngine } from "sluice/browser";
import type { GivenFile, Joining, Start, Tab } from "./api.ts";
import { workflows } from "./workflows.ts";

const errors: { readonly code: string | null; readonly message: string }[] = [];
let connected: BrowserEngine | undefined;

function engine(): BrowserEngine {
  if (connected === undefined) throw new Error("this tab isn't connected");
  return connected;
}

// Vite finds a worker by this very form, so there is one for each module.
function stages({ stages, tab = "" }: Joining): Worker {
  if (stages === "missing") return new Worker(new URL("nothing-here.js", location.href), { type: "module" });
  if (stages === "others") return new Worker(new URL("./others.ts", import.meta.url), { type: "module" });
  if (stages === "broken") return new Worker(new URL("./broken.ts", import.meta.url), { type: "module" });
  return new Worker(new URL("./stages.ts", import.meta.url), { type: "module", name: tab });
}

const heard: string[] = [];
const hear = ({ id }: Event): void => void heard.push(id);

function listening(name: string): Plugin {
  const handlers = {
    "workflow:created": hear,
    "workflow:started": hear,
    "stage:started": hear,
    "stage:completed": hear,
    "workflow:completed": hear,
  };
  return definePlugin({ name, handlers });
}

function deniedKernel(): Worker {
  return new Worker(new URL("./denied-kernel.ts", import.meta.url), { type: "module" });
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

function fileOf({ name, type = "", content }: GivenFile): File {
  if (typeof content === "string") return new File([content], name, { type });
  const megabyte = new Uint8Array(1_000_000);
  const parts = Array.from({ length: Math.floor(content / megabyte.length) }, () => megabyte);
  return new File([...parts, new Uint8Array(content % megabyte.length).fill(7)], name, { type });
}

const tab: Tab = {
  async connect(joining) {
    const { database, workers, storage, kernel, plugin } = joining;
    connected = await connectEngine({
      stages: () => stages(joining),
      database,
      ...(workers === undefined ? {} : { workers }),
      ...(storage === undefined ? {} : { storage }),
      ...(plugin === undefined ? {} : { plugins: [listening(plugin)] }),
      ...(kernel === undefined ? {} : { kernel: deniedKernel }),
      onError(error) {
        errors.push({ code: codeOf(error), message: error instanceof Error ? error.message : String(error) });
      },
    });
  },
  async start({ workflow, key, input, file, byId, unclonable }: Start) {
    const given: unknown = {
      ...(typeof input === "object" ? input : {}),
      ...(file === undefined ? {} : { file: fileOf(file), name: file.name }),
      ...(unclonable === undefined ? {} : { n: 1, extra: () => 1 }),
    };
    const options = { idempotencyKey: key };
    const known = byId === undefined ? workflows[workflow as keyof typeof workflows] : undefined;
    const { id } = await (known === undefined
      ? engine().start(workflow, given, options)
      : engine().start(known, given, options));
    return id;
  },
  async startMany(count, prefix) {
    const starts = Array.from({ length: count }, (_, n) =>
      engine().start(workflows.steps, { n }, { idempotencyKey: `${prefix}-${n}` }),
    );
    const settled = await Promise.allSettled(starts);
    return {
      ids: settled.filter((one) => one.status === "fulfilled").map(({ value }) => value.id),
      refused: settled.filter((one) => one.status === "rejected").map(({ reason }) => codeOf(reason)),
    };
  },
  async end(idOrKey) {
    const handle = await engine().get(idOrKey);
    if (handle === null) throw new Error(`there is no run ${idOrKey}`);
    const output = await handle.result().catch(() => undefined);
    const snapshot = await engine().inspect(handle.id);
    if (snapshot === null) throw new Error(`run ${idOrKey} is gone`);
    const { status, error } = snapshot.run;
    return {
      id: handle.id,
      status,
      output,
      error: error === null ? null : { name: error.name, code: error.code, message: error.message },
    };
  },
  async events(runId) {
    const events = await engine().events({ runId });
    return events.map((event) => ({
      sequence: event.sequence,
      type: event.type,
      stageId: "stageId" in event.payload ? event.payload.stageId : null,
      at: event.timestamp,
    }));
  },
  async heard() {
    return [...heard];
  },
  async status() {
    return engine().status();
  },
  async errors() {
    return [...errors];
  },
  async counts() {
    const counts: Record<string, number> = {};
    let cursor: string | undefined;
    do {
      const page = await engine().runs(cursor === undefined ? {} : { cursor });
      for (const { status } of page.rows) counts[status] = (counts[status] ?? 0) + 1;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return counts;
  },
  async terminateWorker(id) {
    engine().terminateWorker(id);
  },
  async destroy(erase) {
    await engine().destroy(erase === undefined ? {} : { erase });
    connected = undefined;
  },
};
Object.assign(globalThis, { offered: tab });
