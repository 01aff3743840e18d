import type { BrowserStatus } from "sluice/browser";

/** How a tab joins. */
export interface Joining {
  readonly database: string;
  /** A name for the tab that its stage workers tell with each body. */
  readonly tab?: string;
  readonly workers?: number;
  readonly storage?: "indexeddb" | "memory";
  /** Another module than the app's: one that has code for `loop` only, one that breaks on load, or one that isn't there. */
  readonly stages?: "others" | "broken" | "missing";
  /** A kernel worker in which the browser refuses storage. */
  readonly kernel?: "denied";
  /** Subscribes to all events under this name. */
  readonly plugin?: string;
}

/** What came of many starts at once. */
export interface Started {
  /** Ids of the runs whose start was acknowledged. */
  readonly ids: readonly string[];
  /** Codes of the errors that the others got. */
  readonly refused: readonly (string | null)[];
}

/** What becomes the input's `file`. */
export interface GivenFile {
  readonly name: string;
  readonly type?: string;
  /** Its text, or so many bytes, the last of which is 7. */
  readonly content: string | number;
}

/** What a run is started with. */
export interface Start {
  /** The id of one of the app's workflows. */
  readonly workflow: string;
  readonly key: string;
  readonly input?: unknown;
  readonly file?: GivenFile;
  /** Starts it by the workflow's id, as a page does that has no schema. */
  readonly byId?: true;
  /** Puts a function into the input. */
  readonly unclonable?: true;
}

/** How a run ended. */
export interface Ended {
  readonly id: string;
  readonly status: string;
  /** Of a completed run. */
  readonly output: unknown;
  /** Of a failed one. */
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
}

/** An event, in short. */
export interface Seen {
  readonly sequence: number;
  readonly type: string;
  readonly stageId: string | null;
  /** Milliseconds since 1970 at the commit. */
  readonly at: number;
}

/** What the test app's page offers. Each tab is one engine. */
export interface Tab {
  connect(joining: Joining): Promise<void>;
  /** Answers the run's id. */
  start(start: Start): Promise<string>;
  /** Starts so many runs of `steps` at once. */
  startMany(count: number, prefix: string): Promise<Started>;
  /** Waits until the run of this id or key is settled. */
  end(idOrKey: string): Promise<Ended>;
  events(id: string): Promise<readonly Seen[]>;
  /** The ids of the events that the tab's plugin was given, in order. */
  heard(): Promise<readonly string[]>;
  status(): Promise<BrowserStatus>;
  /** Errors that the engine told of outside of any call. */
  errors(): Promise<readonly { readonly code: string | null; readonly message: string }[]>;
  /** The number of runs in the database, by status. */
  counts(): Promise<Readonly<Record<string, number>>>;
  terminateWorker(id: string): Promise<void>;
  destroy(erase?: true): Promise<void>;
}
