/** The engine that the page is connected to. It lives outside React, because connecting and leaving take their time. */
import type { Graph } from "sluice";
import { connect, type PageEngine, type StorageKind } from "../engine.ts";
import { type Problem, problemOf } from "../ui/problem.ts";
import { type Cell, createCell } from "./cell.ts";
import { recall, remember } from "./remember.ts";

/** Where the connection stands. */
export type Session =
  | { readonly phase: "connecting"; readonly storage: StorageKind }
  | {
      readonly phase: "ready";
      readonly storage: StorageKind;
      readonly engine: PageEngine;
      /** The workflows that this page has code for. */
      readonly workflows: readonly Graph[];
    }
  | { readonly phase: "failed"; readonly storage: StorageKind; readonly problem: Problem };

/** Connects, and changes over to another store. */
export interface Connector {
  readonly session: Cell<Session>;
  /** Leaves the engine that is there, if any, and connects again; the last call wins. */
  use(storage: StorageKind): Promise<void>;
}

/** Makes a connector that is not connected yet. */
export function createConnector(
  open: (storage: StorageKind) => Promise<PageEngine> = connect,
  session: Cell<Session> = createCell<Session>({ phase: "connecting", storage: chosenStorage() }),
): Connector {
  let calls = 0;
  let current: PageEngine | null = null;
  const leave = async (engine: PageEngine): Promise<void> => {
    // Runs go on later, here or in another tab: nobody has to wait for their bodies.
    await engine.destroy({ graceMs: 0 }).catch((error: unknown) => reportError(error));
  };
  return {
    session,
    async use(storage) {
      calls += 1;
      const call = calls;
      session.set({ phase: "connecting", storage });
      const before = current;
      current = null;
      if (before !== null) await leave(before);
      let engine: PageEngine | null = null;
      try {
        engine = await open(storage);
        const workflows = call === calls ? await engine.workflows() : [];
        if (call !== calls) {
          await leave(engine);
          return;
        }
        current = engine;
        session.set({ phase: "ready", storage, engine, workflows });
      } catch (error) {
        if (engine !== null) await leave(engine);
        if (call === calls) session.set({ phase: "failed", storage, problem: problemOf(error) });
      }
    },
  };
}

/** The store that was chosen in an earlier visit; IndexedDB at first. */
export function chosenStorage(): StorageKind {
  return recall("storage", ["indexeddb", "memory"]);
}

/** Keeps the choice for the next visit. */
export function keepStorage(storage: StorageKind): void {
  remember("storage", storage);
}
