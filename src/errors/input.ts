/** What a caller, a definition or a body gave that can't be. */
import { describe, SluiceError } from "./base.ts";

/** One place in a value where a schema was not met. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** The first issues, for rows, journals and messages; the last of them says how many more there were: a list can have one an element. */
function bounded(issues: readonly Issue[], most = 100): readonly Issue[] {
  const more = issues.length - most;
  if (more <= 0) return issues;
  const says = ({ path, message }: Issue): Issue => ({
    path,
    message: `${message} (and ${more} more issues)`,
  });
  return [...issues.slice(0, most - 1), ...issues.slice(most - 1, most).map(says)];
}

function list(issues: readonly Issue[]): string {
  return issues.map((issue) => `${issue.path || "(the value itself)"}: ${issue.message}`).join("; ");
}

/** The command's type is not one of the kernel's. */
export class UnknownCommandError extends SluiceError {
  constructor(type: unknown, known: readonly string[]) {
    super("UNKNOWN_COMMAND", `unknown command ${describe(type)}; expected one of ${known.join(", ")}`);
  }
}

/** A field of a command is missing or ill-formed. */
export class InvalidCommandError extends SluiceError {
  readonly field: string;
  constructor(command: string, field: string, expected: string, got: unknown) {
    super("INVALID_COMMAND", `${command}: ${field} must be ${expected}, got ${describe(got)}`);
    this.field = field;
  }
}

/** An option of a public function is ill-formed. */
export class InvalidOptionError extends SluiceError {
  readonly option: string;
  constructor(where: string, option: string, expected: string, got: unknown) {
    super("INVALID_OPTION", `${where}: ${option} must be ${expected}, got ${describe(got)}`);
    this.option = option;
  }
}

/** A stage or workflow definition that can't work; names the stage. */
export class DefinitionError extends SluiceError {
  readonly stageId: string | null;
  constructor(message: string, stageId: string | null = null) {
    super("INVALID_DEFINITION", message);
    this.name = "DefinitionError";
    this.stageId = stageId;
  }
}

/** The kernel's registry has no such workflow. */
export class UnknownWorkflowError extends SluiceError {
  constructor(workflowId: string, known: readonly string[]) {
    super(
      "UNKNOWN_WORKFLOW",
      `no workflow ${JSON.stringify(workflowId)}; this kernel knows ${known.length ? known.join(", ") : "none"}`,
    );
  }
}

/** The run's graph has no such stage. */
export class UnknownStageError extends SluiceError {
  constructor(workflowId: string, stageId: string, known: readonly string[]) {
    const shown =
      known.length > 20
        ? `${known.slice(0, 20).join(", ")}, and ${known.length - 20} more`
        : known.join(", ");
    super(
      "UNKNOWN_STAGE",
      `workflow ${JSON.stringify(workflowId)} has no stage ${JSON.stringify(stageId)}; it has ${shown}`,
    );
  }
}

/** A value does not fit its schema; `issues` say where. */
export class SchemaError extends SluiceError {
  /** At most 100; the last one's message says how many more there were. */
  readonly issues: readonly Issue[];
  constructor(
    what: "workflow input" | "stage input" | "stage output" | "stage config" | "workflow output",
    owner: string,
    issues: readonly Issue[],
  ) {
    const kept = bounded(issues);
    super(
      `INVALID_${what.toUpperCase().replace(" ", "_")}`,
      `${what} of ${JSON.stringify(owner)} doesn't fit its schema: ${list(kept)}`,
    );
    this.name = "SchemaError";
    this.issues = kept;
  }
}

/** A value outside the set that every store and transport can carry. */
export class PayloadError extends SluiceError {
  /** Where in the value, such as `input.items[3].callback`. */
  readonly path: string;
  constructor(path: string, got: string) {
    super(
      "INVALID_PAYLOAD",
      `${path} is ${got}; payloads are JSON values, undefined, bigint, Date, Map, Set, ArrayBuffer, typed arrays, Blob and File, without cycles`,
    );
    this.name = "PayloadError";
    this.path = path;
  }
}

/** A stored or transported text that this version can't read. */
export class CodecError extends SluiceError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("CODEC", message, options);
  }
}

/** A payload, a command or a list is larger than the limit. */
export class TooLargeError extends SluiceError {
  constructor(what: string, limit: string, got: string) {
    super("TOO_LARGE", `${what} is ${got}; at most ${limit} is allowed`);
  }
}

/** The key was used before with another payload. */
export class IdempotencyKeyReusedError extends SluiceError {
  constructor(command: string, key: string) {
    super(
      "IDEMPOTENCY_KEY_REUSED",
      `${command}: idempotency key ${JSON.stringify(key)} was used before with another payload; use a new key, or send the same payload`,
    );
  }
}

/** `ctx.require` of an output that isn't there, or of a stage that isn't a dependency. */
export class MissingOutputError extends SluiceError {
  constructor(stageId: string, wanted: string, why: string) {
    super(
      "MISSING_OUTPUT",
      `stage ${JSON.stringify(stageId)} requires the output of ${JSON.stringify(wanted)}, ${why}`,
    );
  }
}

/** A suspension that nothing could ever end. */
export class InvalidSuspensionError extends SluiceError {
  constructor(stageId: string, message: string) {
    super("INVALID_SUSPENSION", `stage ${JSON.stringify(stageId)} suspended ${message}`);
  }
}

/** Two subscribers or plugins of one name. */
export class DuplicateSubscriberError extends SluiceError {
  constructor(name: string) {
    super(
      "DUPLICATE_SUBSCRIBER",
      `there is a subscriber ${JSON.stringify(name)} already; names tell cursors apart`,
    );
  }
}
