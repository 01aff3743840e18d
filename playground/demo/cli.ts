import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RunCancelledError, RunFailedError } from "sluice";
import { DocumentError } from "../document/errors.ts";
import { openDocument } from "./open-document.ts";
import { createProgressView } from "./progress.ts";
import { renderReport } from "./report.ts";
import { processDocument, type StageLog } from "./run.ts";
import { createPaint, type Paint, printable, type Terminal } from "./terminal.ts";

/** Where the program writes, and what tells it to stop. */
export interface CliOptions {
  /** The report. */
  readonly out: Terminal;
  /** Progress and errors, so that the report alone can be sent to a file. */
  readonly err: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

const USAGE = `Usage: npm start -- [--json] [--logs] PATH

Sends a document through  extract text -> (sentiment analysis | keyword extraction) -> aggregate
and prints what was found. PATH is a text, HTML, Markdown or PDF file of at most 50 MB.

  --json   prints the result as JSON
  --logs   prints what the stages logged; without it, warnings only
  --help   prints this
`;

const SAMPLE = fileURLToPath(new URL("../document/sample/news-from-nowhere.md", import.meta.url));

/**
 * Runs the program: on the file that is named, or, where none is, on the sample that comes with it.
 *
 * @returns the exit status: 0 when a report was printed, 1 when the document could not be processed, 2 for arguments
 * that make no sense, 130 when it was interrupted
 */
export async function runCli(args: readonly string[], options: CliOptions): Promise<number> {
  const { out, err, env, signal } = options;
  const paint = createPaint(err, env);
  const fail = (message: string): void => void err.write(`${paint("red", "error")}: ${printable(message)}\n`);
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
    err.write(`\n${USAGE}`);
    return 2;
  }
  if (parsed.help) {
    out.write(USAGE);
    return 0;
  }
  if (parsed.path === undefined) {
    err.write(`${USAGE}\nNo PATH was given, so here are five chapters of a book:\n\n`);
  }
  try {
    const file = await openDocument(parsed.path ?? SAMPLE);
    const view = createProgressView(err, paint);
    const { report, stages, logs } = await processDocument(file, {
      signal,
      onChange: (all, changed) => view.update(all, changed),
    }).finally(() => view.close());
    for (const line of logs) if (parsed.logs || line.level !== "INFO") err.write(logLine(line, paint));
    if (parsed.json) out.write(`${JSON.stringify(report, null, 2)}\n`);
    else
      out.write(renderReport(report, { paint: createPaint(out, env), columns: out.columns ?? 100, stages }));
    return 0;
  } catch (error) {
    if (error instanceof RunCancelledError) {
      fail("interrupted; the run was cancelled");
      return 130;
    }
    // A document that is refused before the run, or by a stage of it: the record keeps the error's code and message.
    const known =
      error instanceof RunFailedError ? error.record : error instanceof DocumentError ? error : undefined;
    if (!known) throw error;
    fail(`${known.message} [${known.code}]`);
    return 1;
  }
}

function logLine({ level, stageId, message, meta }: StageLog, paint: Paint): string {
  const details = meta === undefined ? "" : ` ${paint("dim", printable(JSON.stringify(meta)))}`;
  const name = level === "WARN" || level === "ERROR" ? paint("yellow", level) : level;
  return `${name} ${stageId}: ${printable(message)}${details}\n`;
}

function parse(args: readonly string[]): {
  path: string | undefined;
  json: boolean;
  logs: boolean;
  help: boolean;
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      logs: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (positionals.length > 1) throw new Error(`expected one PATH, got ${positionals.length}`);
  return { ...values, path: positionals[0] };
}
