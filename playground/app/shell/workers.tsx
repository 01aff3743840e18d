import type { PageEngine } from "../engine.ts";
import { useMemo } from "react";
import { shortId } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { usePoolWorkers } from "./use-engine.ts";
import type { Workbench } from "./use-workbench.ts";

const states = { starting: "starting", ready: "idle", waiting: "restarting" } as const;

/** This tab's stage workers: what each executes, and a button that ends it for real. */
export function Workers({ bench, engine }: { readonly bench: Workbench; readonly engine: PageEngine }) {
  const pool = usePoolWorkers(engine);
  const names = useMemo(() => new Map(bench.graph?.stages.map(({ id, name }) => [id, name])), [bench.graph]);
  const workers = bench.status?.workers ?? [];
  return (
    <ul className="workers" aria-label="Workers of this tab">
      {workers.map(({ id, state, error }) => {
        const running = pool.find((worker) => worker.id === id)?.running ?? [];
        const work = running.map(({ stageId }) => names.get(stageId) ?? stageId).join(", ");
        return (
          <li key={id}>
            <code title={id}>{shortId(id)}</code>
            <span className="worker-work" title={error?.message ?? work}>
              {error === null ? work || states[state] : error.message}
            </span>
            <button
              type="button"
              className="button small danger"
              aria-label={`Kill worker ${id}`}
              onClick={() => bench.kill(id)}
            >
              <Icon name="kill" size={14} />
              Kill
            </button>
          </li>
        );
      })}
    </ul>
  );
}
