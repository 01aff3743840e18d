import { useEffect } from "react";
import type { FollowedRun } from "../run/follow.ts";
import { documentLabel } from "../runs/document-name.ts";
import { useCell } from "../state/cell.ts";
import { runLook } from "../status/looks.ts";

const title = "Sluice playground";

/** Tells the open run's status to those who don't see the page: in the tab's title, and to screen readers. */
export function RunNews({ run }: { readonly run: FollowedRun }) {
  const view = useCell(run.view);
  const snapshot = useCell(run.snapshot);
  const name = documentLabel(snapshot?.body ?? null, view?.workflowId ?? "").name;
  const word = view === null ? null : runLook(view.status).label;
  useEffect(() => {
    document.title = word === null ? title : `${word}: ${name} · ${title}`;
    return () => {
      document.title = title;
    };
  }, [word, name]);
  return (
    <div role="status" className="hidden-text">
      {word === null ? "" : `${name}: ${word}`}
    </div>
  );
}
