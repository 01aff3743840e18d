import { describe, expect, it } from "vitest";
import type { ExtractedDocument } from "../document.ts";
import { DocumentError, type DocumentErrorCode } from "../errors.ts";
import { fixture, writePdf } from "../fixtures/files.ts";
import { foldWord, words } from "../text.ts";
import { extractDocument, MAX_DOCUMENT_BYTES } from "./extract.ts";

function allWords({ sections }: ExtractedDocument): string[] {
  return sections.flatMap(({ heading, paragraphs }) => [heading, ...paragraphs].flatMap(words)).map(foldWord);
}

async function codeOf(work: Promise<unknown>): Promise<DocumentErrorCode | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DocumentError);
  return (error as DocumentError).code;
}

/** A blob that claims a size without holding the bytes; reading it is an error. */
function sized(size: number): Blob {
  return Object.defineProperties(new Blob(["x"]), {
    size: { value: size },
    arrayBuffer: { value: () => Promise.reject(new Error("read although too large")) },
  });
}

describe("the same book in two forms", () => {
  it("has the same title, author, chapters and words as HTML and as text", async () => {
    const html = await extractDocument(fixture("excerpt.html"));
    const text = await extractDocument(fixture("excerpt.txt"));
    for (const document of [html, text]) {
      expect(document.title).toBe("News from Nowhere");
      expect(document.author).toBe("William Morris");
      expect(document.sections.map(({ heading }) => heading.toUpperCase())).toEqual([
        "NEWS FROM NOWHERE OR AN EPOCH OF REST BEING SOME CHAPTERS FROM A UTOPIAN ROMANCE",
        "CHAPTER I: DISCUSSION AND BED",
        "CHAPTER XIII: CONCERNING POLITICS",
        "CHAPTER XX: THE HAMMERSMITH GUEST-HOUSE AGAIN",
        "FOOTNOTES:",
      ]);
      expect(document.sections.map(({ paragraphs }) => paragraphs.length)).toEqual([10, 8, 3, 3, 1]);
    }
    expect(html.format).toBe("html");
    expect(text.format).toBe("text");
    expect(allWords(html)).toEqual(allWords(text));
    expect(html.stats.words).toBe(allWords(html).length);
    expect(html.stats.words).toBeGreaterThan(1600);
  });

  it("holds no word of Project Gutenberg, its transcriber or its markup", async () => {
    for (const name of ["excerpt.html", "excerpt.txt"]) {
      const { sections } = await extractDocument(fixture(name));
      expect(JSON.stringify(sections)).not.toMatch(
        /gutenberg|transcribed|licence|margin|&nbsp;|_\w|\{1\}|\[1\]/iu,
      );
    }
  });

  it("reads line ends of any kind alike", async () => {
    const unix = await extractDocument(fixture("excerpt.txt"));
    const source = await fixture("excerpt.txt").text();
    const dos = await extractDocument(new File([source.replaceAll("\n", "\r\n")], "excerpt.txt"));
    expect(dos).toEqual(unix);
  });
});

describe("what it refuses, each by a code of its own", () => {
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);

  it.each([
    ["an empty file", new Blob([]), "DOCUMENT_EMPTY"],
    ["100 MB, without reading them", sized(100_000_000), "DOCUMENT_TOO_LARGE"],
    ["one byte too many", sized(MAX_DOCUMENT_BYTES + 1), "DOCUMENT_TOO_LARGE"],
    ["an image", new File([png], "book.txt"), "DOCUMENT_BINARY"],
    ["a damaged PDF", new Blob(["%PDF-1.7\nnothing of the kind"]), "DOCUMENT_UNREADABLE"],
    ["a text without a word", new Blob([" \n * * * \n -- \n"]), "DOCUMENT_NO_TEXT"],
    ["a page without a word", new Blob(["<html><script>let words = 1</script></html>"]), "DOCUMENT_NO_TEXT"],
    ["a PDF of blank pages", new Blob([writePdf([[], []])]), "DOCUMENT_NO_TEXT"],
  ] as const)("%s", async (_, file, code) => {
    expect(await codeOf(extractDocument(file))).toBe(code);
  });

  it("a PDF that needs a password", async () => {
    const filler = "41".repeat(32);
    const encrypt = `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${filler}> /U <${filler}> >>`;
    const file = new Blob([writePdf([[{ text: "secret", y: 500 }]], encrypt)]);
    expect(await codeOf(extractDocument(file))).toBe("DOCUMENT_ENCRYPTED");
  });

  it("says the file's name, its size and the limit", async () => {
    await expect(extractDocument(sized(100_000_000), { name: "big.txt" })).rejects.toThrow(
      '"big.txt" has 100 MB; at most 50 MB are read',
    );
  });

  it("accepts a file of exactly the limit", async () => {
    await expect(extractDocument(sized(MAX_DOCUMENT_BYTES))).rejects.toThrow("read although too large");
  });
});

describe("while it works", () => {
  it("reports progress that only grows and ends at 1", async () => {
    const seen: number[] = [];
    await extractDocument(fixture("excerpt.pdf"), { onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it("stops with the signal's reason", async () => {
    const reason = new Error("cancelled by hand");
    for (const name of ["excerpt.html", "excerpt.txt", "excerpt.pdf"]) {
      await expect(extractDocument(fixture(name), { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
    }
  });
});
