import type { FollowedRun } from "../run/follow.ts";
import { likelyRerun } from "../run/rerun.ts";
import type { RunView } from "../run/view.ts";
import { documentLabel } from "../runs/document-name.ts";
import { useCell } from "../state/cell.ts";
import { runLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";
import { Icon } from "../ui/icon.tsx";
import { bytes, duration, shortTime } from "../ui/format.ts";
import type { Workbench } from "./use-workbench.ts";

/** The open run: its document, where it stands, and what can be done with it. */
export function RunHeader(props: {
  readonly run: FollowedRun;
  readonly view: RunView;
  readonly bench: Workbench;
}) {
  const { run, view, bench } = props;
  const snapshot = useCell(run.snapshot);
  const graph = useCell(run.graph);
  const { name, size } = documentLabel(snapshot?.body ?? null, graph?.name ?? view.workflowId);
  const rerun = graph === null ? null : likelyRerun(graph, view, run.stages.get);
  return (
    <header className="run-head">
      <div className="run-title">
        <h1 title={name}>{name}</h1>
        <Status look={runLook(view.status)} pill />
      </div>
      <p className="run-facts">
        {view.createdAt === null ? null : (
          <time dateTime={new Date(view.createdAt).toISOString()}>
            {shortTime(view.createdAt, Date.now())}
          </time>
        )}
        {size === null ? null : <span>{bytes(size)}</span>}
        {view.startedAt === null || view.settledAt === null ? null : (
          <span>took {duration(view.settledAt - view.startedAt)}</span>
        )}
        {view.epoch > 1 ? <span>epoch {view.epoch}</span> : null}
        <span>
          run <code>{view.id}</code>
        </span>
      </p>
      <div className="run-actions">
        {view.settledAt === null ? (
          <>
            {bench.status?.workers.length ? (
              <button type="button" className="button danger" onClick={bench.killBusiest}>
                <Icon name="kill" />
                Kill a worker
              </button>
            ) : null}
            <button type="button" className="button" onClick={bench.cancel}>
              <Icon name="stop" />
              Cancel
            </button>
          </>
        ) : rerun === null ? null : (
          <button type="button" className="button" onClick={() => bench.rerunFrom(rerun.from)}>
            <Icon name="again" />
            {rerun.label}
          </button>
        )}
      </div>
    </header>
  );
}
