/** What stores, hosts and connections can't do. */
import { SluiceError } from "./base.ts";

/** A payload points to a Blob that the blob store doesn't have: it was removed, or lost. */
export class BlobMissingError extends SluiceError {
  constructor(path: string) {
    super("BLOB_MISSING", `the blob store has no ${path}: it was removed with its run, or lost`);
  }
}

/** The store was closed. */
export class StoreClosedError extends SluiceError {
  constructor(kind: string) {
    super("STORE_CLOSED", `the ${kind} store was closed`);
  }
}

/** Disk or quota is full: nothing was written. The engine goes on when there is room. */
export class StorageFullError extends SluiceError {
  constructor(kind: string, options?: { cause?: unknown }) {
    super(
      "STORAGE_FULL",
      `the ${kind} store has no room left; nothing was written. Free space or purge settled runs`,
      options,
    );
  }
}

/** The database can't be opened: the platform has none, refuses it, or another tab doesn't let go of it. */
export class StoreUnavailableError extends SluiceError {
  constructor(database: string, why: string, options?: { cause?: unknown }) {
    super("STORE_UNAVAILABLE", `database ${JSON.stringify(database)} can't be opened: ${why}`, options);
  }
}

/** The database was made by a newer version of Sluice. */
export class SchemaNewerError extends SluiceError {
  constructor(database: string, found: number, known: number) {
    super(
      "SCHEMA_NEWER",
      `database ${JSON.stringify(database)} has schema ${found}, and this version knows up to ${known}; reload the page`,
    );
  }
}

/** A row that can't be read: it was damaged, or written by something else. */
export class StoreCorruptError extends SluiceError {
  constructor(database: string, what: string, options?: { cause?: unknown }) {
    super("STORE_CORRUPT", `database ${JSON.stringify(database)}: ${what}`, options);
  }
}

/** The connection to the database is gone: a newer version upgrades it, it was deleted, or the platform closed it. */
export class StoreLostError extends SluiceError {
  /** Whether what was being committed may be in. */
  readonly unknown: boolean;
  constructor(database: string, why: string, options?: { cause?: unknown; unknown?: boolean }) {
    super(
      "STORE_LOST",
      `the connection to database ${JSON.stringify(database)} was lost: ${why}`,
      options?.cause === undefined ? undefined : { cause: options.cause },
    );
    this.unknown = options?.unknown ?? false;
  }
}

/** Another one leads the database since: this one's writes are refused. */
export class LeaderLostError extends SluiceError {
  constructor(database: string, epoch: number, present: number) {
    super(
      "LEADER_LOST",
      `database ${JSON.stringify(database)} is led under epoch ${present}; this leader's was ${epoch}`,
    );
  }
}

/** The answer of a commit was lost, and it could not be settled either. */
export class CommitUnknownError extends SluiceError {
  constructor(runId: string, options?: { cause?: unknown }) {
    super(
      "COMMIT_UNKNOWN",
      `the store's answer for run ${JSON.stringify(runId)} was lost and could not be asked for again`,
      options,
    );
  }
}

/** The engine or host is stopping and takes no more work. */
export class StoppedError extends SluiceError {
  constructor(what: string) {
    super("STOPPED", `${what} was stopped`);
  }
}

/** Whoever has the answer was not heard for too long: a page without its kernel worker, or a tab without a leader. Send it again. */
export class NotConnectedError extends SluiceError {
  constructor(what: string, why: string) {
    super("NOT_CONNECTED", `${what} got no answer: ${why}`);
  }
}

/** The embedder's module of stages doesn't serve: it can't be fetched, throws while it is loaded, or never calls `serveStages`. */
export class StageModuleError extends SluiceError {
  constructor(why: string, options?: { cause?: unknown }) {
    super("STAGE_MODULE", `the module of stages ${why}`, options);
  }
}

/** A newer build of the app has been here: its database or its tabs speak what this one doesn't know. Reload the page. */
export class OutdatedError extends SluiceError {
  constructor(why: string) {
    super("OUTDATED", `this is an older build of the app: ${why}; reload the page`);
  }
}

/** The platform lacks what is needed. */
export class UnsupportedError extends SluiceError {
  constructor(where: string, what: string) {
    super("UNSUPPORTED", `${where} needs ${what}`);
  }
}
