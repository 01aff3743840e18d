import { Icon } from "../ui/icon.tsx";
import type { Problem } from "../ui/problem.ts";

/** Something that has just happened and concerns no single run. */
export type Notice =
  | { readonly tone: "news"; readonly text: string }
  | { readonly tone: "problem"; readonly problem: Problem };

/** The last notice, until it is dismissed or another comes. */
export function NoticeBar({
  notice,
  onDismiss,
}: {
  readonly notice: Notice | null;
  readonly onDismiss: () => void;
}) {
  // The region is always there: screen readers announce what changes in it, not what comes with it.
  return (
    <div role="status" className="notice-region">
      {notice === null ? null : (
        <div className={`notice notice-${notice.tone}`}>
          <Icon name={notice.tone === "news" ? "kill" : "alarm"} />
          <p>
            {notice.tone === "news" ? (
              notice.text
            ) : (
              <>
                {notice.problem.message} {notice.problem.advice}
              </>
            )}
          </p>
          <button type="button" className="icon-button" onClick={onDismiss}>
            <Icon name="close" />
            <span className="hidden-text">Dismiss</span>
          </button>
        </div>
      )}
    </div>
  );
}
