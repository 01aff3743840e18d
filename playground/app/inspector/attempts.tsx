import type { AttemptView } from "../run/view.ts";
import { attemptLook } from "../status/looks.ts";
import { Status } from "../status/status.tsx";
import { clockTime, duration, shortId } from "../ui/format.ts";

/** Every execution of a stage's body, newest first. */
export function Attempts({ attempts }: { readonly attempts: readonly AttemptView[] }) {
  if (attempts.length === 0) return <p className="empty">Not started yet.</p>;
  const reran = attempts.some(({ epoch }) => epoch > 1);
  return (
    <ol className="attempts">
      {attempts.toReversed().map(({ epoch, attempt, worker, resumed, startedAt, endedAt, end, error }) => (
        <li key={`${epoch}.${attempt}`}>
          <span className="attempt-head">
            <b>
              Attempt {attempt}
              {reran ? `, epoch ${epoch}` : ""}
              {resumed ? ", resumed" : ""}
            </b>
            <Status look={attemptLook(end)} />
          </span>
          <span className="note">
            <time dateTime={new Date(startedAt).toISOString()}>{clockTime(startedAt)}</time>
            {endedAt === null ? null : ` · ${duration(endedAt - startedAt)}`}
            {worker === null ? null : (
              <>
                {" "}
                · <code title={worker}>{shortId(worker)}</code>
              </>
            )}
          </span>
          {error === null ? null : <span className="attempt-error">{error.message}</span>}
        </li>
      ))}
    </ol>
  );
}
