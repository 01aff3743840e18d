import { Inspector } from "./inspector/inspector.tsx";
import { Intake } from "./intake/intake.tsx";
import { RunsPanel } from "./runs/runs-panel.tsx";
import { EnginePanel } from "./shell/engine-panel.tsx";
import { focusLater } from "./shell/focus.ts";
import { Legend } from "./shell/legend.tsx";
import { NoticeBar } from "./shell/notice.tsx";
import { RunNews } from "./shell/run-news.tsx";
import { Idle, RunPage } from "./shell/run-page.tsx";
import { ThemeSwitch } from "./shell/theme-switch.tsx";
import { useWorkbench, type Workbench } from "./shell/use-workbench.ts";
import { hrefOf } from "./state/route.ts";
import type { Connector } from "./state/session.ts";
import { CrashGuard } from "./ui/crash-guard.tsx";
import { Mark } from "./ui/mark.tsx";
import { problemOf } from "./ui/problem.ts";
import { ProblemBox } from "./ui/problem-box.tsx";

/** The page: what comes in on the left, the run in the middle, one stage in detail on the right. */
export function App({ connector }: { readonly connector: Connector }) {
  const bench = useWorkbench(connector);
  return (
    <div className="page">
      <a
        className="skip"
        href="#run"
        onClick={(event) => {
          // The hash is the route: following the link would leave the run.
          event.preventDefault();
          focusLater("#run");
        }}
      >
        Skip to the run
      </a>
      <header className="top">
        <a className="brand" href={hrefOf({ page: "start" })}>
          <Mark />
          <span>Sluice</span>
          <span className="brand-part">Playground</span>
        </a>
        <ThemeSwitch />
      </header>
      <NoticeBar notice={bench.notice} onDismiss={bench.dismiss} />
      {bench.run === null ? null : <RunNews run={bench.run} />}
      <div className="side">
        <Intake isReady={bench.engine !== null} onFiles={bench.start} />
        {bench.runs === null ? null : <RunsPanel runs={bench.runs} openRun={bench.runId} />}
      </div>
      <main className="middle" id="run" tabIndex={-1}>
        <CrashGuard of={bench.runId}>
          <Middle bench={bench} />
        </CrashGuard>
      </main>
      <aside className="detail" aria-label="Stage">
        <CrashGuard of={bench.chosen}>
          <Detail bench={bench} />
        </CrashGuard>
      </aside>
      <EnginePanel bench={bench} />
    </div>
  );
}

/** What another store would not help against. */
const notOfStorage: ReadonlySet<string> = new Set(["STAGE_MODULE", "NOT_CONNECTED", "UNSUPPORTED"]);

function Middle({ bench }: { readonly bench: Workbench }) {
  const { session, engine, run, runId, graph } = bench;
  if (session.phase === "failed") {
    return (
      <ProblemBox isPage title="The engine can't start" problem={session.problem}>
        <button type="button" className="button primary" onClick={() => bench.reconnect(session.storage)}>
          Try again
        </button>
        {session.storage === "memory" || notOfStorage.has(session.problem.code) ? null : (
          <button type="button" className="button" onClick={() => bench.reconnect("memory")}>
            Go on in memory
          </button>
        )}
      </ProblemBox>
    );
  }
  if (bench.status?.role === "stopped" && bench.status.error !== null) {
    return (
      <ProblemBox isPage title="The engine has stopped" problem={problemOf(bench.status.error)}>
        <button type="button" className="button primary" onClick={() => bench.reconnect(session.storage)}>
          Connect again
        </button>
      </ProblemBox>
    );
  }
  if (engine !== null && run !== null) return <RunPage engine={engine} run={run} bench={bench} />;
  if (runId === null && graph !== null) return <Idle graph={graph} bench={bench} />;
  return (
    <div className="middle-note">
      <h1>Starting the engine…</h1>
    </div>
  );
}

function Detail({ bench }: { readonly bench: Workbench }) {
  const { graph, chosen, run, engine } = bench;
  const node = graph?.stages.find(({ id }) => id === chosen);
  if (node === undefined || graph === null) {
    return <Legend />;
  }
  return (
    <Inspector
      graph={graph}
      node={node}
      run={run}
      engine={engine}
      onClose={() => bench.choose(null, true)}
      onRerun={bench.rerunFrom}
    />
  );
}
