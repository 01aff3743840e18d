/** Blobs, logs and the change log: apart from the runs' rows, and never in memory. */
import type { BlobKey, LogBatch } from "../../src/model.ts";
import type { BlobStore } from "../../src/ports/blob-store.ts";
import type { ChangeRecord } from "../../src/ports/store.ts";
import { copyData } from "../tables/copies.ts";
import type { Recorded } from "../tables/transaction.ts";
import type { Database, Durability } from "./database.ts";
import type { Io } from "./io.ts";
import { span } from "./schema.ts";

function placeOf({ runId, epoch, stageId, attempt, name }: BlobKey): (string | number)[] {
  return [runId, epoch, stageId, attempt, name];
}

/**
 * Blobs as the engine's port: kept as such, so that the platform writes a file's bytes without passing them through a row.
 * @param open the connection; throws once the store is closed
 */
export function blobStore(open: () => Database, durability: Durability): BlobStore {
  const write = (body: (io: Io) => void): Promise<void> =>
    open().transact(["blobs"], "readwrite", durability, async (io) => body(io));
  const read = <Result>(body: (io: Io) => Promise<Result>): Promise<Result> =>
    open().transact(["blobs"], "readonly", durability, body);
  return {
    // A File's name and date stand in the payload; around its bytes a Blob is enough.
    put: async (key, data) =>
      write((io) => io.put("blobs", new Blob([data], { type: data.type }), placeOf(key))),
    get: async (key) => read(async (io) => (await io.get<Blob>("blobs", placeOf(key))) ?? null),
    async list(runId) {
      const places = await read((io) =>
        io.keys<[string, number, string, number, string]>("blobs", span(runId)),
      );
      return places.map(([, epoch, stageId, attempt, name]) => ({ runId, epoch, stageId, attempt, name }));
    },
    remove: async (runId, attempt) =>
      write((io) =>
        io.delete(
          "blobs",
          attempt === undefined ? span(runId) : span(runId, attempt.epoch, attempt.stageId, attempt.attempt),
        ),
      ),
  };
}

/** Adds lines of runs that are there; a batch that is sent again, after its answer was lost, replaces itself. */
export async function appendLogs(
  database: Database,
  durability: Durability,
  batches: readonly LogBatch[],
): Promise<void> {
  const copies = copyData(batches, "logs");
  await database.transact(["live", "settled", "logs"], "readwrite", durability, async (io) => {
    const ids = [...new Set(copies.map(({ runId }) => runId))];
    const has = async (store: string, id: string): Promise<boolean> =>
      (await io.keys(store, IDBKeyRange.only(id), 1)).length > 0;
    const present = await Promise.all(
      ids.map(async (id) => (await Promise.all([has("live", id), has("settled", id)])).includes(true)),
    );
    for (const batch of copies) {
      const { runId, stageId, epoch, attempt, from } = batch;
      if (present[ids.indexOf(runId)]) io.put("logs", batch, [runId, stageId, epoch, attempt, from]);
    }
  });
}

/** A run's lines in the order of their time. */
export async function readLogs(
  database: Database,
  { runId, stageId }: { readonly runId: string; readonly stageId?: string },
): Promise<LogBatch[]> {
  const range = stageId === undefined ? span(runId) : span(runId, stageId);
  const found = await database.transact(["logs"], "readonly", "relaxed", (io) =>
    io.all<LogBatch>("logs", range),
  );
  const begin = ({ lines }: LogBatch): number => lines[0]?.at ?? 0;
  return found.sort((left, right) => begin(left) - begin(right));
}

/** Entries in the change log at most. */
const CHANGES = 10_000;

/** The last entries that were committed, with their rows before and after. */
export class ChangeLog {
  #last: Pick<ChangeRecord, "n" | "commit"> = { n: 0, commit: 0 };
  #first = 1;

  async reload(io: Io): Promise<void> {
    const [[first], last] = await Promise.all([
      io.keys<number>("changes", null, 1),
      io.last<ChangeRecord>("changes"),
    ]);
    this.#first = first ?? 1;
    this.#last = last ?? { n: 0, commit: 0 };
  }

  /** Writes the entries of one transaction; the answer takes it back. */
  write(io: Io, at: number, entries: readonly Recorded[]): () => void {
    const before = [this.#last, this.#first] as const;
    let { n, commit } = this.#last;
    if (entries.length > 0) commit += 1;
    for (const entry of entries) {
      n += 1;
      io.put("changes", { n, commit, at, ...entry } satisfies ChangeRecord, n);
    }
    this.#last = { n, commit };
    // In large parts: a deletion with each commit would cost as much as the commit.
    if (n - this.#first >= 2 * CHANGES) {
      this.#first = n - CHANGES + 1;
      io.delete("changes", IDBKeyRange.upperBound(this.#first, true));
    }
    return () => {
      [this.#last, this.#first] = before;
    };
  }

  async list(
    io: Io,
    { after = 0, runId, limit = 1000 }: { after?: number; runId?: string; limit?: number },
  ): Promise<ChangeRecord[]> {
    const found: ChangeRecord[] = [];
    let from = Math.max(after, this.#last.n - CHANGES);
    while (found.length < limit) {
      const page = await io.all<ChangeRecord>("changes", IDBKeyRange.lowerBound(from, true), 256);
      for (const record of page)
        if (found.length < limit && (runId === undefined || record.runId === runId)) found.push(record);
      const last = page.at(-1);
      if (last === undefined) break;
      from = last.n;
    }
    return found;
  }
}
