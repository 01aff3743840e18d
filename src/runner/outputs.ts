/** The outputs of earlier stages as a body sees them: each read when it is first asked for, as a copy of its own. */
import { MissingOutputError } from "../errors.ts";
import type { Payload } from "../model.ts";
import type { StageTask } from "../ports/executor.ts";

/** What `ctx.require` and `ctx.optional` give. */
export class EarlierOutputs {
  readonly #task: StageTask;
  readonly #read: (payload: Payload) => unknown;
  #given: Map<string, unknown> | null = null;

  constructor(task: StageTask, read: (payload: Payload) => unknown) {
    this.#task = task;
    this.#read = read;
  }

  /** @throws MissingOutputError when the stage was skipped, isn't earlier, or isn't among the dependencies */
  require(id: string): unknown {
    const payload = this.#payload(id);
    if (typeof payload === "string") throw new MissingOutputError(this.#task.stage.id, id, payload);
    return this.#value(id, payload);
  }

  optional(id: string): unknown {
    const payload = this.#payload(id);
    return typeof payload === "string" ? undefined : this.#value(id, payload);
  }

  /** The output's payload, or why there is none. */
  #payload(id: string): Payload | string {
    const { stage, outputs } = this.#task;
    const payload = outputs.get(id);
    if (stage.dependencies !== null && !stage.dependencies.includes(id)) {
      return `which is not among its dependencies (${stage.dependencies.join(", ") || "it has none"})`;
    }
    if (payload === undefined) return "which is not an earlier stage";
    return payload ?? "which was skipped";
  }

  #value(id: string, payload: Payload): unknown {
    this.#given ??= new Map();
    if (this.#given.has(id)) return this.#given.get(id);
    const value = this.#read(payload);
    this.#given.set(id, value);
    return value;
  }
}
