/** Notes that closing pages leave. `localStorage` is written at once, where a message to a worker that is about to be ended may be lost. */
import type { Names } from "./platform.ts";

/** The part of `localStorage` that is needed. */
export interface NoteStorage {
  readonly length: number;
  key(index: number): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** One database's notes. Without storage there are none, and a tab that closed looks like one that died: its work is done again, and counted. */
export class PageMarks {
  readonly #storage: NoteStorage | null;
  readonly #prefix: string;

  constructor(names: Names, storage: NoteStorage | null) {
    this.#storage = storage;
    this.#prefix = names.mark("");
  }

  write(tabId: string): void {
    this.#try((storage) => storage.setItem(this.#prefix + tabId, ""));
  }

  /** The tabs that left one. */
  read(): readonly string[] {
    const keys = this.#try((storage) =>
      Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? ""),
    );
    return (keys ?? [])
      .filter((key) => key.startsWith(this.#prefix))
      .map((key) => key.slice(this.#prefix.length));
  }

  clear(tabIds: readonly string[]): void {
    for (const tabId of tabIds) this.#try((storage) => storage.removeItem(this.#prefix + tabId));
  }

  /** It may be full, or forbidden. */
  #try<Result>(act: (storage: NoteStorage) => Result): Result | null {
    try {
      return this.#storage && act(this.#storage);
    } catch {
      return null;
    }
  }
}

/** The page's storage; null where it is forbidden. */
export function pageStorage(): NoteStorage | null {
  try {
    return (globalThis as { readonly localStorage?: NoteStorage }).localStorage ?? null;
  } catch {
    return null;
  }
}
