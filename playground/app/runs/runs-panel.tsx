import { useId, useState } from "react";
import { useCell } from "../state/cell.ts";
import { hrefOf } from "../state/route.ts";
import { runLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";
import { duration, shortTime } from "../ui/format.ts";
import { NARROW, useMedia } from "../ui/use-media.ts";
import type { FollowedRuns, RunRow } from "./list.ts";

/** Rows shown on a phone until more are asked for. */
const FEW = 3;

/** The history: newest first, each row a link to its run. */
export function RunsPanel({
  runs,
  openRun,
}: {
  readonly runs: FollowedRuns;
  readonly openRun: string | null;
}) {
  const list = useCell(runs.list);
  const isNarrow = useMedia(NARROW);
  const [showsAll, setShowsAll] = useState(false);
  const title = useId();
  const rows = list?.rows ?? [];
  const isCut = isNarrow && !showsAll && rows.length > FEW;
  return (
    <section className="runs" aria-labelledby={title}>
      <h2 id={title}>Runs</h2>
      {list?.problem ? (
        <p className="problem-line" role="alert">
          {list.problem.message}
        </p>
      ) : null}
      {list !== null && rows.length === 0 && list.problem === null ? (
        <p className="empty">
          None yet. Every document that you run is kept here, with all that happened to it.
        </p>
      ) : null}
      <ol className="run-list">
        {(isCut ? rows.slice(0, FEW) : rows).map((row) => (
          <li key={row.run.id}>
            <Row row={row} isOpen={row.run.id === openRun} />
          </li>
        ))}
      </ol>
      {isCut ? (
        <button type="button" className="link-button" onClick={() => setShowsAll(true)}>
          Show all {rows.length}
          {list?.hasMore ? " and more" : ""}
        </button>
      ) : null}
      {!isCut && list?.hasMore ? (
        <button type="button" className="link-button" onClick={() => runs.more()}>
          Show older runs
        </button>
      ) : null}
    </section>
  );
}

function Row({ row: { run, label }, isOpen }: { readonly row: RunRow; readonly isOpen: boolean }) {
  const took = run.settledAt === null ? null : duration(run.settledAt - run.createdAt);
  return (
    <a
      className="run-row"
      href={hrefOf({ page: "run", runId: run.id })}
      aria-current={isOpen ? "page" : undefined}
    >
      <span className="run-name">{label?.name ?? "…"}</span>
      <span className="run-time">{shortTime(run.createdAt, Date.now())}</span>
      <Status look={runLook(run.status)} />
      {took === null || run.epoch > 1 ? null : <span className="run-took">{took}</span>}
    </a>
  );
}
