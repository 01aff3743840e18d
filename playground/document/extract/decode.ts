/** Text with the encoding that it was decoded from. */
export interface DecodedText {
  readonly text: string;
  /** The encoding's WHATWG name, such as `utf-8` or `windows-1252`. */
  readonly encoding: string;
}

/** Where HTML asks for the declaration to stand: https://html.spec.whatwg.org/#charset (the first 1024 bytes). */
const DECLARATION_BYTES = 1024;

/**
 * Decodes bytes to text: by the byte order mark; else by the `charset` of the media type; else, in markup, by the one
 * declared in it; else as UTF-8 where the bytes are valid UTF-8; else as windows-1252, the web's meaning of Latin-1,
 * which gives every byte a character.
 *
 * A wrong or unknown declaration is passed over rather than filling the text with U+FFFD.
 */
export function decodeText(
  bytes: Uint8Array,
  options: { type?: string; markup?: boolean } = {},
): DecodedText {
  const candidates = [
    byteOrderMark(bytes),
    /charset\s*=\s*["']?([\w-]+)/iu.exec(options.type ?? "")?.[1],
    options.markup ? declaredInMarkup(bytes) : undefined,
    "utf-8",
  ];
  for (const label of candidates) {
    const decoded = label && tryDecode(bytes, label);
    if (decoded) return decoded;
  }
  return decode(bytes, "windows-1252");
}

/** The encoding that a byte order mark names, if there is one. */
export function byteOrderMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return undefined;
}

function declaredInMarkup(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("windows-1252").decode(bytes.subarray(0, DECLARATION_BYTES));
  const label =
    /<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([\w-]+)/iu.exec(head)?.[1] ??
    /^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w-]+)/iu.exec(head)?.[1];
  // Whoever could read this declaration as ASCII isn't reading UTF-16; the standard says to take UTF-8 instead.
  return label && /^utf-?16/iu.test(label) ? "utf-8" : label;
}

function tryDecode(bytes: Uint8Array, label: string): DecodedText | undefined {
  try {
    return decode(bytes, label);
  } catch {
    return undefined;
  }
}

/** What windows-1252 has for the bytes 0x80 to 0x9f; where it has nothing (0x81...) the control character stays. */
const WINDOWS_1252_CONTROLS = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** @throws TypeError where the bytes aren't valid in that encoding, RangeError for an unknown label */
function decode(bytes: Uint8Array, label: string): DecodedText {
  const decoder = new TextDecoder(label, { fatal: true });
  const text = decoder.decode(bytes);
  if (decoder.encoding !== "windows-1252") return { text, encoding: decoder.encoding };
  // Node 20.18.3 to 20, and 22.13 on for a while, decode these bytes as controls (nodejs/node#56542, #60888), which
  // loses every curly quote and dash. Where the decoder is right, nothing is left to replace.
  const mended = text.replace(
    /[\x80-\x9f]/gu,
    (char) => WINDOWS_1252_CONTROLS[char.charCodeAt(0) - 0x80] ?? char,
  );
  return { text: mended, encoding: decoder.encoding };
}
