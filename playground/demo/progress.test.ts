import { describe, expect, it } from "vitest";
import { createProgressView } from "./progress.ts";
import { columnsOf, createPaint } from "./terminal.ts";
import type { StageView } from "./track.ts";

const STAGE: StageView = {
  id: "a",
  name: "Extract text",
  status: "running",
  progress: 0.5,
  message: "page 1",
  attempts: 1,
  elapsedMs: null,
};
const OTHER: StageView = {
  ...STAGE,
  id: "b",
  name: "Aggregate",
  status: "waiting",
  progress: 0,
  message: "",
};

function show(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, view: createProgressView(stream, createPaint(stream, { NO_COLOR: "1" })) };
}

/** What is left on a screen that understands "up" and "clear line". */
function screen(written: readonly string[]): string[] {
  const rows: string[] = [];
  let row = 0;
  for (const part of written.join("").split("\x1b[").slice(1)) {
    const [, count, up, text] = /^(\d+)(?:(A)|K(.*)\n)/u.exec(part) ?? [];
    if (up) row -= Number(count);
    else rows[row++] = text ?? "";
  }
  return rows;
}

describe("on a terminal", () => {
  it("draws a bar for each stage, over the ones before", () => {
    const { view, written } = show(true);
    view.update([STAGE, OTHER]);
    view.update([{ ...STAGE, status: "completed", progress: 1, elapsedMs: 120 }, OTHER], {
      ...STAGE,
      status: "completed",
    });
    view.close();
    expect(screen(written)).toEqual([
      `  Extract text         ${"█".repeat(24)} 100 %  done in 120 ms`,
      `  Aggregate            ${"░".repeat(24)}   0 %  `,
    ]);
    expect(screen(written.slice(0, 1))[0]).toContain(`${"█".repeat(12)}${"░".repeat(12)}  50 %  page 1`);
  });

  it("shows the last state on closing, however fast it came", () => {
    const { view, written } = show(true);
    for (let step = 0; step <= 100; step += 1)
      view.update([{ ...STAGE, progress: step / 100, message: `p${step}` }]);
    view.close();
    expect(screen(written)).toHaveLength(1);
    expect(screen(written)[0]).toContain("100 %  p100");
    expect(written.length).toBeLessThan(100);
  });

  it("never fills a line, on however narrow a terminal and with whatever text", () => {
    for (const columns of [12, 30, 55, 80]) {
      const { view, written } = show(true, columns);
      view.update([{ ...STAGE, message: "日本語\x1b[2J\n and a long long long long long message" }]);
      const [line = ""] = screen(written);
      expect(columnsOf(line)).toBeLessThan(columns);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe("into a file or pipe", () => {
  it("writes a plain line for each step worth one", () => {
    const { view, written } = show(false);
    const say = (changes: Partial<StageView>) => view.update([], { ...STAGE, ...changes });
    view.update([STAGE, OTHER]);
    say({ progress: 0, message: "" });
    say({ progress: 0.1, message: "page 1" });
    say({ progress: 0.3, message: "page 2" });
    say({ progress: 0.4, message: "page 3" });
    say({ status: "retrying", message: "no\x1b[31m kettle" });
    say({ progress: 0.3, message: "page 2", attempts: 2 });
    say({ status: "completed", progress: 1, attempts: 2, elapsedMs: 1500 });
    view.close();
    expect(written).toEqual([
      "Extract text: started\n",
      "Extract text: 30 %, page 2\n",
      "Extract text: retrying: no kettle\n",
      "Extract text: 30 %, page 2 (attempt 2)\n",
      "Extract text: done in 1.5 s (attempt 2)\n",
    ]);
  });
});
