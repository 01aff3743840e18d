import { describe, expect, it } from "vitest";
import { acceptFile, pastedFile } from "./accept.ts";

/** A file that claims a size without holding it. */
function sized(name: string, size: number): File {
  const file = new File(["x"], name);
  Object.defineProperty(file, "size", { value: size });
  return file;
}

describe("acceptFile", () => {
  it.each(["notes.txt", "page.html", "no-extension"])("takes %s", async (name) => {
    const file = new File(["Some words."], name);
    expect(await acceptFile(file)).toEqual({ ok: true, file });
  });

  it("refuses an empty file", async () => {
    expect(await acceptFile(new File([], "nothing.txt"))).toEqual({
      ok: false,
      name: "nothing.txt",
      code: "DOCUMENT_EMPTY",
      message: '"nothing.txt" is empty: 0 bytes.',
    });
  });

  it("refuses a file of 100 MB, and says how much would do", async () => {
    expect(await acceptFile(sized("large.txt", 100_000_000))).toMatchObject({
      code: "DOCUMENT_TOO_LARGE",
      message: expect.stringMatching(/100 MB.*at most 50 MB/u),
    });
  });

  it("refuses a picture, and says what is expected", async () => {
    const png = new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])], "photo.png");
    expect(await acceptFile(png)).toMatchObject({
      code: "DOCUMENT_BINARY",
      message: expect.stringMatching(/a PNG image; expected text, HTML, Markdown or PDF/u),
    });
  });

  it("looks at no more than the head of a file", async () => {
    const text = new Uint8Array(200_000).fill(0x61);
    text[150_000] = 0;
    expect(await acceptFile(new File([text], "long.txt"))).toMatchObject({ ok: true });
  });

  it("says in words that a folder can't be read", async () => {
    const folder = sized("papers", 4096);
    folder.slice = () => {
      throw new DOMException("A requested file or directory could not be found", "NotFoundError");
    };
    expect(await acceptFile(folder)).toMatchObject({
      code: "DOCUMENT_UNREADABLE",
      message: expect.stringContaining("If it is a folder"),
    });
  });
});

describe("pastedFile", () => {
  const clipboard = (text: string, ...files: File[]) => ({ files, getData: () => text });

  it("prefers a file to its name", () => {
    const file = new File(["x"], "a.txt");
    expect(pastedFile(clipboard("a.txt", file))).toBe(file);
  });

  it("makes a file of text", async () => {
    const file = pastedFile(clipboard("It rained."));
    expect(file?.name).toBe("Pasted text.txt");
    expect(await file?.text()).toBe("It rained.");
  });

  it("makes nothing of white space", () => expect(pastedFile(clipboard(" \n"))).toBeNull());
});
