import { describe, expect, it } from "vitest";
import { blocksToSections } from "./blocks.ts";
import { parseHtml } from "./html.ts";

async function read(html: string): Promise<unknown> {
  return blocksToSections((await parseHtml(html)).blocks);
}

describe("parseHtml", () => {
  it("parts paragraphs at block elements and runs on over inline ones", async () => {
    const html =
      "<h1>Tea</h1><p>It was <i>ver</i>y <b>hot</b>.<p>Cold<br/>later<div>on</div> the <a href=x>table</a>";
    expect(await read(html)).toEqual([
      { heading: "Tea", paragraphs: ["It was very hot.", "Cold later", "on", "the table"] },
    ]);
  });

  it("leaves out what is not read: scripts, styles, forms' parts, navigation, nested as they come", async () => {
    const html =
      "<nav><p>Home<nav>More</nav>Away</nav><script>if (a < b) p()</script><style>p{}</style><p>Read<svg><text>no</text></svg> this" +
      "<noscript>or that</noscript><template><p>never</p></template>.</p>";
    expect(await read(html)).toEqual([{ heading: "", paragraphs: ["Read this."] }]);
  });

  it("decodes entities and squeezes white space of every kind", async () => {
    expect(await read("<p>Tom&nbsp;&nbsp;&amp;\n\t Jerry&mdash;caf&eacute; &#8220;x&#x201D;</p>")).toEqual([
      { heading: "", paragraphs: ["Tom & Jerry—café “x”"] },
    ]);
  });

  it("parts preformatted text at blank lines, and only that", async () => {
    expect(await read("<pre>one\ntwo\n \nthree</pre><p>four\n\nfive</p>")).toEqual([
      { heading: "", paragraphs: ["one two", "three", "four five"] },
    ]);
  });

  it("keeps a table's row in one paragraph, its cells apart", async () => {
    expect(await read("<table><tr><td>Oars<td>2<tr><td>Rugs</td><td>3</td></tr></table>")).toEqual([
      { heading: "", paragraphs: ["Oars 2", "Rugs 3"] },
    ]);
  });

  it("takes the title from the head, else from the first h1, and not into the text", async () => {
    const page = await parseHtml("<html><head><title>The\n Book</title></head><body><h1>A</h1><p>b</body>");
    expect(page.title).toBe("The Book");
    expect(page.blocks.map(({ text }) => text)).toEqual(["A", "b"]);
    expect((await parseHtml("<h2>Small</h2><h1>Great</h1><h1>Second</h1>")).title).toBe("Great");
    expect((await parseHtml("<p>None</p>")).title).toBeUndefined();
  });

  it("survives markup that was never closed or never opened", async () => {
    expect(await read("</p></div><p>One<b>two<p>three</pre><h2>Four<p>five")).toEqual([
      { heading: "", paragraphs: ["Onetwo", "three"] },
      { heading: "Four", paragraphs: ["five"] },
    ]);
  });

  it("refuses a page without a bottom", async () => {
    await expect(parseHtml("<div>a".repeat(50_001))).rejects.toMatchObject({ code: "DOCUMENT_UNREADABLE" });
    expect((await parseHtml("<br>a<p>b".repeat(50_001))).blocks).toHaveLength(50_002);
  });

  it("gives way between the pieces of a large page", async () => {
    let pauses = 0;
    const { blocks } = await parseHtml("<p>word</p>".repeat(50_000), async () => {
      pauses += 1;
    });
    expect(blocks).toHaveLength(50_000);
    expect(pauses).toBeGreaterThan(3);
  });
});

describe("blocksToSections", () => {
  it("joins a bare heading to the one after it, and forgets a table of contents", () => {
    const heading = (text: string) => ({ kind: "heading", text }) as const;
    const paragraph = (text: string) => ({ kind: "paragraph", text }) as const;
    expect(
      blocksToSections([
        paragraph("* * *"),
        heading("CHAPTER I"),
        heading("CHAPTER II"),
        heading("CHAPTER III"),
        paragraph("First [12] words {3}."),
        heading("PART TWO"),
        heading("CHAPTER IV"),
        paragraph("Last words."),
        heading("THE END"),
      ]),
    ).toEqual([
      { heading: "CHAPTER III", paragraphs: ["First words."] },
      { heading: "PART TWO: CHAPTER IV", paragraphs: ["Last words."] },
    ]);
  });

  it("doesn't put the title before every first chapter", () => {
    const blocks = [
      { kind: "heading", text: "Tea" },
      { kind: "heading", text: "Kettles" },
      { kind: "paragraph", text: "They sing." },
    ] as const;
    expect(blocksToSections(blocks, "Tea")[0]?.heading).toBe("Kettles");
    expect(blocksToSections(blocks, "Other")[0]?.heading).toBe("Tea: Kettles");
    expect(blocksToSections([blocks[0], blocks[2]], "Tea")[0]?.heading).toBe("Tea");
  });

  it("cuts what has no paragraphs: after a sentence, else after a word, else anywhere", () => {
    const lengths = (text: string) =>
      blocksToSections([{ kind: "paragraph", text }])[0]?.paragraphs.map((piece) => piece.length);
    expect(lengths(`${"word ".repeat(3000)}end. ${"word ".repeat(3000)}`)).toEqual([15_004, 14_999]);
    expect(lengths("word ".repeat(5000))).toEqual([19_999, 4999]);
    expect(lengths("w".repeat(45_000))).toEqual([20_000, 20_000, 5000]);
  });

  it("takes a heading as long as a paragraph for one", () => {
    const text = "word ".repeat(60).trim();
    expect(blocksToSections([{ kind: "heading", text }])).toEqual([{ heading: "", paragraphs: [text] }]);
  });
});
