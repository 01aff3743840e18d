import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDocument } from "./open-document.ts";

let folder: string;
const inFolder = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-open-"));
  await writeFile(inFolder("tea.md"), "# Tea");
  await writeFile(inFolder("empty.txt"), "");
  await writeFile(inFolder("image.txt"), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  // A sparse file: 100 MB that take no room on the disk.
  await writeFile(inFolder("big.txt"), "");
  await truncate(inFolder("big.txt"), 100_000_000);
  await mkdir(inFolder("folder.txt"));
  await symlink("loop", inFolder("loop"));
});

afterAll(() => rm(folder, { recursive: true }));

describe("openDocument", () => {
  it("gives the file with its name", async () => {
    const file = await openDocument(inFolder("tea.md"));
    expect([file.name, await file.text()]).toEqual(["tea.md", "# Tea"]);
  });

  it.each([
    ["nothing.txt", "DOCUMENT_NOT_FOUND", "there is no such file"],
    ["tea.md/page.txt", "DOCUMENT_NOT_FOUND", "not a directory"],
    ["folder.txt", "DOCUMENT_IS_DIRECTORY", "that is a directory; expected a file"],
    ["empty.txt", "DOCUMENT_EMPTY", '"empty.txt" is empty: 0 bytes'],
    ["big.txt", "DOCUMENT_TOO_LARGE", '"big.txt" has 100 MB; at most 50 MB are read'],
    ["image.txt", "DOCUMENT_BINARY", '"image.txt" is a PNG image'],
    ["loop", "DOCUMENT_UNREADABLE", "it can't be read (ELOOP)"],
  ])("refuses %s as %s", async (name, code, message) => {
    await expect(openDocument(inFolder(name))).rejects.toMatchObject({
      name: "DocumentError",
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it("refuses a device, which has no end", async () => {
    await expect(openDocument("/dev/zero")).rejects.toMatchObject({ code: "DOCUMENT_UNREADABLE" });
  });
});
