import type { Graph } from "sluice";
import { describe, expect, it, vi } from "vitest";
import type { PageEngine, StorageKind } from "../engine.ts";
import { createCell } from "./cell.ts";
import { createConnector, type Session } from "./session.ts";

/** Engines that connect when they are told to. */
function bench() {
  const opened: {
    storage: StorageKind;
    connect(): void;
    fail(error: Error): void;
    destroy: ReturnType<typeof vi.fn>;
  }[] = [];
  const open = (storage: StorageKind): Promise<PageEngine> =>
    new Promise((resolve, reject) => {
      const destroy = vi.fn(() => Promise.resolve());
      const engine = {
        destroy,
        workflows: () => Promise.resolve([{ workflowId: `of ${storage}` } as Graph]),
      } as unknown as PageEngine;
      opened.push({ storage, destroy, fail: reject, connect: () => resolve(engine) });
    });
  const session = createCell<Session>({ phase: "connecting", storage: "indexeddb" }, (flush) => flush());
  const connector = createConnector(open, session);
  return { connector, opened, session };
}

describe("createConnector", () => {
  it("is ready when the engine is there and its workflows are known", async () => {
    const { connector, opened, session } = bench();
    const done = connector.use("indexeddb");
    expect(session.get().phase).toBe("connecting");
    opened[0]?.connect();
    await done;
    expect(session.get()).toMatchObject({
      phase: "ready",
      storage: "indexeddb",
      workflows: [{ workflowId: "of indexeddb" }],
    });
  });

  it("says in words why it failed, and can be asked again", async () => {
    const { connector, opened, session } = bench();
    const done = connector.use("indexeddb");
    opened[0]?.fail(new DOMException("storage is off", "InvalidStateError"));
    await done;
    expect(session.get()).toMatchObject({
      phase: "failed",
      problem: { code: "InvalidStateError", message: "storage is off" },
    });
    const again = connector.use("memory");
    opened[1]?.connect();
    await again;
    expect(session.get()).toMatchObject({ phase: "ready", storage: "memory" });
  });

  it("leaves the engine before it takes another", async () => {
    const { connector, opened } = bench();
    const first = connector.use("indexeddb");
    opened[0]?.connect();
    await first;
    const second = connector.use("memory");
    await vi.waitFor(() => expect(opened).toHaveLength(2));
    expect(opened[0]?.destroy).toHaveBeenCalledTimes(1);
    opened[1]?.connect();
    await second;
    expect(opened[1]?.destroy).not.toHaveBeenCalled();
  });

  it("lets the last of several choices win, and leaves the engine that came too late", async () => {
    const { connector, opened, session } = bench();
    const first = connector.use("indexeddb");
    const second = connector.use("memory");
    opened[1]?.connect();
    await second;
    opened[0]?.connect();
    await first;
    expect(session.get()).toMatchObject({ phase: "ready", storage: "memory" });
    expect(opened[0]?.destroy).toHaveBeenCalledTimes(1);
  });
});
