import { type KeyboardEvent, useCallback, useState, useSyncExternalStore } from "react";
import type { Engine, Graph, StageNode } from "sluice";
import type { FollowedRun } from "../run/follow.ts";
import type { StageView } from "../run/view.ts";
import { useCell } from "../state/cell.ts";
import { stageLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";
import { Icon } from "../ui/icon.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { Logs } from "./logs.tsx";
import { Overview } from "./overview.tsx";
import { PayloadView } from "./payload.tsx";
import { inputOf, outputOf } from "./payloads.ts";

type TabId = "overview" | "input" | "output" | "logs";

const tabs = [
  { id: "overview", label: "Overview" },
  { id: "input", label: "Input" },
  { id: "output", label: "Output" },
  { id: "logs", label: "Logs" },
] as const;

/** One stage in detail. */
export function Inspector(props: {
  readonly graph: Graph;
  readonly node: StageNode;
  readonly run: FollowedRun | null;
  readonly engine: Engine | null;
  readonly onClose: () => void;
  readonly onRerun: (stageId: string) => void;
}) {
  const { graph, node, run, engine, onClose, onRerun } = props;
  const [tab, setTab] = useState<TabId>("overview");
  const stage = useStageOf(run, node.id);
  const closeOnEscape = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
  };
  return (
    <section className="inspector" aria-labelledby="stage-title" onKeyDown={closeOnEscape}>
      <header className="panel-head">
        <h2 id="stage-title" tabIndex={-1}>
          {node.name}
        </h2>
        <Status look={stageLook(stage?.state ?? "waiting")} pill />
        <button type="button" className="icon-button" onClick={onClose}>
          <Icon name="close" />
          <span className="hidden-text">Close the stage's detail</span>
        </button>
      </header>
      <Tabs label={`Detail of ${node.name}`} tabs={tabs} chosen={tab} onChoose={setTab}>
        {tab === "overview" ? (
          <Overview graph={graph} node={node} stage={stage} run={run} onRerun={onRerun} />
        ) : run === null || engine === null ? (
          <p className="empty">
            Run a document to see what this stage is given, what it puts out and what it logs.
          </p>
        ) : tab === "logs" ? (
          <Logs key={node.id} engine={engine} runId={run.runId} stageId={node.id} version={stage} />
        ) : (
          <Values key={node.id} side={tab} engine={engine} run={run} node={node} />
        )}
      </Tabs>
    </section>
  );
}

function Values(props: {
  readonly side: "input" | "output";
  readonly engine: Engine;
  readonly run: FollowedRun;
  readonly node: StageNode;
}) {
  const { side, engine, run, node } = props;
  const snapshot = useCell(run.snapshot);
  if (snapshot === null) return <p className="empty">Reading…</p>;
  if (side === "output") {
    const output = outputOf(snapshot, node.id);
    return output === null ? (
      <p className="empty">No output yet: it is recorded when the stage has succeeded.</p>
    ) : (
      <PayloadView engine={engine} part={output} />
    );
  }
  const input = inputOf(snapshot, node);
  if (input.kind === "not-yet") {
    return <p className="empty">No input yet: the stages before it have not put anything out.</p>;
  }
  if (input.kind === "none") {
    return (
      <p className="empty">
        This stage takes no input of its own. It reads the outputs of {dependenciesOf(node)}.
      </p>
    );
  }
  return input.parts.map((part) => (
    <section key={part.id} className="payload-part">
      {part.from === null ? null : <h3>{part.from}</h3>}
      <PayloadView engine={engine} part={part} />
    </section>
  ));
}

function dependenciesOf({ dependencies }: StageNode): string {
  return dependencies === null ? "all stages before it" : dependencies.join(", ");
}

function useStageOf(run: FollowedRun | null, stageId: string): StageView | undefined {
  const subscribe = useCallback(
    (listener: () => void) => run?.stages.subscribe(stageId, listener) ?? (() => {}),
    [run, stageId],
  );
  return useSyncExternalStore(subscribe, () => run?.stages.get(stageId));
}
