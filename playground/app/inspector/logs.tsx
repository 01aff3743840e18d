import { useEffect, useState } from "react";
import type { Engine, LogBatch } from "sluice";
import { clockTime } from "../ui/format.ts";
import { JsonView } from "../ui/json-view.tsx";
import { type Problem, problemOf } from "../ui/problem.ts";

/** What a stage logged, all its attempts, crashed ones included. */
export function Logs(props: {
  readonly engine: Engine;
  readonly runId: string;
  readonly stageId: string;
  /** Changes whenever there may be new lines. */
  readonly version: unknown;
}) {
  const { engine, runId, stageId, version } = props;
  const [batches, setBatches] = useState<readonly LogBatch[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isCurrent = true;
    engine.logs({ runId, stageId }).then(
      (found) => isCurrent && setBatches(found),
      (error: unknown) => isCurrent && setProblem(problemOf(error)),
    );
    return () => {
      isCurrent = false;
    };
  }, [engine, runId, stageId, version]);
  if (problem !== null) return <p className="problem-line">{problem.message}</p>;
  if (batches === null) return <p className="empty">Reading…</p>;
  const lines = batches.flatMap(({ epoch, attempt, from, lines: some }) =>
    some.map((line, index) => ({ ...line, attempt, id: `${epoch}.${attempt}.${from + index}` })),
  );
  if (lines.length === 0) return <p className="empty">This stage has logged nothing.</p>;
  return (
    <ol className="logs">
      {lines.map(({ id, at, level, message, meta, attempt }) => (
        <li key={id}>
          <span className="log-head">
            <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
            <span className={`log-level log-${level.toLowerCase()}`}>{level}</span>
            {attempt > 1 ? <span className="note">attempt {attempt}</span> : null}
          </span>
          <span className="log-message">{message}</span>
          {meta === undefined ? null : (
            <div className="json">
              <JsonView value={meta} open={false} />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
