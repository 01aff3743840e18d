import { describe, expect, it } from "vitest";
import { decodeText } from "./decode.ts";

const TEXT = "Ædile £5 “naïve”";

/** UTF-16 without a byte order mark. */
function utf16(text: string, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(text.length * 2));
  for (let i = 0; i < text.length; i += 1) view.setUint16(i * 2, text.charCodeAt(i), littleEndian);
  return new Uint8Array(view.buffer);
}

function bytes(...parts: (readonly number[] | Uint8Array | string)[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) => [...(typeof part === "string" ? new TextEncoder().encode(part) : part)]),
  );
}

describe("decodeText", () => {
  it.each([
    ["UTF-8 without a mark", bytes(TEXT), "utf-8"],
    ["UTF-8 with its mark", bytes([0xef, 0xbb, 0xbf], TEXT), "utf-8"],
    ["UTF-16, little-endian", bytes([0xff, 0xfe], utf16(TEXT, true)), "utf-16le"],
    ["UTF-16, big-endian", bytes([0xfe, 0xff], utf16(TEXT, false)), "utf-16be"],
  ])("reads %s, and drops the mark", (_, input, encoding) => {
    expect(decodeText(input)).toEqual({ text: TEXT, encoding });
  });

  it("takes what isn't UTF-8 for windows-1252", () => {
    expect(decodeText(bytes("caf", [0xe9, 0x20, 0x93, 0x94]))).toEqual({
      text: "café “”",
      encoding: "windows-1252",
    });
  });

  it("follows the encoding that a page declares", () => {
    const page = bytes('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">', [0xb1]);
    expect(decodeText(page, { markup: true })).toMatchObject({ encoding: "iso-8859-2" });
    expect(decodeText(page, { markup: true }).text).toMatch(/ą$/u);
    expect(decodeText(page).text).toMatch(/±$/u);
    const xml = bytes('<?xml version="1.0" encoding="iso-8859-2"?>', [0xb1]);
    expect(decodeText(xml, { markup: true }).text).toMatch(/ą$/u);
  });

  it("lets the media type overrule the page, and a byte order mark both", () => {
    const page = bytes('<meta charset="iso-8859-2">', [0xb1]);
    expect(decodeText(page, { markup: true, type: "text/html; charset=iso-8859-1" }).text).toMatch(/±$/u);
    const marked = bytes([0xef, 0xbb, 0xbf], '<meta charset="iso-8859-2">ą');
    expect(decodeText(marked, { markup: true, type: "text/html; charset=iso-8859-1" }).text).toMatch(/ą$/u);
  });

  it("passes over a declaration that is unknown or wrong", () => {
    expect(decodeText(bytes("ą"), { type: "text/plain; charset=klingon" }).text).toBe("ą");
    expect(decodeText(bytes([0xe9]), { type: "text/plain; charset=utf-8" }).text).toBe("é");
    expect(decodeText(bytes('<meta charset="utf-16">ą'), { markup: true }).encoding).toBe("utf-8");
  });
});
