/** What a page and its kernel worker say to each other beside the engine's calls. */
import type { EventType } from "../../model.ts";
import type { EncodedError } from "../remote/error-codec.ts";
import type { Port } from "./pool/comlink-link.ts";
import type { Loss } from "./pool/remote-executor.ts";
import type { Offer } from "./pool/wire.ts";
import type { Role } from "./tab.ts";

/** How a kernel worker is to open its database. */
export interface StorageOptions {
  readonly database: string;
  /** `memory`: of this page alone, and gone with it. */
  readonly storage: "indexeddb" | "memory";
  readonly durability?: "relaxed" | "strict" | undefined;
  /** Keeps each commit's row changes, for lessons. */
  readonly record?: "changes" | undefined;
}

/** What a kernel worker is told first. */
export interface KernelConfig extends StorageOptions {
  readonly tabId: string;
  /** Bodies at once in this tab, at most. */
  readonly slots: number;
  readonly subscribers: readonly { readonly name: string; readonly types?: readonly EventType[] }[];
  /** Without a sign of life for so long a leader is replaced, in milliseconds. */
  readonly patienceMs: number;
}

/** What a page asks of its kernel worker. */
export interface KernelCalls {
  /** Begins; the port is the way of the engine's calls. */
  init(config: KernelConfig, engine: Port): void;
  /** A stage worker of the page, and the way to it. */
  attach(workerId: string, port: Port): void;
  detach(workerId: string, loss: Loss): void;
  parse(workflowId: string, input: unknown, config: unknown): Promise<unknown>;
  /** What the stage workers do now. */
  workers(): unknown;
  closing(): void;
  stop(): Promise<void>;
}

/** What a kernel worker asks of its page. */
export interface PageCalls {
  state(role: Role, epoch: number, error: EncodedError | null): void;
  offer(offer: Offer): void;
  /** Ends a stage worker and starts another. */
  terminate(workerId: string): void;
  marks(): readonly string[];
  clearMarks(tabIds: readonly string[]): void;
  error(error: EncodedError, during: string): void;
}
