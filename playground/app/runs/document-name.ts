import type { RunBody } from "sluice";

/** What a run works on. */
export interface DocumentLabel {
  readonly name: string;
  /** Bytes; null where they aren't known. */
  readonly size: number | null;
}

/**
 * The name of a run's document, from its input as it is stored: without reading the document itself. A run of another workflow has
 * none, and is called by what it is.
 */
export function documentLabel(body: RunBody | null, fallback: string): DocumentLabel {
  const input = body?.input;
  if (input === undefined) return { name: fallback, size: null };
  const [file] = input.blobs ?? [];
  const value: unknown = input.kind === "value" ? input.value : null;
  const given =
    typeof value === "object" && value !== null && "name" in value && typeof value.name === "string"
      ? value.name
      : undefined;
  return { name: given ?? file?.file?.name ?? fallback, size: file?.size ?? null };
}
