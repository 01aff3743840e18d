import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writePdf } from "../document/fixtures/files.ts";
import { runCli } from "./cli.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const excerpt = (form: string): string =>
  fileURLToPath(new URL(`../document/fixtures/excerpt.${form}`, import.meta.url));

async function run(args: string[], signal?: AbortSignal) {
  let [out, err] = ["", ""];
  const status = await runCli(args, {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    env: {},
    signal,
  });
  return { status, out, err };
}

describe("npm start -- PATH", () => {
  it.each(["html", "txt", "md", "pdf"])("takes the excerpt as %s through all four stages", async (form) => {
    const { status, out, err } = await run([excerpt(form)]);
    expect(status).toBe(0);
    for (const stage of ["Extract text", "Sentiment analysis", "Keyword extraction", "Aggregate"]) {
      expect(err).toContain(`${stage}: done in`);
      expect(out).toMatch(new RegExp(`${stage} +completed +1 attempt`, "u"));
    }
    expect(out).toContain("by William Morris");
    expect(out).toMatch(/Keywords.*\n\n {3}1 {2}\S/u);
  });

  it("finds the same in the book's two forms", async () => {
    const [html, text] = await Promise.all(
      ["html", "txt"].map(async (form) => JSON.parse((await run(["--json", excerpt(form)])).out) as unknown),
    );
    const same = ({ title, words, sentiment, sections, keywords }: Record<string, unknown>) => ({
      title,
      words,
      sentiment,
      moods: (sections as { score: number }[]).map(({ score }) => score),
      phrases: (keywords as { phrase: string; count: number }[]).map(({ phrase, count }) => [phrase, count]),
    });
    expect(same(text as Record<string, unknown>)).toEqual(same(html as Record<string, unknown>));
  });

  it("without a path says how it is used, and runs on the sample", async () => {
    const { status, out, err } = await run([]);
    expect(status).toBe(0);
    expect(err).toMatch(/^Usage: npm start -- .*PATH/u);
    expect(out).toContain("News from Nowhere: five chapters by William Morris");
  });

  it("prints the stages' logs when asked to, and warnings unasked", async () => {
    const german = await write("kessel.txt", "Der Kessel sang. Der Kessel pfiff.");
    expect((await run(["--logs", german])).err).toMatch(
      /INFO extract-text: reading a document \{"bytes":34/u,
    );
    const { err } = await run([german]);
    expect(err).toContain("WARN sentiment-analysis: no word is in the lexicon, which is English");
    expect(err).not.toContain("INFO");
  });
});

describe("what it can't do is one sentence, a code and a status", () => {
  it.each([
    ["nothing.txt", null, "DOCUMENT_NOT_FOUND"],
    ["empty.txt", "", "DOCUMENT_EMPTY"],
    ["binary.txt", "a\0b", "DOCUMENT_BINARY"],
    ["stars.txt", "* * *", "DOCUMENT_NO_TEXT"],
    ["broken.pdf", "%PDF-1.7 broken", "DOCUMENT_UNREADABLE"],
    ["blank.pdf", writePdf([[]]), "DOCUMENT_NO_TEXT"],
  ])("%s", async (name, content, code) => {
    const path = content === null ? join(folder, name) : await write(name, content);
    const { status, out, err } = await run([path]);
    expect(status).toBe(1);
    expect(out).toBe("");
    expect(err.trimEnd().split("\n").at(-1)).toMatch(new RegExp(`^error: [^\\n]+ \\[${code}\\]$`, "u"));
    // Trying again would not help, and isn't tried.
    expect(err).not.toContain("retrying");
  });

  it("arguments that make no sense", async () => {
    expect((await run(["--colour"])).status).toBe(2);
    expect((await run(["a.txt", "b.txt"])).err).toMatch(/^error: expected one PATH, got 2\n\nUsage/u);
    expect(await run(["--help"])).toMatchObject({ status: 0, err: "" });
  });

  it("an interrupt, which cancels the run", async () => {
    const { status, out, err } = await run([excerpt("txt")], AbortSignal.abort());
    expect({ status, out }).toEqual({ status: 130, out: "" });
    expect(err).toMatch(/error: interrupted; the run was cancelled\n$/u);
  });
});
