import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import type { StageView } from "../run/view.ts";
import { createKeyedStore, type KeyedStore } from "../state/keyed-store.ts";

/** What the nodes share. It stands outside React Flow's nodes, so that a change of status renders one node. */
export interface CanvasShared {
  /** Null while no run is open. */
  readonly stages: KeyedStore<StageView> | null;
  readonly chosen: string | null;
  /** Opens a stage's detail, or closes it; `byKey` when it was asked for by keyboard. */
  readonly onChoose: (stageId: string | null, byKey: boolean) => void;
  /** Moves the focus by an arrow key; false if there is nothing there. */
  readonly onMove: (stageId: string, key: string) => boolean;
}

export const CanvasContext = createContext<CanvasShared>({
  stages: null,
  chosen: null,
  onChoose: () => {},
  onMove: () => false,
});

const nobody = createKeyedStore<StageView>();

/** Follows one stage. */
export function useStage(stageId: string): StageView | undefined {
  const stages = useContext(CanvasContext).stages ?? nobody;
  const subscribe = useCallback(
    (listener: () => void) => stages.subscribe(stageId, listener),
    [stages, stageId],
  );
  return useSyncExternalStore(subscribe, () => stages.get(stageId));
}

/** Whether all of some stages are done, followed. */
export function useAllDone(stageIds: readonly string[]): boolean {
  const stages = useContext(CanvasContext).stages ?? nobody;
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = stageIds.map((id) => stages.subscribe(id, listener));
      return () => {
        for (const end of ends) end();
      };
    },
    [stages, stageIds],
  );
  return useSyncExternalStore(subscribe, () =>
    stageIds.every((id) => {
      const state = stages.get(id)?.state;
      return state === "succeeded" || state === "skipped";
    }),
  );
}
