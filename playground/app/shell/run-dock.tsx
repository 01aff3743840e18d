import { useEffect, useState } from "react";
import type { Graph } from "sluice";
import type { PageEngine } from "../engine.ts";
import { EventLog } from "../events/event-log.tsx";
import { outputOf, type Part } from "../inspector/payloads.ts";
import { PayloadView } from "../inspector/payload.tsx";
import { Report } from "../report/report.tsx";
import { reportOf } from "../report/report-of.ts";
import type { FollowedRun } from "../run/follow.ts";
import type { RunView } from "../run/view.ts";
import { useCell } from "../state/cell.ts";
import { adviceFor, type Problem, problemOf } from "../ui/problem.ts";
import { ProblemBox } from "../ui/problem-box.tsx";
import { Tabs } from "../ui/tabs.tsx";

type TabId = "result" | "events";

/** What came of the run, and what happened in it. */
export function RunDock(props: {
  readonly engine: PageEngine;
  readonly run: FollowedRun;
  readonly view: RunView;
  readonly graph: Graph;
  readonly chosen: string | null;
  readonly onChoose: (stageId: string) => void;
}) {
  const { engine, run, view, graph, chosen, onChoose } = props;
  // Until somebody chooses: the events while it runs, and what came of it afterwards.
  const [picked, setPicked] = useState<TabId | null>(null);
  const events = useCell(run.events);
  const tab = picked ?? (view.settledAt === null ? "events" : "result");
  const tabs = [
    { id: "result", label: "Result" },
    { id: "events", label: "Events", count: events.length },
  ] as const;
  return (
    <div className="dock">
      <Tabs label="The run" tabs={tabs} chosen={tab} onChoose={setPicked}>
        {tab === "events" ? (
          <EventLog events={run.events} graph={graph} chosen={chosen} onChoose={onChoose} />
        ) : (
          <Outcome engine={engine} run={run} view={view} graph={graph} onChoose={onChoose} />
        )}
      </Tabs>
    </div>
  );
}

function Outcome(props: {
  readonly engine: PageEngine;
  readonly run: FollowedRun;
  readonly view: RunView;
  readonly graph: Graph;
  readonly onChoose: (stageId: string) => void;
}) {
  const { engine, run, view, graph, onChoose } = props;
  const snapshot = useCell(run.snapshot);
  switch (view.status) {
    case "FAILED": {
      const { error } = view;
      const stage = graph.stages.find(({ id }) => id === error?.stageId);
      const title = stage === undefined ? "The run failed" : `The run failed in ${stage.name}`;
      const code = error?.code ?? "STAGE_ERROR";
      const message = error?.message ?? "It gave no reason.";
      return (
        <ProblemBox title={title} problem={{ code, message, advice: adviceFor(code) }}>
          {stage === undefined ? null : (
            <button type="button" className="button" onClick={() => onChoose(stage.id)}>
              Open {stage.name}
            </button>
          )}
        </ProblemBox>
      );
    }
    case "CANCELLED":
      return (
        <p className="empty">
          The run was cancelled{view.reason === null ? "" : `: ${view.reason}`}. What its finished stages put
          out is kept; choose a stage to look at it, or to run again from there.
        </p>
      );
    case "COMPLETED": {
      const last = graph.groups.at(-1)?.[0];
      const part = snapshot === null || last === undefined ? null : outputOf(snapshot, last);
      return part === null ? <p className="empty">Reading…</p> : <Result engine={engine} part={part} />;
    }
    default:
      return (
        <p className="empty">
          No result yet: it appears here as soon as the last stage has succeeded. You can reload or close this
          tab meanwhile.
        </p>
      );
  }
}

/** The last stage's output: as a report where it is one, else as it is. */
function Result({ engine, part }: { readonly engine: PageEngine; readonly part: Part }) {
  const [value, setValue] = useState<{ readonly of: string; readonly value: unknown } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { id, payload } = part;
  useEffect(() => {
    let isCurrent = true;
    engine.value(payload).then(
      (found) => isCurrent && setValue({ of: id, value: found }),
      (error: unknown) => isCurrent && setProblem(problemOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [engine, id, payload]);
  if (problem !== null) return <ProblemBox title="The result can't be read" problem={problem} />;
  if (value === null || value.of !== id) return <p className="empty">Reading…</p>;
  const report = reportOf(value.value);
  return report === null ? <PayloadView engine={engine} part={part} /> : <Report report={report} />;
}
