import { useCallback, useEffect, useState } from "react";
import type { Graph, RunHandle } from "sluice";
import type { BrowserStatus } from "sluice/browser";
import { DOCUMENT_WORKFLOW, type PageEngine, type StorageKind } from "../engine.ts";
import type { FollowedRun } from "../run/follow.ts";
import type { FollowedRuns } from "../runs/list.ts";
import { createCell, useCell } from "../state/cell.ts";
import { goTo, useRoute } from "../state/location.ts";
import { type Connector, keepStorage, type Session } from "../state/session.ts";
import { problemOf } from "../ui/problem.ts";
import { shortId } from "../ui/format.ts";
import { NARROW } from "../ui/use-media.ts";
import { focusLater, nodeOf, scrollLater } from "./focus.ts";
import { killBusiest, killDuringNextRun } from "./kill.ts";
import type { Notice } from "./notice.tsx";
import { useEngineStatus } from "./use-engine.ts";
import { useFollowedRun, useFollowedRuns } from "./use-run.ts";

/** All that the page shows and can do. */
export interface Workbench {
  readonly session: Session;
  /** Null until it is connected. */
  readonly engine: PageEngine | null;
  readonly status: BrowserStatus | null;
  readonly runs: FollowedRuns | null;
  /** The run that the address names. */
  readonly runId: string | null;
  readonly run: FollowedRun | null;
  /** What is on the canvas: the run's graph, or the one that documents will go through. */
  readonly graph: Graph | null;
  readonly notice: Notice | null;
  readonly dismiss: () => void;
  /** The stage whose detail is open. */
  readonly chosen: string | null;
  /** Opens or closes a stage's detail; `byKey` moves the focus along. */
  readonly choose: (stageId: string | null, byKey: boolean) => void;
  readonly start: (files: readonly File[]) => void;
  readonly cancel: () => void;
  readonly rerunFrom: (stageId: string) => void;
  readonly kill: (workerId: string) => void;
  readonly killBusiest: () => void;
  /** Whether a worker is to be killed as soon as one is at work. */
  readonly isArmed: boolean;
  readonly arm: (isArmed: boolean) => void;
  /** Connects again, or to another store. */
  readonly reconnect: (storage: StorageKind) => void;
}

const noGraph = createCell<Graph | null>(null);

/** The page's state, and what its buttons do. */
export function useWorkbench(connector: Connector): Workbench {
  const session = useCell(connector.session);
  const route = useRoute();
  const engine = session.phase === "ready" ? session.engine : null;
  const runId = route.page === "run" ? route.runId : null;
  const run = useFollowedRun(engine, runId);
  const runGraph = useCell(run?.graph ?? noGraph);
  const status = useEngineStatus(engine);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [isArmed, arm] = useState(false);

  const attempt = (work: () => Promise<unknown>): void => {
    work().catch((error: unknown) => setNotice({ tone: "problem", problem: problemOf(error) }));
  };
  const withRun = (work: (handle: RunHandle) => Promise<unknown>): void =>
    attempt(async () => {
      const handle = runId === null ? null : await engine?.get(runId);
      if (handle) await work(handle);
    });
  const tellKilled = useCallback((workerId: string): void => {
    arm(false);
    setNotice({
      tone: "news",
      text: `Worker ${shortId(workerId)} was terminated. What it had under way starts again in another one.`,
    });
  }, []);
  useEffect(
    () => (isArmed && engine !== null ? killDuringNextRun(engine, tellKilled) : undefined),
    [isArmed, engine, tellKilled],
  );
  const kill = (workerId: string): void => {
    engine?.terminateWorker(workerId);
    tellKilled(workerId);
  };

  return {
    session,
    engine,
    status,
    runs: useFollowedRuns(engine),
    runId,
    run,
    graph: runId === null ? documentGraph(session) : runGraph,
    notice,
    dismiss: () => setNotice(null),
    chosen,
    choose(stageId, byKey) {
      setChosen(stageId);
      if (stageId === null) focusLater(nodeOf(chosen ?? ""));
      else if (byKey) focusLater("#stage-title");
      else if (matchMedia(NARROW).matches) scrollLater(".canvas");
    },
    start: (files) =>
      attempt(async () => {
        if (engine === null) return;
        for (const [index, file] of files.entries()) {
          const started = await engine.start(DOCUMENT_WORKFLOW, { file, name: file.name });
          if (index > 0) continue;
          goTo({ page: "run", runId: started.id });
          if (matchMedia(NARROW).matches) scrollLater("#run");
        }
      }),
    cancel: () => withRun((handle) => handle.cancel("asked for on the page")),
    rerunFrom: (stageId) => withRun((handle) => handle.rerunFrom(stageId)),
    kill,
    killBusiest: () =>
      attempt(async () => {
        const killed = engine === null ? null : await killBusiest(engine);
        if (killed !== null) tellKilled(killed);
      }),
    isArmed,
    arm,
    reconnect(storage) {
      keepStorage(storage);
      void connector.use(storage);
    },
  };
}

function documentGraph(session: Session): Graph | null {
  if (session.phase !== "ready") return null;
  return session.workflows.find(({ workflowId }) => workflowId === DOCUMENT_WORKFLOW) ?? null;
}
