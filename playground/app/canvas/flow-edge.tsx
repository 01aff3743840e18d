import { BaseEdge, type EdgeProps, getSmoothStepPath, Handle, type NodeProps } from "@xyflow/react";
import { memo } from "react";
import { useAllDone } from "./context.ts";
import type { FlowEdge, JointNode } from "./flow.ts";

const none: readonly string[] = [];

/** A line between steps: dashed until the work has passed it. */
export const FlowEdgeView = memo(function FlowEdgeView(props: EdgeProps<FlowEdge>) {
  const { id, data, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition } = props;
  const isPassed = useAllDone(data?.after ?? none);
  const [path] = getSmoothStepPath({
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition,
    targetPosition,
    borderRadius: 10,
    // Less than half of the smallest gap, or the line would double back.
    offset: 12,
  });
  return <BaseEdge id={id} path={path} className={isPassed ? "edge edge-passed" : "edge"} />;
});

/** A point where two wide steps meet. */
export const JointNodeView = memo(function JointNodeView(props: NodeProps<JointNode>) {
  const { sourcePosition, targetPosition } = props;
  return (
    <>
      {targetPosition ? <Handle type="target" position={targetPosition} isConnectable={false} /> : null}
      <span className="joint" />
      {sourcePosition ? <Handle type="source" position={sourcePosition} isConnectable={false} /> : null}
    </>
  );
});
