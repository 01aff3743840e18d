import { Handle, type NodeProps } from "@xyflow/react";
import { type KeyboardEvent, memo, type MouseEvent, useContext } from "react";
import { stageLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";
import { duration, percent } from "../ui/format.ts";
import { CanvasContext, useStage } from "./context.ts";
import type { StageNode } from "./flow.ts";

/** One stage on the canvas: a button that opens its detail, and follows its own status and no other's. */
export const StageNodeView = memo(function StageNodeView(props: NodeProps<StageNode>) {
  const { id, data, sourcePosition, targetPosition } = props;
  const { stages, chosen, onChoose, onMove } = useContext(CanvasContext);
  const stage = useStage(id);
  const state = stage?.state ?? "waiting";
  const look = stageLook(state);
  const progress = stage?.progress ?? 0;
  const isMoving = state === "running" || (state !== "succeeded" && progress > 0);
  const isLive = stages !== null;
  const figure = figureOf(stage, isMoving);
  const message = isLive ? messageOf(stage, data.step) : data.bounds;
  const isChosen = chosen === id;
  const choose = (event: MouseEvent): void => {
    // A click made by a key has no place on the screen: the reader wants to go on in the detail.
    onChoose(isChosen && event.detail > 0 ? null : id, event.detail === 0);
  };
  const move = (event: KeyboardEvent): void => {
    if (onMove(id, event.key)) event.preventDefault();
  };
  return (
    <>
      {targetPosition ? <Handle type="target" position={targetPosition} isConnectable={false} /> : null}
      <button
        type="button"
        className={`node status-${state}`}
        data-stage={id}
        aria-pressed={isChosen}
        onClick={choose}
        onKeyDown={move}
      >
        <span className="node-band" />
        <span className="node-body">
          <span className="node-name" title={data.name}>
            {data.name}
          </span>
          <span className="node-line">
            {isLive ? <Status look={look} /> : <span className="node-step">{data.step}</span>}
            {figure === null ? null : <span className="node-figure">{figure}</span>}
          </span>
          <span className="node-message" title={message}>
            {stage && stage.attempt > 1 ? <b className="node-attempt">attempt {stage.attempt}, </b> : null}
            {message}
          </span>
        </span>
        <span className="node-bar">
          <span style={{ transform: `scaleX(${progress})` }} />
        </span>
      </button>
      {sourcePosition ? <Handle type="source" position={sourcePosition} isConnectable={false} /> : null}
    </>
  );
});

/** How far it is, or how long it took. */
function figureOf(stage: ReturnType<typeof useStage>, isMoving: boolean): string | null {
  if (stage === undefined) return null;
  if (stage.state === "succeeded" && stage.startedAt !== null && stage.endedAt !== null) {
    return duration(stage.endedAt - stage.startedAt);
  }
  return isMoving ? percent(stage.progress) : null;
}

function messageOf(stage: ReturnType<typeof useStage>, step: string): string {
  if (stage === undefined || stage.state === "waiting" || stage.state === "queued") return step;
  if (stage.error !== null) return stage.error.message;
  return stage.reason ?? (stage.message === "" ? step : stage.message);
}
