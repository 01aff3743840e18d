import type { StageState } from "../run/view.ts";
import { stageLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";

const meanings: readonly (readonly [StageState, string])[] = [
  ["waiting", "the steps before it are not done"],
  ["queued", "due, and not yet taken by a worker"],
  ["running", "a worker holds its lease"],
  ["backoff", "failed, and tried again later"],
  ["suspended", "waits for a time or a signal"],
  ["succeeded", "its output is recorded, once"],
  ["failed", "tried as often as allowed"],
  ["lease-expired", "its worker died; queued again"],
  ["cancelled", "ended with its run"],
  ["skipped", "there was nothing to do"],
];

/** What stands in the detail's place while no stage is chosen: what the signs on the canvas mean. */
export function Legend() {
  return (
    <div className="legend">
      <p>Choose a stage to see its attempts, its worker, its log, and what went in and out of it.</p>
      <h2>What the signs mean</h2>
      <dl>
        {meanings.map(([state, meaning]) => (
          <div key={state} className={`status-${state}`}>
            <dt>
              <span className="node-band" />
              <Status look={stageLook(state)} />
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
