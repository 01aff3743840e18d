import { useEffect, useRef, useState } from "react";
import type { Engine } from "sluice";
import { JsonView } from "../ui/json-view.tsx";
import { type Problem, problemOf } from "../ui/problem.ts";
import type { Part } from "./payloads.ts";

type Reading =
  | { readonly phase: "reading" }
  | { readonly phase: "read"; readonly value: unknown }
  | { readonly phase: "failed"; readonly problem: Problem };

/** A payload's value, read from the store when it is looked at. */
export function PayloadView({ engine, part }: { readonly engine: Engine; readonly part: Part }) {
  const [reading, setReading] = useState<Reading>({ phase: "reading" });
  const latest = useRef(part);
  useEffect(() => {
    latest.current = part;
  });
  useEffect(() => {
    let isCurrent = true;
    setReading({ phase: "reading" });
    engine.value(latest.current.payload).then(
      (value) => isCurrent && setReading({ phase: "read", value }),
      (error: unknown) => isCurrent && setReading({ phase: "failed", problem: problemOf(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [engine, part.id]);
  if (reading.phase === "reading") return <p className="empty">Reading…</p>;
  if (reading.phase === "failed") return <p className="problem-line">{reading.problem.message}</p>;
  return (
    <div className="json">
      <JsonView value={reading.value} />
    </div>
  );
}
