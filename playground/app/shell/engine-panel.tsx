import { useEffect, useId, useState } from "react";
import type { StorageReport } from "sluice";
import type { BrowserStatus } from "sluice/browser";
import type { PageEngine, StorageKind } from "../engine.ts";
import type { FollowedRuns, RunRows } from "../runs/list.ts";
import { createCell, useCell } from "../state/cell.ts";
import { goTo } from "../state/location.ts";
import { storageNote } from "./storage-note.ts";
import type { Workbench } from "./use-workbench.ts";
import { Workers } from "./workers.tsx";

const kinds: readonly (readonly [StorageKind, string])[] = [
  ["indexeddb", "IndexedDB"],
  ["memory", "Memory"],
];

const roles: Readonly<Record<BrowserStatus["role"], string>> = {
  leader: "This tab leads: its kernel writes.",
  follower: "Another tab leads, and uses these workers too.",
  connecting: "Connecting…",
  stopped: "Stopped.",
};

/** Where runs are kept and who executes them, with the switch between stores and a way to kill a worker. */
export function EnginePanel({ bench }: { readonly bench: Workbench }) {
  const { session, status, engine } = bench;
  const title = useId();
  const settled = useSettledRuns(bench.runs);
  const report = useStorageReport(engine, settled);
  return (
    <section className="engine" aria-labelledby={title}>
      <h2 id={title}>Engine</h2>
      <fieldset className="switch">
        <legend className="hidden-text">Keep runs in</legend>
        {kinds.map(([kind, label]) => (
          <label key={kind}>
            <input
              type="radio"
              name="storage"
              value={kind}
              checked={session.storage === kind}
              onChange={() => {
                // The open run stays behind in the other store.
                goTo({ page: "start" });
                bench.reconnect(kind);
              }}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <p className="note">
        {session.phase === "connecting" ? "Connecting…" : storageNote(session.storage, report)}
      </p>
      {status === null ? null : (
        <>
          <p className="note">{roles[status.role]}</p>
          {engine === null ? null : <Workers bench={bench} engine={engine} />}
          <label className="check">
            <input
              type="checkbox"
              checked={bench.isArmed}
              onChange={(event) => bench.arm(event.currentTarget.checked)}
            />
            Kill a worker as soon as a stage is at work
          </label>
        </>
      )}
    </section>
  );
}

/** How many of the listed runs have ended: when it changes, so may the store's figures. */
function useSettledRuns(runs: FollowedRuns | null): number {
  const list = useCell(runs?.list ?? noRuns);
  return list?.rows.filter(({ run }) => run.settledAt !== null).length ?? 0;
}

const noRuns = createCell<RunRows | null>(null);

function useStorageReport(engine: PageEngine | null, version: unknown): StorageReport | null {
  const [report, setReport] = useState<StorageReport | null>(null);
  useEffect(() => {
    let isCurrent = true;
    if (engine === null) setReport(null);
    else {
      // Figures only: without them the note says what is true of the kind of store.
      engine.storage().then(
        (found) => isCurrent && setReport(found),
        () => isCurrent && setReport(null),
      );
    }
    return () => {
      isCurrent = false;
    };
  }, [engine, version]);
  return report;
}
