import { describe, expect, it } from "vitest";
import type { Command } from "./api.ts";
import { graphOf, kernelOf } from "./kernel.test-helper.ts";
import { COMMAND_TYPES, validate } from "./validate.ts";

const run = { workflowRunId: "r" };
/** One command of each type with every field it has. */
const commands: readonly Command[] = [
  {
    type: "run.create",
    workflowId: "w",
    input: 1,
    idempotencyKey: "k",
    config: {},
    priority: 0,
    annotations: {},
  },
  { type: "run.claimPending", workerId: "w", maxClaims: 1 },
  {
    type: "job.execute",
    ...run,
    workflowId: "w",
    stageId: "s",
    config: 1,
    idempotencyKey: "k",
    token: 1,
    advance: true,
  },
  { type: "run.transition", ...run },
  { type: "run.cancel", ...run, reason: "x" },
  { type: "run.rerunFrom", ...run, fromStageId: "s", idempotencyKey: "k", force: true },
  { type: "run.fork", ...run, fromStageId: "s", idempotencyKey: "k", config: {} },
  { type: "run.signal", ...run, name: "n", payload: 1, idempotencyKey: "k" },
  { type: "run.reapStuck", stuckThresholdMs: 0 },
  { type: "run.purge", olderThanMs: 0, keep: 0, status: ["COMPLETED"] },
  { type: "stage.pollSuspended", maxChecks: 1 },
  { type: "lease.reapStale", staleThresholdMs: 0 },
  { type: "outbox.flush", maxEvents: 1 },
  { type: "plugin.replayDLQ", maxEvents: 1, workflowRunId: "r", eventType: "t", subscriber: "s" },
];
const required: Readonly<Record<string, readonly string[]>> = {
  "run.create": ["workflowId", "idempotencyKey"],
  "run.claimPending": ["workerId"],
  "job.execute": ["workflowRunId", "workflowId", "stageId"],
  "run.transition": ["workflowRunId"],
  "run.cancel": ["workflowRunId"],
  "run.rerunFrom": ["workflowRunId", "fromStageId"],
  "run.fork": ["workflowRunId", "fromStageId"],
  "run.signal": ["workflowRunId", "name"],
  "lease.reapStale": ["staleThresholdMs"],
};
const bad = (change: unknown): Command => change as Command;

describe("validate", () => {
  it("knows every command", () => {
    expect([...COMMAND_TYPES].sort()).toEqual(commands.map(({ type }) => type).sort());
  });

  it.each(commands)("takes $type with all its fields", (command) => {
    expect(() => validate(command)).not.toThrow();
  });

  it.each(commands)("takes $type with what it requires alone, and misses each of that by name", (command) => {
    const needed = required[command.type] ?? [];
    const least = Object.fromEntries(
      Object.entries(command).filter(([name]) => name === "type" || needed.includes(name)),
    );
    expect(() => validate(bad(least))).not.toThrow();
    for (const name of needed) {
      const { [name]: _, ...without } = least;
      expect(() => validate(bad(without))).toThrow(
        expect.objectContaining({ code: "INVALID_COMMAND", field: name }),
      );
    }
  });

  it.each(commands)("refuses a field that $type doesn't have, and lists those that it has", (command) => {
    const error = expect.objectContaining({ code: "INVALID_COMMAND", field: "runId" });
    expect(() => validate(bad({ ...command, runId: "r" }))).toThrow(error);
  });

  it.each<[string, unknown]>([
    ["workflowId", ""],
    ["workflowId", "x".repeat(257)],
    ["workflowId", 7],
    ["idempotencyKey", "x".repeat(513)],
    ["idempotencyKey", null],
    ["config", []],
    ["config", null],
    ["priority", 1001],
    ["priority", -1001],
    ["priority", 0.5],
    ["priority", Number.NaN],
    ["annotations", "x"],
  ])("refuses run.create with %s %j", (field, value) => {
    const create = { type: "run.create", workflowId: "w", idempotencyKey: "k", input: 1, [field]: value };
    expect(() => validate(bad(create))).toThrow(expect.objectContaining({ code: "INVALID_COMMAND", field }));
  });

  it.each<[Command["type"], string, unknown]>([
    ["run.claimPending", "maxClaims", 0],
    ["run.claimPending", "maxClaims", 1001],
    ["job.execute", "token", 0],
    ["job.execute", "token", "1"],
    ["job.execute", "advance", "yes"],
    ["run.cancel", "reason", ""],
    ["run.rerunFrom", "force", 1],
    ["run.signal", "name", ""],
    ["run.reapStuck", "stuckThresholdMs", -1],
    ["run.purge", "olderThanMs", Number.POSITIVE_INFINITY],
    ["run.purge", "keep", -1],
    ["run.purge", "status", []],
    ["run.purge", "status", ["RUNNING"]],
    ["run.purge", "status", "COMPLETED"],
    ["stage.pollSuspended", "maxChecks", 0],
    ["lease.reapStale", "staleThresholdMs", 1.5],
    ["lease.reapStale", "staleThresholdMs", undefined],
    ["outbox.flush", "maxEvents", 0],
    ["plugin.replayDLQ", "maxEvents", 10_001],
    ["plugin.replayDLQ", "eventType", ""],
  ])("refuses %s with %s %j", (type, field, value) => {
    const command = commands.find((one) => one.type === type);
    expect(() => validate(bad({ ...command, [field]: value }))).toThrow(
      expect.objectContaining({ code: "INVALID_COMMAND", field }),
    );
  });

  it.each([
    [undefined],
    [null],
    ["run.create"],
    [{}],
    [{ type: "run.delete" }],
    [{ type: "toString" }],
    [{ type: 7 }],
    [[]],
  ])("refuses what is no command: %j", (command) => {
    expect(() => validate(bad(command))).toThrow(expect.objectContaining({ code: "UNKNOWN_COMMAND" }));
  });

  it("stands before everything: a bad command reads and writes nothing", async () => {
    const { kernel, watch } = kernelOf([graphOf(["a"])]);
    for (const command of commands) {
      await expect(kernel.dispatch(bad({ ...command, surplus: 1 }))).rejects.toMatchObject({
        code: "INVALID_COMMAND",
      });
    }
    expect(watch.scopes).toEqual([]);
    expect(watch.commits).toEqual([]);
  });
});
