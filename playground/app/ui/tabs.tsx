import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";

/** One tab of several. */
export interface Tab<Id extends string> {
  readonly id: Id;
  readonly label: string;
  /** A figure beside the label. */
  readonly count?: number | undefined;
}

/** Tabs over one panel, as the ARIA practices have them: one stop for the Tab key, arrows between. */
export function Tabs<Id extends string>(props: {
  readonly label: string;
  readonly tabs: readonly Tab<Id>[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
  readonly children: ReactNode;
}) {
  const { label, tabs, chosen, onChoose, children } = props;
  const base = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div className="tabs">
      <div className="tab-list" role="tablist" aria-label={label} ref={list}>
        {tabs.map(({ id, label: name, count }) => (
          <button
            key={id}
            type="button"
            role="tab"
            className="tab"
            id={`${base}-tab-${id}`}
            data-tab={id}
            aria-selected={id === chosen}
            aria-controls={`${base}-panel`}
            tabIndex={id === chosen ? 0 : -1}
            onClick={() => onChoose(id)}
            onKeyDown={move}
          >
            {name}
            {count === undefined ? null : <span className="tab-count">{count.toLocaleString("en")}</span>}
          </button>
        ))}
      </div>
      {/* Focusable, because a panel that scrolls must scroll by keyboard too. */}
      <div
        className="tab-panel"
        role="tabpanel"
        id={`${base}-panel`}
        aria-labelledby={`${base}-tab-${chosen}`}
        tabIndex={0}
        key={chosen}
      >
        {children}
      </div>
    </div>
  );
}
