import { useEffect, useRef, useState } from "react";
import type { Event, Graph } from "sluice";
import { type Cell, useCell } from "../state/cell.ts";
import { Icon } from "../ui/icon.tsx";
import { clockTime } from "../ui/format.ts";
import { describeEvent } from "./describe.ts";

/** Rows rendered at first, the newest ones; more are asked for. */
const STEP = 300;
/** The log stays at its end as long as it is no further from it than this, in pixels. */
const NEAR_END = 40;

/** What happened, as it was committed: the journal of one run, live. */
export function EventLog(props: {
  readonly events: Cell<readonly Event[]>;
  readonly graph: Graph;
  readonly chosen: string | null;
  readonly onChoose: (stageId: string) => void;
}) {
  const { graph, chosen, onChoose } = props;
  const events = useCell(props.events);
  const [showsProgress, setShowsProgress] = useState(false);
  const [limit, setLimit] = useState(STEP);
  const end = useEndOfList(events);
  const names = new Map(graph.stages.map(({ id, name }) => [id, name]));
  const kept = showsProgress ? events : events.filter(({ type }) => type !== "stage:progress");
  const hidden = Math.max(0, kept.length - limit);
  return (
    <div className="events">
      <p className="events-head">
        <label className="check">
          <input
            type="checkbox"
            checked={showsProgress}
            onChange={(event) => setShowsProgress(event.currentTarget.checked)}
          />
          Progress reports
        </label>
        <span className="note">
          {events.length.toLocaleString("en")} events in the journal, in order and without gaps
        </span>
      </p>
      {hidden > 0 ? (
        <button type="button" className="link-button" onClick={() => setLimit(limit + STEP)}>
          Show {Math.min(STEP, hidden)} earlier of {hidden.toLocaleString("en")}
        </button>
      ) : null}
      <ol className="event-list">
        {kept.slice(hidden).map((event) => {
          const { sequence, at, state, sign, stageId, text } = describeEvent(event);
          return (
            <li key={sequence} data-marked={stageId !== null && stageId === chosen}>
              <span className="event-sequence">{sequence}</span>
              <time className="event-time" dateTime={new Date(at).toISOString()}>
                {clockTime(at)}
              </time>
              <span className={`event-sign status-${state}`} title={event.type}>
                <Icon name={sign} size={14} />
              </span>
              <span className="event-text">
                {stageId === null ? null : (
                  <button type="button" className="event-stage" onClick={() => onChoose(stageId)}>
                    {names.get(stageId) ?? stageId}
                  </button>
                )}
                {text}
              </span>
            </li>
          );
        })}
      </ol>
      <span ref={end} />
    </div>
  );
}

/** Keeps the end of the list in view while it grows, unless the reader scrolled away from it. */
function useEndOfList(events: readonly Event[]) {
  const end = useRef<HTMLSpanElement>(null);
  const isAtEnd = useRef(false);
  useEffect(() => {
    const panel = end.current?.closest(".tab-panel");
    if (panel === null || panel === undefined) return undefined;
    const look = (): void => {
      isAtEnd.current = panel.scrollHeight - panel.scrollTop - panel.clientHeight < NEAR_END;
    };
    look();
    panel.addEventListener("scroll", look, { passive: true });
    return () => panel.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    const panel = end.current?.closest(".tab-panel");
    if (isAtEnd.current && panel) panel.scrollTop = panel.scrollHeight;
  }, [events]);
  return end;
}
