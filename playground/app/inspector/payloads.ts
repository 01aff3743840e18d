import type { Payload, RunSnapshot, StageNode, StageRecord } from "sluice";

/** A payload that a stage was given or gave. */
export interface Part {
  /** Tells it from any other payload of the run: snapshots are renewed with each commit, and this says whether it is still the same value. */
  readonly id: string;
  /** The stage that it came from, where several did. */
  readonly from: string | null;
  readonly payload: Payload;
}

/** What a stage was given: parts, nothing at all, or nothing yet. */
export type StageInput =
  | { readonly kind: "parts"; readonly parts: readonly Part[] }
  | { readonly kind: "none" }
  | { readonly kind: "not-yet" };

/** Finds a stage's input in its run's rows: the workflow's own input, or what the group before it put out. */
export function inputOf(snapshot: RunSnapshot, node: StageNode): StageInput {
  const { graph, body, stages } = snapshot;
  if (node.input === "none") return { kind: "none" };
  if (node.group === 0) {
    if (body === null) return { kind: "none" };
    return { kind: "parts", parts: [{ id: "input", from: null, payload: body.input }] };
  }
  const before = graph?.groups[node.group - 1] ?? [];
  // A parallel group's outputs are an object by stage id, even of one.
  const isAlone = graph?.kinds[node.group - 1] === "pipe";
  const parts = before.flatMap((id) => {
    const part = partOf(stages.find(({ stageId }) => stageId === id));
    return part === null ? [] : [{ ...part, from: isAlone ? null : id }];
  });
  return parts.length === 0 ? { kind: "not-yet" } : { kind: "parts", parts };
}

/** A stage's output, once it has one. */
export function outputOf(snapshot: RunSnapshot, stageId: string): Part | null {
  return partOf(snapshot.stages.find((record) => record.stageId === stageId));
}

function partOf(record: StageRecord | undefined): Part | null {
  if (record?.output == null) return null;
  const { stageId, epoch, attempt, output } = record;
  return { id: `${stageId}.${epoch}.${attempt}`, from: null, payload: output };
}
