import type { Graph, RunStatus, StageNode } from "sluice";
import type { FollowedRun } from "../run/follow.ts";
import type { StageView } from "../run/view.ts";
import { useCell } from "../state/cell.ts";
import { Icon } from "../ui/icon.tsx";
import { clockTime, count, duration, percent } from "../ui/format.ts";
import { adviceFor } from "../ui/problem.ts";
import { ProblemBox } from "../ui/problem-box.tsx";
import { Attempts } from "./attempts.tsx";

/** What a stage is, where it stands, and each of its attempts. */
export function Overview(props: {
  readonly graph: Graph;
  readonly node: StageNode;
  readonly stage: StageView | undefined;
  readonly run: FollowedRun | null;
  readonly onRerun: (stageId: string) => void;
}) {
  const { graph, node, stage, run, onRerun } = props;
  return (
    <div className="overview">
      {node.description === undefined ? null : <p>{node.description}</p>}
      {stage?.error == null ? null : (
        <ProblemBox
          title={stage.state === "backoff" ? "The last attempt failed" : "This stage failed"}
          problem={{
            code: stage.error.code,
            message: stage.error.message,
            advice: stage.state === "backoff" ? null : adviceFor(stage.error.code),
          }}
          detail={stage.error.stack}
        />
      )}
      <dl className="pairs">
        <Pair name="Stage" value={<code>{node.id}</code>} />
        <Pair name="Step" value={`${node.group + 1} of ${graph.groups.length}`} />
        {stage === undefined ? null : <Times stage={stage} />}
        <Pair name="Bounds" value={boundsOf(node)} />
      </dl>
      {run === null ? null : <RerunButton run={run} stage={stage} onRerun={onRerun} />}
      <h3>Attempts</h3>
      <Attempts attempts={stage?.attempts ?? []} />
    </div>
  );
}

function Times({ stage }: { readonly stage: StageView }) {
  return (
    <>
      {stage.state === "running" ? (
        <Pair
          name="Progress"
          value={`${percent(stage.progress)}${stage.message ? `, ${stage.message}` : ""}`}
        />
      ) : null}
      {stage.dueAt === null ? null : <Pair name="Tried again" value={`at ${clockTime(stage.dueAt)}`} />}
      {stage.startedAt === null ? null : <Pair name="Started" value={clockTime(stage.startedAt)} />}
      {stage.startedAt === null || stage.endedAt === null ? null : (
        <Pair name="Took" value={duration(stage.endedAt - stage.startedAt)} />
      )}
      {stage.reason === null ? null : <Pair name="Reason" value={stage.reason} />}
    </>
  );
}

function RerunButton(props: {
  readonly run: FollowedRun;
  readonly stage: StageView | undefined;
  readonly onRerun: (stageId: string) => void;
}) {
  const { run, stage, onRerun } = props;
  const view = useCell(run.view);
  if (view === null || stage === undefined || !canRerun(view.status) || stage.state === "not-run")
    return null;
  return (
    <button type="button" className="button" onClick={() => onRerun(stage.id)}>
      <Icon name="again" />
      Rerun from this stage
    </button>
  );
}

function canRerun(status: RunStatus): boolean {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}

function boundsOf({ policy }: StageNode): string {
  const { maxAttempts, maxCrashes, timeoutMs } = policy;
  const limit = timeoutMs === null ? "no time limit" : `${duration(timeoutMs)} each`;
  return `${count(maxAttempts, "attempt")}, ${maxCrashes} crashes, ${limit}`;
}

function Pair({ name, value }: { readonly name: string; readonly value: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
