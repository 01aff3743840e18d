/** What clients were told, held against what was committed. */
import { SluiceError } from "../../errors.ts";
import type { Command, ExecuteResult, Results } from "../../kernel/api.ts";
import { canonical } from "../../ports/canonical.ts";
import type { Entry } from "../../ports/store.ts";
import type { Report } from "./invariants/report.ts";
import type { Process } from "./process.ts";
import type { Witness } from "./witness.ts";

/** A command on its way. */
export interface Sent {
  readonly process: Process;
  readonly command: Command;
  /** Entries that its process had committed for the same command and run, when it was sent. */
  readonly before: number;
  /** Whether another of the same kind was under way in the same process at the same time. */
  shared: boolean;
}

interface Told {
  readonly payload: string;
  readonly result: string;
  readonly runId: string;
  readonly since: number;
}

/** Commands that commit one entry or none: when they are rejected, it must be none. */
const SINGLE = new Set(["run.create", "run.cancel", "run.rerunFrom", "run.fork", "run.signal"]);

/** Errors that a client may meet through no fault of its own. */
const STORE_ERRORS = new Set(["INTERRUPTED", "STORAGE_FULL", "COMMIT_UNKNOWN"]);
const ORDINARY_ERRORS = new Set([
  "STALE_VERSION",
  "RUN_NOT_FOUND",
  "RUN_NOT_SETTLED",
  "RUN_SETTLED",
  "JOB_LEASED",
  "JOB_NOT_DUE",
  "MISSING_OUTPUT",
  "IDEMPOTENCY_IN_PROGRESS",
  "IDEMPOTENCY_KEY_REUSED",
  "STOPPED",
]);

/** See the file's head. */
export class Ledger {
  readonly #report: Report;
  readonly #witness: Witness;
  readonly #now: () => number;
  readonly #retentionMs: number;
  readonly #told = new Map<string, Told>();
  /** When each payload was first sent with a key. */
  readonly #tried = new Map<string, Map<string, number>>();
  readonly #commits = new Map<string, number>();
  readonly #acks = new Map<string, number>();
  readonly #open = new Set<Sent>();

  constructor(report: Report, witness: Witness, now: () => number, retentionMs: number) {
    this.#report = report;
    this.#witness = witness;
    this.#now = now;
    this.#retentionMs = retentionMs;
  }

  /** Commands of living processes that have no answer yet. */
  get open(): readonly Sent[] {
    return [...this.#open].filter(({ process }) => !process.crashed);
  }

  /** An entry was committed. */
  committed(entry: Entry, process: Process): void {
    const about =
      entry.create === undefined || entry.command !== "run.create" ? entry.runId : `key ${entry.create.key}`;
    const source = entry.create?.forkedFrom?.runId;
    for (const name of [
      `${entry.command} ${source ?? about}`,
      `${process.name} ${entry.command} ${source ?? about}`,
    ]) {
      this.#commits.set(name, (this.#commits.get(name) ?? 0) + 1);
    }
  }

  #count(name: string): number {
    return this.#commits.get(name) ?? 0;
  }

  /** A client sends a command. */
  sent(process: Process, command: Command): Sent {
    const name = `${process.name} ${nameOf(command)}`;
    const sent: Sent = { process, command, before: this.#count(name), shared: false };
    for (const other of this.#open) {
      if (other.process === process && nameOf(other.command) === nameOf(command)) {
        other.shared = true;
        sent.shared = true;
      }
    }
    this.#open.add(sent);
    const key = keyOf(command);
    if (key !== null) {
      const tried = this.#tried.get(key) ?? new Map<string, number>();
      const payload = payloadOf(command);
      if (!tried.has(payload)) tried.set(payload, this.#now());
      this.#tried.set(key, tried);
    }
    return sent;
  }

  /** It was answered: what it was told is there, and the same key was never told anything else. */
  answered(sent: Sent, result: Results[Command["type"]]): void {
    this.#open.delete(sent);
    const { command } = sent;
    this.#isThere(command, result);
    const key = keyOf(command);
    if (key === null || (command.type === "job.execute" && !isRecorded(result as ExecuteResult))) return;
    const told = {
      payload: payloadOf(command),
      result: canonical(result),
      runId: runOf(command, result),
      // The record may be as old as the first that was sent: its sender may have died before it was answered.
      since: this.#tried.get(key)?.get(payloadOf(command)) ?? this.#now(),
    };
    const earlier = this.#told.get(key);
    if (earlier === undefined || this.#mayBeForgotten(earlier)) {
      this.#told.set(key, told);
      return;
    }
    if (earlier.payload !== told.payload) {
      this.#report("keys", `${key} was answered for two payloads: ${earlier.payload} and ${told.payload}`);
    } else if (earlier.result !== told.result) {
      this.#report("keys", `${key} was answered with ${earlier.result}, and then with ${told.result}`);
    }
  }

  /** Records are kept as long as their run, and at least for the retention. */
  #mayBeForgotten({ runId, since }: Told): boolean {
    return this.#witness.model.purged.has(runId) && this.#now() >= since + this.#retentionMs;
  }

  #isThere(command: Command, result: Results[Command["type"]]): void {
    const { model, lifecycle } = this.#witness;
    const missing = (what: string): void =>
      this.#report("acknowledged", `${what} was acknowledged and isn't there`);
    switch (command.type) {
      case "run.create":
      case "run.fork": {
        const { workflowRunId } = result as Results["run.fork"];
        if (!model.journals.has(workflowRunId)) missing(`run ${workflowRunId}`);
        return;
      }
      case "run.cancel":
        if ((result as Results["run.cancel"]).cancelled) this.#acknowledged(command);
        return;
      case "run.transition":
        if ((result as Results["run.transition"]).action !== "noop") this.#acknowledged(command);
        return;
      case "run.rerunFrom":
      case "run.signal":
        if (keyOf(command) === null || !this.#told.has(keyOf(command) ?? "")) this.#acknowledged(command);
        return;
      case "job.execute": {
        const { outcome, ghost } = result as ExecuteResult;
        const { workflowRunId: runId, stageId } = command;
        const epochs = model.runs.get(runId)?.head.epoch ?? 0;
        if (outcome !== "completed" || ghost || model.purged.has(runId)) return;
        for (let epoch = 1; epoch <= epochs; epoch += 1)
          if (lifecycle.isCompleted(runId, stageId, epoch)) return;
        missing(`the completion of ${stageId} of run ${runId}`);
        return;
      }
      default:
    }
  }

  /** Each of these acknowledgements stands for a commit of its own. */
  #acknowledged(command: Command): void {
    const name = nameOf(command);
    const acks = (this.#acks.get(name) ?? 0) + 1;
    this.#acks.set(name, acks);
    if (acks > this.#count(name)) {
      this.#report(
        "acknowledged",
        `${name} was acknowledged ${acks} times and committed ${this.#count(name)} times`,
      );
    }
  }

  /** It was rejected: with an error that it may meet, and nothing was changed. */
  rejected(sent: Sent, error: unknown): void {
    this.#open.delete(sent);
    const { command, process } = sent;
    const code = codeOf(error);
    const { purged } = this.#witness.model;
    if (!STORE_ERRORS.has(code) && !(error instanceof SluiceError && ORDINARY_ERRORS.has(code))) {
      const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
      this.#report("errors", `${command.type} was rejected with ${code}: ${stack}`);
    }
    const runId = "workflowRunId" in command ? command.workflowRunId : undefined;
    if (code === "RUN_NOT_FOUND" && runId !== undefined && !purged.has(runId)) {
      this.#report("errors", `${command.type} didn't find run ${runId}, which was not purged`);
    }
    const key = keyOf(command);
    if (code === "IDEMPOTENCY_KEY_REUSED" && (this.#tried.get(key ?? "")?.size ?? 0) < 2) {
      this.#report("keys", `${key} was rejected as reused, and was only sent with one payload`);
    }
    const committed = this.#count(`${process.name} ${nameOf(command)}`) - sent.before;
    if (SINGLE.has(command.type) && !sent.shared && committed > 0 && code !== "COMMIT_UNKNOWN") {
      this.#report("rejected", `${nameOf(command)} was rejected with ${code}, and was committed`);
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "no code";
}

/** What a command is about. */
function nameOf(command: Command): string {
  if (command.type === "run.create") return `run.create key ${command.idempotencyKey}`;
  return `${command.type} ${"workflowRunId" in command ? (command.workflowRunId ?? "") : ""}`;
}

function keyOf(command: Command): string | null {
  const key = "idempotencyKey" in command ? command.idempotencyKey : undefined;
  return key === undefined ? null : `${command.type} ${key}`;
}

function payloadOf(command: Command): string {
  const { idempotencyKey, token, advance, ...payload } = command as Command & {
    readonly idempotencyKey?: string;
    readonly token?: number;
    readonly advance?: boolean;
  };
  return canonical(payload);
}

function runOf(command: Command, result: Results[Command["type"]]): string {
  if (command.type === "run.create" || command.type === "run.fork")
    return (result as Results["run.fork"]).workflowRunId;
  return "workflowRunId" in command ? (command.workflowRunId ?? "") : "";
}

/** Whether an execution's result is recorded under its key: suspensions, retries and ghosts are not. */
function isRecorded({ outcome, ghost, retryable }: ExecuteResult): boolean {
  return !ghost && outcome !== "suspended" && !(outcome === "failed" && retryable !== false);
}
