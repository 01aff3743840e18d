import { describe, expect, it } from "vitest";
import { fixture } from "../fixtures/files.ts";
import { extractDocument } from "./extract.ts";
import { parseMarkdown } from "./markdown.ts";

describe("Markdown", () => {
  it("gives its prose without marks, code, comments and images", async () => {
    const document = await extractDocument(fixture("excerpt.md"));
    expect(document).toMatchObject({
      title: "The Upper Waters",
      author: "William Morris",
      format: "markdown",
    });
    expect(document.sections).toEqual([
      {
        heading: "The Upper Waters",
        paragraphs: [
          "We set off before six o'clock the next morning, as we were still twenty-five miles from our " +
            "resting-place, and Dick wanted to be there before dusk.",
        ],
      },
      {
        heading: "Provisions & tackle",
        paragraphs: [
          "bread, which was good",
          "a flask of wine",
          "and a second one",
          "what how many",
          "oars two",
          "rugs three",
          '"Well," said Dick, "the weather is fine!"',
        ],
      },
    ]);
  });

  it("takes the title from the front matter, else from the first heading of level 1", async () => {
    expect((await parseMarkdown("---\ntitle: 'Named'\n---\n# Headed")).title).toBe("Named");
    expect((await parseMarkdown("intro\n\n## Small\n\n# Headed *here*")).title).toBe("Headed here");
    expect((await parseMarkdown("---\n\ntext after a rule\n\n---\n")).title).toBeUndefined();
  });
});
