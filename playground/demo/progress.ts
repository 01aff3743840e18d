import { duration, fit, type Paint, printable, type Terminal } from "./terminal.ts";
import type { StageView } from "./track.ts";

/** Shows how far a run is. */
export interface ProgressView {
  /** Shows the stages as they are now; `changed` is the one that the news is about. */
  update(stages: readonly StageView[], changed?: StageView): void;
  /** Shows the last state and leaves the cursor below it. */
  close(): void;
}

/** Bars that move where the stream is a terminal, and a line for each step where it is a file or a pipe. */
export function createProgressView(stream: Terminal, paint: Paint): ProgressView {
  return stream.isTTY ? new Bars(stream, paint) : new Lines(stream);
}

const NAME_COLUMNS = 20;
const BAR_COLUMNS = 24;
/** Redraws at most so often (milliseconds): more can't be seen. */
const FRAME_MS = 33;

class Bars implements ProgressView {
  readonly #stream: Terminal;
  readonly #paint: Paint;
  #stages: readonly StageView[] = [];
  #drawn = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #dirty = false;

  constructor(stream: Terminal, paint: Paint) {
    this.#stream = stream;
    this.#paint = paint;
  }

  update(stages: readonly StageView[], changed?: StageView): void {
    const settles = changed !== undefined && changed.status !== "running";
    // A copy: the caller's list goes on changing.
    this.#stages = [...stages];
    this.#dirty = true;
    if (settles || performance.now() - this.#drawnAt >= FRAME_MS) this.#draw();
  }

  close(): void {
    if (this.#dirty) this.#draw();
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    const lines = this.#stages.map((stage) => `\r\x1b[2K${this.#line(stage)}\n`);
    this.#stream.write(up + lines.join(""));
    this.#drawn = lines.length;
    this.#drawnAt = performance.now();
    this.#dirty = false;
  }

  /** Never wider than the terminal: a wrapped line would make the cursor's way up too short. */
  #line(stage: StageView): string {
    const columns = (this.#stream.columns ?? 80) - 1;
    const name = fit(printable(stage.name), NAME_COLUMNS);
    const filled = Math.round(stage.progress * BAR_COLUMNS);
    const percent = `${Math.floor(stage.progress * 100)} %`.padStart(5);
    const left = `  ${name} ${"█".repeat(filled)}${"░".repeat(BAR_COLUMNS - filled)} ${percent}  `;
    if (columns < left.length) return fit(`${name} ${percent}`, columns).trimEnd();
    const bar =
      this.#paint("cyan", "█".repeat(filled)) + this.#paint("dim", "░".repeat(BAR_COLUMNS - filled));
    const news = fit(newsOf(stage), columns - left.length).trimEnd();
    return `  ${name} ${bar} ${percent}  ${this.#paint(COLOURS[stage.status], news)}`;
  }
}

const COLOURS = {
  waiting: "dim",
  running: "dim",
  retrying: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
  skipped: "dim",
} as const;

class Lines implements ProgressView {
  readonly #stream: Terminal;
  /** What was said last of each stage: its status, and the quarter of its work that it is in. */
  readonly #said = new Map<string, string>();

  constructor(stream: Terminal) {
    this.#stream = stream;
  }

  update(_stages: readonly StageView[], changed?: StageView): void {
    if (!changed) return;
    const quarter = changed.status === "running" ? Math.floor(changed.progress * 4) : "";
    const key = `${changed.status} ${changed.attempts} ${quarter}`;
    if (this.#said.get(changed.id) === key) return;
    this.#said.set(changed.id, key);
    const percent =
      changed.status === "running" && changed.progress > 0 ? `${Math.floor(changed.progress * 100)} %, ` : "";
    this.#stream.write(`${printable(changed.name)}: ${percent}${newsOf(changed)}\n`);
  }

  close(): void {}
}

function newsOf(stage: StageView): string {
  const again = stage.attempts > 1 ? ` (attempt ${stage.attempts})` : "";
  switch (stage.status) {
    case "waiting":
      return "";
    case "running":
      return (printable(stage.message) || "started") + again;
    case "completed":
      return `done${stage.elapsedMs === null ? "" : ` in ${duration(stage.elapsedMs)}`}${again}`;
    default:
      return `${stage.status}${stage.message === "" ? "" : `: ${printable(stage.message)}`}${again}`;
  }
}
