import type { Graph } from "sluice";
import { Icon, type IconName } from "../ui/icon.tsx";

const dares: readonly (readonly [IconName, string, string])[] = [
  ["again", "Reload in the middle", "The run is found again, and goes on from the stage that it was in."],
  ["kill", "Kill a worker", "Its lease is taken back, and the stage starts again in another one."],
  [
    "tabs",
    "Close the leading tab",
    "Open this page twice first: the other tab leads at once, and loses nothing.",
  ],
];

/** What stands under the workflow before anything is run: what will happen, and what to try. */
export function StartPage({ graph }: { readonly graph: Graph }) {
  return (
    <div className="start">
      <p className="start-lead">
        Drop a document, or take a sample. It goes through these {graph.stages.length} stages in workers of
        this browser, and is sent nowhere.
      </p>
      <h2>Then try to break it</h2>
      <ul className="dares">
        {dares.map(([icon, title, text]) => (
          <li key={title}>
            <Icon name={icon} size={18} />
            <b>{title}</b>
            <span className="note">{text}</span>
          </li>
        ))}
      </ul>
      <p className="note">Whatever you do, each stage is recorded as completed once.</p>
    </div>
  );
}
