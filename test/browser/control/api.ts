/** A body that began, as the app's stages tell it on the channel `bodies`. */
export interface Begun {
  readonly runId: string;
  readonly stageId: string;
  readonly attempt: number;
  /** The label of the tab in whose stage worker it runs. */
  readonly tab: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What the control page offers: it belongs to no engine, so that gates and what was seen outlive the tabs under test. */
export interface Control {
  /** Shuts a gate: bodies that come to it wait. */
  shut(gate: string): Promise<void>;
  /** Opens a gate that was shut. */
  open(gate: string): Promise<void>;
  /** The bodies that began, in order. */
  begun(): Promise<readonly Begun[]>;
  /** Says something on a BroadcastChannel. */
  say(channel: string, message: unknown): Promise<void>;
  /** Makes an empty database of this version, as IndexedDB counts them. */
  plant(database: string, version: number): Promise<void>;
  /** Writes a row that isn't one of the engine's into each of a database's stores. */
  spoil(database: string): Promise<void>;
  /** The databases of this origin. */
  databases(): Promise<readonly string[]>;
}
