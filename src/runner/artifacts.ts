/** Artifacts: blobs that a body keeps by name, each under its attempt's own key, so that a late attempt can't replace a winner's. */
import type { ArtifactOptions, ArtifactStorage } from "../define/context.ts";
import { InvalidOptionError } from "../errors.ts";
import type { BlobKey } from "../model.ts";
import type { StageTask, TaskObserver } from "../ports/executor.ts";

const PREFIX = "artifact.";

/** The artifacts that one attempt writes and reads. */
export class Artifacts implements ArtifactStorage {
  readonly #task: StageTask;
  readonly #observer: TaskObserver;
  readonly #isOver: () => unknown;

  /** @param isOver why the attempt may not write any more, or undefined */
  constructor(task: StageTask, observer: TaskObserver, isOver: () => unknown) {
    this.#task = task;
    this.#observer = observer;
    this.#isOver = isOver;
  }

  async put(name: string, data: Blob | string | Uint8Array): Promise<void> {
    const key = this.#own(checkedName("put", name));
    const over = this.#isOver();
    if (over !== undefined) throw over;
    await this.#observer.writeBlob(key, blobOf(data));
  }

  async get(name: string, options: ArtifactOptions = {}): Promise<Blob | null> {
    checkedName("get", name);
    const own = stageOf(options) === undefined || stageOf(options) === this.#task.stage.id;
    if (own) {
      const mine = await this.#observer.readBlob(this.#own(name));
      if (mine !== null || this.#task.attempt === 1) return mine;
    }
    const key = (await this.#find(options)).get(name);
    return key === undefined ? null : this.#observer.readBlob(key);
  }

  async list(options: ArtifactOptions = {}): Promise<readonly string[]> {
    return [...(await this.#find(options)).keys()].toSorted();
  }

  /** The key that each name stands for: the latest attempt's, of this epoch for the stage itself, else of the latest epoch that has it. */
  async #find(options: ArtifactOptions): Promise<Map<string, BlobKey>> {
    const { epoch, attempt, stage } = this.#task;
    const stageId = stageOf(options) ?? stage.id;
    const own = stageId === stage.id;
    const found = new Map<string, BlobKey>();
    for (const key of await this.#observer.listBlobs()) {
      if (key.stageId !== stageId || !key.name.startsWith(PREFIX)) continue;
      if (own ? key.epoch !== epoch || key.attempt > attempt : key.epoch > epoch) continue;
      const name = key.name.slice(PREFIX.length);
      const known = found.get(name);
      const later =
        known === undefined ||
        key.epoch > known.epoch ||
        (key.epoch === known.epoch && key.attempt > known.attempt);
      if (later) found.set(name, key);
    }
    return found;
  }

  #own(name: string): BlobKey {
    const { runId, epoch, attempt, stage } = this.#task;
    return { runId, epoch, stageId: stage.id, attempt, name: PREFIX + name };
  }
}

function stageOf({ stage }: ArtifactOptions): string | undefined {
  return typeof stage === "object" ? stage.id : stage;
}

function checkedName(method: string, name: unknown): string {
  // Half a surrogate pair has no UTF-8, and so no path in a store.
  const isName =
    typeof name === "string" && name.length > 0 && name.length <= 256 && !/\p{Surrogate}/u.test(name);
  if (isName) return name;
  throw new InvalidOptionError(
    `ctx.storage.${method}`,
    "name",
    "a string of 1 to 256 characters, without lone surrogates",
    name,
  );
}

function blobOf(data: unknown): Blob {
  if (data instanceof Blob) return data;
  if (typeof data === "string") return new Blob([data], { type: "text/plain" });
  if (data instanceof Uint8Array) return new Blob([new Uint8Array(data)]);
  throw new InvalidOptionError("ctx.storage.put", "data", "a Blob, a string or a Uint8Array", data);
}
