import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";
import type { Problem } from "./problem.ts";

/** An error where it belongs: what happened, what to do, and what can be done at once. */
export function ProblemBox(props: {
  readonly title: string;
  /** Whether it is all that the page has to say: its title is then the page's heading. */
  readonly isPage?: boolean;
  readonly problem: Problem;
  /** The stack or whatever else helps whoever mends it. */
  readonly detail?: string | undefined;
  readonly children?: ReactNode;
}) {
  const { title, isPage = false, problem, detail, children } = props;
  const Title = isPage ? "h1" : "p";
  return (
    <div className="problem">
      <Title className="problem-title">
        <Icon name="alarm" />
        {title}
        <code>{problem.code}</code>
      </Title>
      <p className="problem-message">{problem.message}</p>
      {problem.advice === null ? null : <p className="problem-advice">{problem.advice}</p>}
      {children === undefined ? null : <div className="problem-actions">{children}</div>}
      {detail === undefined ? null : (
        <details>
          <summary>Stack</summary>
          <pre tabIndex={0}>{detail}</pre>
        </details>
      )}
    </div>
  );
}
