import "@xyflow/react/dist/base.css";
import { Controls, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useEffect, useMemo, useRef } from "react";
import type { Graph } from "sluice";
import type { StageView } from "../run/view.ts";
import type { KeyedStore } from "../state/keyed-store.ts";
import { CanvasContext, type CanvasShared } from "./context.ts";
import { flowOf } from "./flow.ts";
import { FlowEdgeView, JointNodeView } from "./flow-edge.tsx";
import type { Direction } from "./layout.ts";
import { neighbourOf } from "./neighbour.ts";
import { StageNodeView } from "./stage-node.tsx";

const nodeTypes = { stage: StageNodeView, joint: JointNodeView };
const edgeTypes = { flow: FlowEdgeView };
const fit = { padding: "20px", maxZoom: 1 } as const;

/** Above this many nodes only those in view are rendered. */
const MANY = 200;
/** Room around the drawing, in pixels. */
const MARGIN = 40;

/** A workflow's graph with the live state of a run, if one is open. */
export function Canvas(props: {
  readonly graph: Graph;
  readonly stages: KeyedStore<StageView> | null;
  readonly direction: Direction;
  readonly chosen: string | null;
  readonly onChoose: CanvasShared["onChoose"];
}) {
  const { graph, stages, direction, chosen, onChoose } = props;
  const box = useRef<HTMLDivElement>(null);
  const flow = useMemo(() => flowOf(graph, direction), [graph, direction]);
  const shared = useMemo<CanvasShared>(
    () => ({
      stages,
      chosen,
      onChoose,
      onMove(stageId, key) {
        const to = neighbourOf(graph, stageId, key, direction);
        if (to === null) return false;
        box.current?.querySelector<HTMLElement>(`[data-stage="${CSS.escape(to)}"]`)?.focus();
        return true;
      },
    }),
    [stages, chosen, onChoose, graph, direction],
  );
  return (
    <div
      className="canvas"
      ref={box}
      role="group"
      aria-label={`Workflow ${graph.name}: ${graph.stages.length} stages. Arrow keys follow the flow.`}
      style={{ "--drawn": `${Math.round(flow.height + MARGIN)}px` } as React.CSSProperties}
    >
      <CanvasContext value={shared}>
        <ReactFlowProvider key={`${graph.hash} ${direction}`}>
          <ReactFlow
            nodes={flow.nodes as (typeof flow.nodes)[number][]}
            edges={flow.edges as (typeof flow.edges)[number][]}
            nodeTypes={nodeTypes}
            edgeTypes={edgeTypes}
            fitView
            fitViewOptions={fit}
            minZoom={0.2}
            maxZoom={1.5}
            // The nodes' own buttons take focus and clicks; nothing can be moved or joined here.
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            disableKeyboardA11y
            // The page scrolls over the canvas; zooming wants Ctrl, a pinch, or the buttons.
            zoomOnScroll={false}
            zoomOnDoubleClick={false}
            preventScrolling={false}
            panOnDrag={direction === "right"}
            onlyRenderVisibleElements={flow.nodes.length > MANY}
          >
            <Controls showInteractive={false} fitViewOptions={fit} orientation="horizontal" />
            <Refit box={box} />
          </ReactFlow>
        </ReactFlowProvider>
      </CanvasContext>
    </div>
  );
}

/** Fits the drawing again when its place changes size. */
function Refit({ box }: { readonly box: React.RefObject<HTMLDivElement | null> }) {
  const { fitView } = useReactFlow();
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => void fitView(fit));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, fitView]);
  return null;
}
