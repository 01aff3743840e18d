/** Payload values as text, for stores and transports that need it: devalue's JSON, which also carries what JSON can't. */
import { parse, stringify } from "devalue";
import { CodecError, PayloadError } from "../errors.ts";
import { copyValue, pathOf, walkValue } from "./copy.ts";

/**
 * Names the text format. It stands beside each stored text, so that a later format can be read beside this one.
 * devalue's major version is part of it: within one, its texts stay readable.
 */
export const CODEC = "devalue@6";

/**
 * A value as text: JSON in which NUL characters and lone surrogates are escaped, so that every database can hold it.
 *
 * @param path how the value is called in errors
 * @throws PayloadError for what {@link copyValue} refuses, and for a Blob or File, which text can't hold
 * @example decodeText(CODEC, encodeText({ at: new Date(0) }))
 */
export function encodeText(value: unknown, path = "value"): string {
  return textOf(
    walkValue(value, path, {
      blob: (_, trail) => {
        throw new PayloadError(pathOf(path, trail), "a Blob, which has no text form here");
      },
    }).value,
  );
}

/** {@link encodeText} of a value that `copyValue` has already let through, and that holds no Blob. */
export function textOf(copied: unknown): string {
  return stringify(copied);
}

/**
 * The value of a text that {@link encodeText} wrote, fresh and private. Safe on texts from strangers.
 *
 * @param codec what stood beside the text
 * @throws CodecError for an unknown codec or a damaged text; PayloadError for a text that holds what payloads can't
 */
export function decodeText(codec: string, text: string): unknown {
  if (codec !== CODEC) throw new CodecError(`no codec ${JSON.stringify(codec)}; this version reads ${CODEC}`);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new CodecError(`a text that is not ${CODEC}`, { cause });
  }
  // devalue also revives RegExp, URL, boxed primitives and cycles, which no encodeText wrote.
  return copyValue(value);
}
