/**
 * The few globals that the engine's core may use, with the members that browsers, Node, workerd, Deno and Bun share.
 *
 * Only tsconfig.pure.json reads this file: `lib.dom` or `@types/node` would bring these, and with them timers,
 * clocks and I/O. `AbortSignal.timeout` is a timer and is left out.
 */

interface Blob {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
  slice(start?: number, end?: number, contentType?: string): Blob;
  text(): Promise<string>;
}
declare const Blob: {
  readonly prototype: Blob;
  new (parts?: readonly (ArrayBuffer | ArrayBufferView | Blob | string)[], options?: { type?: string }): Blob;
};

interface File extends Blob {
  readonly name: string;
  readonly lastModified: number;
}
declare const File: {
  readonly prototype: File;
  new (
    parts: readonly (ArrayBuffer | ArrayBufferView | Blob | string)[],
    name: string,
    options?: { type?: string; lastModified?: number },
  ): File;
};

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
declare const AbortSignal: {
  readonly prototype: AbortSignal;
  abort(reason?: unknown): AbortSignal;
  any(signals: AbortSignal[]): AbortSignal;
};

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare const AbortController: {
  readonly prototype: AbortController;
  new (): AbortController;
};

interface TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare const TextEncoder: { readonly prototype: TextEncoder; new (): TextEncoder };

interface TextDecoder {
  decode(bytes?: ArrayBuffer | ArrayBufferView): string;
}
declare const TextDecoder: {
  readonly prototype: TextDecoder;
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
};

declare function structuredClone<T>(value: T): T;
declare function queueMicrotask(callback: () => void): void;
