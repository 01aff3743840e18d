import { describe, expect, it } from "vitest";
import type { DocumentError } from "../errors.ts";
import { detectFormat } from "./detect.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

describe("detectFormat", () => {
  it.each([
    ["plain words", "Just words.", {}, "text"],
    ["by the extension", "Just words.", { name: "notes.MD" }, "markdown"],
    ["by the media type", "Just words.", { type: "text/html; charset=utf-8" }, "html"],
    [
      "by the media type before the extension",
      "Just words.",
      { name: "a.html", type: "text/markdown" },
      "markdown",
    ],
    ["a page called a text", "\n<!-- old -->\n<!DOCTYPE html><p>Words", { name: "a.txt" }, "html"],
    ["XHTML by its root", '<?xml version="1.0"?>\n<html xmlns="x">', {}, "html"],
    ["a text that begins with a tag", "<p> is a tag of HTML", { name: "a.txt" }, "text"],
    ["a PDF called a text", "%PDF-1.7\n\x00\x01", { name: "a.txt" }, "pdf"],
    ["a PDF after some bytes of a mail", "X-Mail: 1\n%PDF-1.7\n", { name: "a.pdf" }, "pdf"],
    ["a text about PDF", "A file starts with %PDF-1.7", { name: "a.txt" }, "text"],
    ["a terminal's log", "\x1b[1mbold\x1b[0m\tand\fnew page", {}, "text"],
  ] as const)("%s", (_, content, hints, format) => {
    expect(detectFormat(ascii(content), hints)).toBe(format);
  });

  it("accepts UTF-16, whose zero bytes are no sign of binary data", () => {
    expect(detectFormat(ascii("\xff\xfeH\0i\0"))).toBe("text");
    expect(detectFormat(ascii(`\xff\xfe${"<html>".replaceAll(/(?<=.)/gu, "\0")}`))).toBe("html");
  });

  it.each([
    ["PK\x03\x04", "a ZIP archive"],
    ["\x89PNG\r\n\x1a\n", "a PNG image"],
    ["\xff\xd8\xff\xe0", "a JPEG image"],
    ["{\\rtf1\\ansi", "a rich text (RTF) file"],
  ])("names the kind of file that starts with %j", (magic, kind) => {
    expect(() => detectFormat(ascii(`${magic} some words`), { name: "book.txt" })).toThrow(
      `"book.txt" is ${kind}`,
    );
  });

  it.each([
    ["a zero byte, however late", `${"word ".repeat(40_000)}\0`],
    ["many control characters", "ab\x01\x02\x03cdefgh"],
  ])("refuses %s", (_, content) => {
    expect(() => detectFormat(ascii(content))).toThrow(
      expect.objectContaining({ name: "DocumentError", code: "DOCUMENT_BINARY" }) as DocumentError,
    );
  });
});
