import { Component, type ReactNode } from "react";
import { problemOf } from "./problem.ts";
import { ProblemBox } from "./problem-box.tsx";

interface CrashGuardProps {
  /** What is drawn: another one is another try. */
  readonly of: unknown;
  readonly children: ReactNode;
}

interface CrashGuardState {
  readonly of: unknown;
  readonly failure: { readonly error: unknown } | null;
}

/** Keeps a part that fails to draw from taking the page with it: what a store holds may be stranger than any type says. */
export class CrashGuard extends Component<CrashGuardProps, CrashGuardState> {
  override state: CrashGuardState = { of: this.props.of, failure: null };

  static getDerivedStateFromError(error: unknown): Pick<CrashGuardState, "failure"> {
    return { failure: { error } };
  }

  static getDerivedStateFromProps({ of }: CrashGuardProps, state: CrashGuardState): CrashGuardState | null {
    return of === state.of ? null : { of, failure: null };
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (failure === null) return this.props.children;
    return (
      <ProblemBox title="This part of the page can't be shown" problem={problemOf(failure.error)}>
        <button type="button" className="button" onClick={() => this.setState({ failure: null })}>
          Try again
        </button>
      </ProblemBox>
    );
  }
}
