import type { Graph } from "sluice";
import { Canvas } from "../canvas/canvas.tsx";
import type { PageEngine } from "../engine.ts";
import type { FollowedRun } from "../run/follow.ts";
import { useCell } from "../state/cell.ts";
import { hrefOf } from "../state/route.ts";
import { problemOf } from "../ui/problem.ts";
import { ProblemBox } from "../ui/problem-box.tsx";
import { NARROW, useMedia } from "../ui/use-media.ts";
import { RunDock } from "./run-dock.tsx";
import { RunHeader } from "./run-header.tsx";
import { StartPage } from "./start-page.tsx";
import type { Workbench } from "./use-workbench.ts";

/** The middle of the page while a run is open. */
export function RunPage(props: {
  readonly engine: PageEngine;
  readonly run: FollowedRun;
  readonly bench: Workbench;
}) {
  const { engine, run, bench } = props;
  const finding = useCell(run.finding);
  const view = useCell(run.view);
  const graph = useCell(run.graph);
  const direction = useMedia(NARROW) ? "down" : "right";
  if (finding === "missing") return <Missing runId={run.runId} bench={bench} />;
  if (view === null || graph === null) {
    if (typeof finding === "object") {
      return <ProblemBox isPage title="The run can't be read" problem={problemOf(finding.error)} />;
    }
    return (
      <div className="middle-note">
        <h1>Looking for the run…</h1>
      </div>
    );
  }
  return (
    <>
      <RunHeader run={run} view={view} bench={bench} />
      {typeof finding === "object" ? (
        <ProblemBox title="News of the run can't be read" problem={problemOf(finding.error)} />
      ) : null}
      <Canvas
        graph={graph}
        stages={run.stages}
        direction={direction}
        chosen={bench.chosen}
        onChoose={bench.choose}
      />
      <RunDock
        key={run.runId}
        engine={engine}
        run={run}
        view={view}
        graph={graph}
        chosen={bench.chosen}
        onChoose={(stageId) => bench.choose(stageId, false)}
      />
    </>
  );
}

function Missing({ runId, bench }: { readonly runId: string; readonly bench: Workbench }) {
  const isMemory = bench.session.storage === "memory";
  return (
    <div className="middle-note">
      <h1>No such run</h1>
      <p>
        {isMemory ? "This tab's memory" : "The database of this browser"} holds no run <code>{runId}</code>.{" "}
        {isMemory
          ? "What was in memory is gone after a reload; IndexedDB would have kept it."
          : "It was never kept here, or was removed."}
      </p>
      <p className="problem-actions">
        <a className="button" href={hrefOf({ page: "start" })}>
          Back to the start
        </a>
        {isMemory ? (
          <button type="button" className="button" onClick={() => bench.reconnect("indexeddb")}>
            Look in IndexedDB
          </button>
        ) : null}
      </p>
    </div>
  );
}

/** The middle of the page before a run is open. */
export function Idle({ graph, bench }: { readonly graph: Graph; readonly bench: Workbench }) {
  const direction = useMedia(NARROW) ? "down" : "right";
  return (
    <>
      <header className="run-head">
        <div className="run-title">
          <h1>{graph.name}</h1>
        </div>
        {graph.description === undefined ? null : <p className="run-facts">{graph.description}</p>}
      </header>
      <Canvas
        graph={graph}
        stages={null}
        direction={direction}
        chosen={bench.chosen}
        onChoose={bench.choose}
      />
      <StartPage graph={graph} />
    </>
  );
}
