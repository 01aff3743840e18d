import { createEngine, type LogLine } from "sluice";
import { memoryStore } from "sluice/memory";
import type { DocumentReport } from "../document/aggregate.ts";
import { pipeline } from "../document/stages.ts";
import { createTracker, type StageView } from "./track.ts";

/** What to do while the document is worked on. */
export interface ProcessOptions {
  /** Cancels the run; the promise is then rejected with `RunCancelledError`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every change, with the stage that changed; at first without one. */
  readonly onChange?: ((stages: readonly StageView[], changed?: StageView) => void) | undefined;
}

/** A line of a stage's log. */
export interface StageLog extends LogLine {
  readonly stageId: string;
}

/** What came of it. */
export interface Processed {
  readonly report: DocumentReport;
  readonly stages: readonly StageView[];
  /** What the stages logged, by time. */
  readonly logs: readonly StageLog[];
}

/**
 * Runs the document pipeline on one file, in this process, on a store in memory.
 *
 * @throws RunFailedError with the failed stage's error in `record`; RunCancelledError
 */
export async function processDocument(file: File, options: ProcessOptions = {}): Promise<Processed> {
  const { signal, onChange = () => {} } = options;
  const tracker = createTracker(pipeline.graph.stages);
  const engine = createEngine({ workflows: [pipeline], store: memoryStore() });
  try {
    const run = await engine.start(pipeline, { file, name: file.name });
    onChange(tracker.stages);
    const tell = (changed: StageView | undefined): void => {
      if (changed) onChange(tracker.stages, changed);
    };
    const endProgress = run.progress((progress) => tell(tracker.report(progress)));
    const cancel = (): void => void run.cancel("interrupted");
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      for await (const event of run.events()) {
        tell(tracker.accept(event));
        if (event.type === "workflow:cancelled") {
          tracker.cancel();
          onChange(tracker.stages);
        }
      }
      const report = await run.result();
      const batches = await engine.logs({ runId: run.id });
      const logs = batches.flatMap(({ stageId, lines }) => lines.map((line) => ({ ...line, stageId })));
      return { report, stages: tracker.stages, logs: logs.toSorted((a, b) => a.at - b.at) };
    } finally {
      signal?.removeEventListener("abort", cancel);
      endProgress();
    }
  } finally {
    await engine.destroy();
  }
}
