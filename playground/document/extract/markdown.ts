import { Marked } from "marked";
import type { ParsedText } from "./blocks.ts";
import { parseHtml } from "./html.ts";

/** Code and images hold no prose; the rest is read as the HTML that it stands for. */
const marked = new Marked({ renderer: { code: () => "", image: () => "" } });

const FRONT_MATTER = /^---[ \t]*\r?\n([^]*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/u;

/**
 * Reads Markdown (GitHub's flavour) into headings and paragraphs. Code blocks, comments, images and link targets are
 * left out. Title and author are those in the YAML front matter; else the title is the first heading of level 1.
 */
export async function parseMarkdown(source: string, feed?: () => Promise<void>): Promise<ParsedText> {
  const frontMatter = FRONT_MATTER.exec(source);
  const html = await marked.parse(frontMatter ? source.slice(frontMatter[0].length) : source);
  const page = await parseHtml(html, feed);
  return {
    blocks: page.blocks,
    title: field(frontMatter?.[1], "title") ?? page.title,
    author: field(frontMatter?.[1], "author"),
  };
}

/** One line `name: value` of front matter: all of YAML that is needed here. */
function field(frontMatter: string | undefined, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(["']?)(.+?)\\1[ \\t]*$`, "imu").exec(frontMatter ?? "")?.[2];
}
